"""Schemathesis against a running host: whatever docs/openapi.json allows or forbids is sent, and every answer must be one
that the document describes.

Starts the demo's chain and host. First anything is asked for; then what is there: the model, the license, the epoch and
a receipt; then the operator asks the operator's routes. Fails where an answer is not documented, where the host fails
inside, or where it is gone.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request

DOCUMENT = "docs/openapi.json"

# What a schema cannot say, such as that an asset exists, a license is good or a signature is right, is refused although
# it fits the schema.
UNSAYABLE = "positive_data_acceptance"
# With a parameter given, schemathesis puts it in the place of one that it spoiled, and wonders that it is taken.
GIVEN = "negative_data_rejection"


def start(program):
    """Runs the demo in a process group of its own until it says what keeps running."""
    process = subprocess.Popen([program, "demo", "--keep"], stdout=subprocess.PIPE, text=True, start_new_session=True)
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "--license" in line:
            return process, "".join(lines)
    raise SystemExit(f"the demo ended early:\n{''.join(lines)}")


def run(host, examples, folder, parameters, *options):
    """One run of schemathesis with some parameters given; whether every answer was right."""
    config = os.path.join(folder, "schemathesis.toml")
    with open(config, "w") as file:
        file.write("[parameters]\n" + "".join(f'"{name}" = "{value}"\n' for name, value in parameters.items()))
    tool = os.path.join(os.path.dirname(sys.executable), "schemathesis")
    command = [tool, "--config-file", config, "run", DOCUMENT, "--url", host, "--checks", "all", "--no-color"]
    without = f"{UNSAYABLE},{GIVEN}" if parameters else UNSAYABLE
    command += ["--exclude-checks", without, "--phases", "examples,coverage,fuzzing", "--warnings", "off"]
    command += ["--seed", "1", "--max-examples", examples, "--generation-database", "none", *options]
    return subprocess.run(command).returncode == 0


def main(program, examples):
    demo, text = start(program)
    try:
        host = re.search(r"^  host +(http\S+)", text, re.M)[1]
        token = re.search(r"^  admin token +(\S+)", text, re.M)[1]
        model, license_id = re.search(r"--license (\S+) --model (\S+)", text).groups()[::-1]
        account = re.search(r"^    contributor 1 +(0x\S+)", text, re.M)[1]
        receipt = re.search(r"receipt (0x[0-9a-f]{64})", text)[1]
        there = {"asset": model, "model": model, "license": license_id, "account": account, "id": receipt}
        there = {f"path.{name}": value for name, value in (there | {"index": 1, "version": 1}).items()}
        # This program is built without Parquet, and says so with 501.
        there["query.format"] = "csv"
        operator = ["--include-tag", "operator", "--header", f"Authorization: Bearer {token}"]
        with tempfile.TemporaryDirectory() as folder:
            runs = [
                run(host, examples, folder, {}),
                run(host, examples, folder, there),
                run(host, examples, folder, there, *operator),
            ]
        with urllib.request.urlopen(f"{host}/readyz") as answer:
            assert json.load(answer) == {"ready": True}
        if not all(runs):
            raise SystemExit("the host and its document differ")
    finally:
        os.killpg(demo.pid, signal.SIGTERM)
        demo.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
