"""NVIDIA's client of the Open Inference Protocol against a host, through `tributary connect`, which signs for it.

Starts the demo's chain and host, connects, and asks about real digits as JSON and as binary tensors, one and several a
request. Fails unless every answer is right in form, both forms agree, and most digits are read correctly.
"""

import csv
import os
import re
import signal
import subprocess
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

LISTEN = "127.0.0.1:18080"


def start(command, until, **environment):
    """Runs a command in a process group of its own and reads its output until a line matches."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}, start_new_session=True
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if re.search(until, line):
            return process, "".join(lines)
    raise SystemExit(f"{command[1]} ended early:\n{''.join(lines)}")


def main(program):
    demo, text = start([program, "demo", "--keep"], r"--license \d+")
    started = [demo]
    try:
        host = re.search(r"^  host +(http\S+)", text, re.M)[1]
        rpc = re.search(r"^  chain +(http\S+)", text, re.M)[1]
        model = re.search(r"^  model +(0x\S+) \(vault", text, re.M)[1]
        key, license_id = re.search(r"TRIBUTARY_KEY=(\S+) .*--license (\S+)", text).groups()
        connect = [program, "connect", "--rpc", rpc, "--host", host, "--license", license_id, "--listen", LISTEN]
        started.append(start(connect, "ask http", TRIBUTARY_KEY=key)[0])
        check(triton.InferenceServerClient(LISTEN), model)
    finally:
        for process in reversed(started):
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def check(client, model):
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(model)
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    metadata = client.get_model_metadata(model)
    (given,), (answered,) = metadata["inputs"], metadata["outputs"]
    width = given["shape"][1]

    with open("demo/digits.csv", newline="") as file:
        rows = [row for row in csv.reader(file) if row and row[0].isdigit()][:64]
    images = np.array([row[:width] for row in rows], dtype=np.float32)
    labels = np.array([int(row[width]) for row in rows])

    def ask(records, binary):
        tensor = triton.InferInput(given["name"], list(records.shape), given["datatype"])
        tensor.set_data_from_numpy(records, binary_data=binary)
        wanted = triton.InferRequestedOutput(answered["name"], binary_data=binary)
        return client.infer(model, [tensor], outputs=[wanted], request_id="digits").as_numpy(answered["name"])

    one_by_one = np.concatenate([ask(images[k : k + 1], binary=True) for k in range(len(images))])
    together = np.concatenate([ask(images[k : k + 32], binary=True) for k in range(0, len(images), 32)])
    as_json = np.concatenate([ask(images[k : k + 32], binary=False) for k in range(0, len(images), 32)])
    np.testing.assert_allclose(together, one_by_one, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(as_json, together)
    right = int((one_by_one.argmax(axis=1) == labels).sum())
    assert right >= 55, f"only {right} of 64 digits are read correctly"

    try:
        ask(images[:1, :10], binary=True)
        raise SystemExit("an image of ten pixels was answered")
    except InferenceServerException as refusal:
        assert "shape" in refusal.message(), refusal
    print(f"tritonclient: {len(images) + 4} requests answered, {right} of 64 digits read correctly, forms agree")


if __name__ == "__main__":
    main(sys.argv[1])
