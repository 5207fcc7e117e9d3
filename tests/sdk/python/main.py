"""Runs the topics named on the command line against the program of KEYBEARER_READY: see ../README.md."""

import importlib
import json
import os
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import support  # noqa: E402
from scalekit import ScalekitClient  # noqa: E402

import coverage_of_methods  # noqa: E402

coverage_of_methods.start()
client = ScalekitClient(support.READY["tls_url"], support.READY["client_id"], support.READY["client_secret"])
for topic in sys.argv[1:]:
    try:
        importlib.import_module(topic).run(client)
    except Exception:  # noqa: BLE001: a topic that breaks off is a failed check
        support.check(f"{topic} ran to its end", False, traceback.format_exc()[-790:])
coverage_of_methods.end(client)
print(json.dumps({"checks": support.checks()}))
# the threads of the SDK do not keep the process alive
sys.stdout.flush()
os._exit(0)
