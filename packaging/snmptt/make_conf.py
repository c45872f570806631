#!/usr/bin/env python3
"""Writes snmptt's configuration for the notifications to people and monitoring: make_conf.py MIB-FILE >lra.conf

Those between controller and agents are left out: consumers never get them."""

import re
import sys

ROOT = ".1.3.6.1.4.1.8072.9999.9999"  # netSnmpPlaypen; see the head of the MIB for how to move the module
SEVERITY_PLACE = "tlrNotifySeverity"
# Of all that do not clear another. Whoever is called at night is called by these.
SEVERITIES = {"tlrTest": "Informational", "tlrHeartbeat": "Normal", "tlrPairRoleChanged": "Normal",
              "tlrHandshakeIncomplete": "Warning", "tlrDriveForcedOffline": "Critical", "tlrDriveUnprotected": "Critical",
              "tlrDriveUnreachable": "Major", "tlrHolderUnknown": "Major", "tlrAgentLost": "Major", "tlrDriveConcern": "Major",
              "tlrRefusalsMany": "Major", "tlrPairTrouble": "Major"}


def notifications(text):
    pattern = re.compile(r"^(\w+) NOTIFICATION-TYPE\s+OBJECTS\s+\{([^}]*)\}\s+STATUS\s+current\s+DESCRIPTION\s+\"([^\"]*)\"\s+"
                         r"::= \{ tlrNotifications (\d+) \}", re.MULTILINE)
    for name, objects, description, number in pattern.findall(text):
        yield name, [o.strip() for o in objects.split(",")], " ".join(description.split()), int(number)


def severity_of(name, description):
    """snmptt has one severity an event; the message carries the true one."""
    if description.startswith("Clears "):
        return "Normal"
    if name not in SEVERITIES:
        raise SystemExit(f"{name}: its severity is not in SEVERITIES")
    return SEVERITIES[name]


def main():
    text = open(sys.argv[1], encoding="utf-8").read()
    arc = re.search(r"::= \{ netSnmpPlaypen (\d+) \}", text).group(1)
    print("# Notifications of the library reservation agent for snmptt; made from TAPE-LIBRARY-RESERVATION-MIB by make_conf.py.")
    for name, objects, description, number in notifications(text):
        if "tlrNotifyText" not in objects:
            continue
        place = {o: f"${i + 1}" for i, o in enumerate(objects)}
        told = f"{place['tlrNotifyController']}: {place['tlrNotifyText']}"
        if SEVERITY_PLACE in place:
            over = "over: " if description.startswith("Clears ") else ""  # the text is that of the alarm
            told = f"{over}{place[SEVERITY_PLACE]} {told} (drive {place['tlrNotifyDrive']} agent {place['tlrNotifyAgent']} #{place['tlrNotifySequence']})"
        print(f'\nEVENT {name} {ROOT}.{arc}.0.{number} "Tape library reservation" {severity_of(name, description)}')
        print(f"FORMAT {told}")
        print(f"SDESC\n{description}\nEDESC")


if __name__ == "__main__":
    main()
