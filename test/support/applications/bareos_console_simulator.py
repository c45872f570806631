#!/usr/bin/env python3
"""Simulator of Bareos' bconsole: unmount, mount, setdevice, status storage.

Reproduced: exit status 0 whatever the storage daemon said, refusal while a job uses the drive, the only storage taken
for a misspelt one, AutoSelect shown only at a debug level above 1.
"""

import re
import sys

from simulated_drives import called, hang, state_of


def shown(index, name, drive, debug):
    text = f'\nDevice "{name}" (/dev/nst{index}) is not open.\n'
    if drive.get("unmounted"):
        text += "    Device is BLOCKED. User unmounted.\n"
    elif drive["job"] or drive.get("open", True):
        text = f'\nDevice "{name}" (/dev/nst{index}) is mounted with:\n    Volume:      A00001L8\n'
    text += f"    Drive {index} is not loaded.\n"
    if debug:
        text += f"Device parameters:\n  Auto Select={'yes' if drive.get('autoselect', True) else 'no'}\n"
    return text + "==\n"


def run(state, line):
    names = list(state["drives"])
    storage = re.search(r'storage="([^"]*)"', line)
    if storage and storage[1] != "Tape":
        print(f'Storage resource "{storage[1]}": not found\nAutomatically selected Storage: Tape')
    index = re.search(r"drive=(\d+)", line)
    device = re.search(r'device="([^"]*)"', line)
    name = names[int(index[1])] if index else device[1] if device else ""
    drive = state["drives"].get(name)
    if line.startswith("status"):
        print("Device status:\n" + "".join(shown(i, n, state["drives"][n], state.get("debug")) for i, n in enumerate(names)))
        print("====\n")
    elif line.startswith("setdevice"):
        drive["autoselect"] = line.endswith("yes")
        print(f"3000 OK setdevice={name}")
    elif line.startswith("unmount"):
        if drive.get("unmounted"):
            print(f'3901 Device "{name}" (/dev/nst0) is already unmounted.')
        elif drive["job"]:
            print(f'3937 Device "{name}" (/dev/nst0) is busy with writers=1 reserved=0.')
        else:
            drive["unmounted"] = drive.get("open", True)
            print(f'3002 Device "{name}" (/dev/nst0) unmounted.')
    elif line.startswith("mount"):
        drive["unmounted"] = False
        print(f'3001 Device "{name}" (/dev/nst0) is mounted with Volume "A00001L8"')


def main():
    path, *argv = sys.argv[1:]
    lines = [line.strip() for line in sys.stdin]
    with state_of(path) as state:
        fault = called(state, argv + lines)
        if fault == "unreachable":
            print("Failed to connect to Director. Giving up.")
            sys.exit(1)
        if fault != "hang":
            print("Connecting to Director localhost:9101\n1000 OK: bareos-dir Version: 23.0.0\nEnter a period to cancel a command.")
            for line in lines:
                if line == "quit":
                    return
                print(line)
                run(state, line)
            return
    hang()


main()
