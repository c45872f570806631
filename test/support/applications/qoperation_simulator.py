#!/usr/bin/env python3
"""Simulator of Commvault's qoperation execscript: QS_SetDriveProperty and a site's script that shows a drive.

Reproduced: exit status 0 with an error in the answer, a token in a file, inputs in an order of their own.
"""

import os
import re
import sys

from simulated_drives import called, hang, state_of

STATUSES = {"1": "Enabled", "2": "Disabled", "3": "Offline for maintenance", "4": "Enabled"}


def main():
    path, *argv = sys.argv[1:]
    inputs = dict(re.fullmatch(r"@(\w+)='(.*)'", argv[i + 1]).groups() for i, a in enumerate(argv) if a == "-si")
    script, token = argv[argv.index("-sn") + 1], argv[argv.index("-tf") + 1]
    with state_of(path) as state:
        fault = called(state, argv)
        if not os.path.exists(token):
            print("Error 0x103: not logged in, or the session has expired.")
            sys.exit(2)
        if fault == "unreachable":
            print("Error 0x102: CommServe can not be reached.")
            sys.exit(2)
        if fault != "hang":
            drive = state["drives"].get(inputs["drive"])
            if drive is None:
                print("Error 17: drive not found")
            elif script == "QS_SetDriveProperty":
                drive["status"] = STATUSES[inputs["opType"]]
                print("Request successful")
            else:
                print(f'<row drive="{inputs["drive"]}" library="{inputs["library"]}" '
                      f'drivestatus="{drive.get("status", "Enabled")}"/>')
            return
    hang()


main()
