"""Runs Slither over contracts/ and holds its findings against triage.json: a finding that is not listed there fails, and so
does a listed one that Slither no longer makes, or one that is listed without a reason.

    python test/static/slither.py path/to/slither          (make slither)
"""

import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent


def findings(slither: str) -> list[dict]:
    """Every finding as its detector, the functions or variables it is about, and Slither's words for it."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        command = [slither, ".", "--json", str(report), "--filter-paths", "node_modules|test/|script/|contracts/demo"]
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if not report.exists():
            sys.exit(f"Slither did not run:\n{run.stderr[-4000:]}")
        result = json.loads(report.read_text())
    if not result["success"]:
        sys.exit(f"Slither failed: {result['error']}")
    return [
        {"detector": found["check"], "about": subject(found), "words": found["description"].strip()}
        for found in result["results"].get("detectors", [])
    ]


def subject(found: dict) -> str:
    """What a finding is about, in words that do not move with line numbers: its first element, as Contract.name."""
    element = found["elements"][0]
    parent = element.get("type_specific_fields", {}).get("parent", {})
    return f"{parent['name']}.{element['name']}" if parent.get("type") == "contract" else element["name"]


def main() -> None:
    triage = json.loads((HERE / "triage.json").read_text())
    off = {line["detector"] for line in triage["detectors"]}
    listed = {(line["detector"], line["about"]) for line in triage["findings"]}
    unreasoned = [line for kind in triage.values() for line in kind if not line.get("reason")]

    found = [finding for finding in findings(sys.argv[1])]
    made = {(finding["detector"], finding["about"]) for finding in found}
    unknown = [f for f in found if f["detector"] not in off and (f["detector"], f["about"]) not in listed]
    stale = sorted(listed - made) + sorted((detector, "everything") for detector in off - {d for d, _ in made})

    for finding in unknown:
        print(f"not in triage.json: {finding['detector']} about {finding['about']}\n    {finding['words']}\n")
    for detector, about in stale:
        print(f"in triage.json, but no longer found: {detector} about {about}")
    for line in unreasoned:
        print(f"in triage.json without a reason: {line}")
    print(f"Slither: {len(found)} findings, {len(unknown)} not triaged, {len(stale)} stale, {len(unreasoned)} unreasoned")
    sys.exit(1 if unknown or stale or unreasoned else 0)


if __name__ == "__main__":
    main()
