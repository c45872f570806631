#!/usr/bin/env python3
"""Simulator of IBM Storage Protect's dsmadmc: update drive, and a select from the table DRIVES.

Reproduced: asynchronous drain (ONLINE=NO at once, LOADED until the job has ended), wrong passwords, a server that can
not be reached, names of drives that do not exist, translated words where no -dataonly is given, a prompt without -id.
"""

import re
import sys

from simulated_drives import called, hang, state_of


def fail(code, text, status):
    print(f"{code} {text}")
    sys.exit(status)


def update(state, library, name, online):
    drive = state["drives"].get(name)
    if drive is None or library != "LIB1":
        fail("ANR8404E", f"UPDATE DRIVE: Drive {name} is not defined in library {library}.", 11)
    drive["online"] = online
    print(f"ANR8467I Drive {name} in library {library} updated.")


def main():
    path, *argv = sys.argv[1:]
    options = dict(a.lstrip("-").split("=", 1) for a in argv if a.startswith("-") and "=" in a)
    if "id" not in options or "password" not in options:
        with state_of(path) as state:
            called(state, argv)
        print("Enter your user id:  ", end="", flush=True)
        sys.exit(1 if not sys.stdin.readline() else 137)
    command = next((a for a in argv if not a.startswith("-")), "")
    with state_of(path) as state:
        fault = called(state, argv)
        if options["password"] != "secret of lra":
            fail("ANS1051I", "Invalid user id or password entered.\nANS8023E Unable to establish session with server.", 137)
        if fault == "unreachable":
            fail("ANS8023E", "Unable to establish session with server.", 12)
        if fault != "hang":
            change = re.fullmatch(r"update drive (\S+) (\S+) online=(yes|no)", command)
            if change:
                update(state, change[1], change[2], change[3] == "yes")
                return
            for name, drive in state["drives"].items():
                loaded = "LOADED" if drive["job"] else "EMPTY"
                print(f"LIB1,{name},{loaded},{'YES' if drive['online'] else 'NO'}")
            if "-dataonly=yes" not in argv:
                print("\nANS8002I Höchster Rückkehrcode war 0.")
            return
    hang()


main()
