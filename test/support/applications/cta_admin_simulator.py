#!/usr/bin/env python3
"""Simulator of CTA's cta-admin --json: drive down, drive up, drive ls.

Reproduced: names are regular expressions anchored at both ends, one that matches nothing is success and says so on
stdout, down needs a reason, a running session is finished first (desired DOWN, status TRANSFERRING until then), 64-bit
numbers are texts.
"""

import json
import re
import sys

from simulated_drives import called, hang, state_of


def main():
    path, *argv = sys.argv[1:]
    with state_of(path) as state:
        fault = called(state, argv)
        if fault == "unreachable":
            print("Could not connect to the front end", file=sys.stderr)
            sys.exit(1)
        if fault != "hang":
            assert argv[:2] == ["--json", "drive"], argv
            verb, pattern = argv[2], argv[3]
            reason = argv[argv.index("--reason") + 1] if "--reason" in argv else ""
            found = {n: d for n, d in state["drives"].items() if re.fullmatch(pattern, n)}
            if verb in ("down", "up"):
                if verb == "down" and not reason.strip():
                    print("[]")
                    print("must provide a non-blank reason when setting drive down", file=sys.stderr)
                    sys.exit(2)
                if not found:
                    print("No drives match the regex. No action was taken.")
                for drive in found.values():
                    drive["online"], drive["reason"] = verb == "up", reason
                return
            rows = []
            for name, drive in found.items():
                at_rest = "UP" if drive["online"] else "DOWN"
                rows.append({"driveName": name, "host": "tpsrv01", "driveStatus": "TRANSFERRING" if drive["job"] else at_rest,
                             "desiredDriveState": at_rest, "reason": drive.get("reason", ""), "sessionId": "17",
                             "driveStatusSince": "86400"})
            print(json.dumps(rows))
            return
    hang()


main()
