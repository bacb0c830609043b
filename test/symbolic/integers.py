"""cvc5 as a solver command for Halmos: answers the query in the SMT-LIB file named last.

Bit vectors are solved as integers, in which products and quotients by constants are linear; bit by bit, a 256-bit division is out
of every solver's reach.
"""

import sys

import cvc5

solver = cvc5.Solver()
solver.setOption("solve-bv-as-int", "sum")
solver.setOption("produce-models", "true")
parser = cvc5.InputParser(solver)
parser.setFileInput(cvc5.InputLanguage.SMT_LIB_2_6, sys.argv[-1])
while not (command := parser.nextCommand()).isNull():
    print(command.invoke(solver, parser.getSymbolManager()), end="", flush=True)
