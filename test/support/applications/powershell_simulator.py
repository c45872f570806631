#!/usr/bin/env python3
"""Simulator of PowerShell with Veeam's tape cmdlets: a script on standard input, -Command -.

Reproduced: errors that are words on stderr with exit status 0, a drive that a job has locked, JSON from ConvertTo-Json.
"""

import json
import re
import sys

from simulated_drives import called, hang, state_of


def main():
    path, *argv = sys.argv[1:]
    script = sys.stdin.read()
    with state_of(path) as state:
        fault = called(state, argv + [script])
        if fault == "unreachable":
            print("Get-VBRTapeDrive : No connection to the backup server\n"
                  "    + FullyQualifiedErrorId : ConnectionFailed", file=sys.stderr)
            return
        if fault != "hang":
            name = re.search(r"Get-VBRTapeDrive -Name '([^']*)'", script)[1]
            drive = state["drives"].get(name)
            if "ConvertTo-Json" in script:
                print(json.dumps([{"Name": name, "Enabled": drive["online"], "IsLocked": drive["job"]}] if drive else []))
            elif drive is None:
                print("LRA none")
            elif "Disable-VBRTapeDrive" in script:
                print("LRA locked" if drive["job"] else "LRA done")
                drive["online"] = drive["job"]
            else:
                drive["online"] = True
                print("LRA done")
            return
    hang()


main()
