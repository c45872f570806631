#!/usr/bin/env python3
"""Simulator of NetBackup's vmoprcmd: -downbyname, -upbyname, -devmon ds.

Reproduced: a state for each host and path, success for a drive that does not exist, a table that lists every host
whichever was asked for, statuses with the robot's type in them.
"""

import sys

from simulated_drives import called, hang, state_of

HEAD = """
                                   DRIVE STATUS

Drive Name             Label   Ready  RecMID  ExtMID  Wr.Enbl.  Type
    Host                       DrivePath                            Status
============================================================================="""


def show(state):
    print(HEAD)
    for name, drive in state["drives"].items():
        print(f"{name:<22} {'Yes' if drive['job'] else 'No':<7} No                     No        hcart")
        for host, paths in drive["hosts"].items():
            for path, status in paths.items():
                print(f"    {host:<26} {path:<36} {status}")
        print()


def main():
    path, *argv = sys.argv[1:]
    host = argv[argv.index("-h") + 1] if "-h" in argv else "media1"
    with state_of(path) as state:
        fault = called(state, argv)
        if fault == "unreachable":
            print("network protocol error (39)", file=sys.stderr)
            sys.exit(39)
        if fault != "hang":
            if argv[0] in ("-downbyname", "-upbyname"):
                drive = state["drives"].get(argv[1])
                if drive and fault != "lie":
                    for one in drive["hosts"].get(host, {}):
                        drive["hosts"][host][one] = "DOWN-TLD" if argv[0] == "-downbyname" else "TLD"
                return
            show(state)
            return
    hang()


main()
