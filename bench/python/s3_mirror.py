"""A server of the S3 protocol (moto) with a bucket that everybody may read, and the command of the arguments run against it."""

import os
import subprocess
import sys
import urllib.request

from moto.server import ThreadedMotoServer

BUCKET = "tributary"


def main(command):
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        made = urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT", headers={"x-amz-acl": "public-read"})
        urllib.request.urlopen(made).close()
        environment = {
            "BUCKET": BUCKET,
            "AWS_ENDPOINT": endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "anybody",
            "AWS_SECRET_ACCESS_KEY": "anything",
        }
        return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode
    finally:
        server.stop()


sys.exit(main(sys.argv[1:]))
