"""The run must not take away what it calls with: its own API client, and the key that signed its token."""

import os

import schemathesis

OWN = os.environ["KEYBEARER_CLIENT_ID"]


@schemathesis.hook
def filter_case(context, case):
    if OWN in f"{case.path_parameters} {case.body}":
        return False
    if case.operation.path.endswith("/signing:rotate") and isinstance(case.body, dict):
        return "overlap_seconds" not in case.body
    return True
