#!/usr/bin/env python3
"""Simulator of NetWorker's nsradmin -i -: commands on standard input, resources NSR device.

Reproduced: success whatever happened, an update without a selection changes nothing, a prompt where standard input is
not announced by -i -, attributes in an order of their own.
"""

import re
import sys

from simulated_drives import called, hang, state_of


def show(name, drive):
    using = "writing at 120 MB/s, 1 session" if drive["job"] else ""
    print("                        type: NSR device;")
    print(f"                        name: \"{name}\";")
    print(f"                     enabled: {drive.get('enabled', 'Yes')};")
    print(f"                     message: {using};\n")


def main():
    path, *argv = sys.argv[1:]
    if argv[argv.index("-s"):][2:] != ["-i", "-"]:
        print("nsradmin> ", end="", flush=True)
        hang()
    lines = [line.strip() for line in sys.stdin]
    with state_of(path) as state:
        fault = called(state, argv + lines)
        if fault == "unreachable":
            print("Unable to connect to server: Program not registered")
            return
        if fault != "hang":
            selected = {}
            for line in lines:
                if line.startswith(". "):
                    name = re.search(r"name: ([^;]+)", line)[1].strip()
                    selected = {n: d for n, d in state["drives"].items() if n == name}
                    print("Current query set" if selected else "No resources found for query:\n" + line)
                elif line.startswith("update enabled: "):
                    for drive in selected.values():
                        drive["enabled"] = line.split(": ")[1]
                        print("updated resource id 41.0.94.96.0.0.0.0")
                elif line == "print":
                    for name, drive in selected.items():
                        show(name, drive)
                elif line == "quit":
                    return
            return
    hang()


main()
