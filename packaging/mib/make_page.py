#!/usr/bin/env python3
"""Writes the manual page of the MIB module: make_page.py MIB-FILE VERSION >lra-mib.7"""

import re
import sys

ROOT = "1.3.6.1.4.1.8072.9999.9999"  # netSnmpPlaypen; see the head of the MIB for how to move the module
QUOTED = r'"([^"]*)"'


def one_line(text):
    return " ".join(text.split())


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def arcs(text):
    """Every name that is defined, with its arc below the module's root."""
    known = {"tlrMIB": [re.search(r"::= \{ netSnmpPlaypen (\d+) \}", text).group(1)]}
    for name, parent, number in re.findall(r"^(tlr\w+)\s[^=]*?::= \{ (tlr\w+) (\d+) \}", text, re.MULTILINE | re.DOTALL):
        if parent in known:
            known[name] = known[parent] + [number]
    return {name: ROOT + "." + ".".join(arc) for name, arc in known.items()}


def objects(text):
    pattern = re.compile(r"^(tlr\w+) OBJECT-TYPE\s+SYNTAX\s+(.*?)\s+(?:UNITS\s+" + QUOTED + r"\s+)?MAX-ACCESS\s+([\w-]+)\s+"
                         r"STATUS\s+current\s+DESCRIPTION\s+" + QUOTED + r"\s*(?:INDEX\s+\{([^}]*)\}\s*)?::= \{ (\w+) \d+ \}",
                         re.MULTILINE | re.DOTALL)
    for name, syntax, units, access, description, index, parent in pattern.findall(text):
        yield {"name": name, "syntax": one_line(syntax), "units": units, "access": access,
               "description": one_line(description), "index": one_line(index), "parent": parent}


def conventions(text):
    pattern = re.compile(r"^(Tlr\w+) ::= TEXTUAL-CONVENTION.*?DESCRIPTION\s+" + QUOTED + r"\s+SYNTAX\s+(INTEGER \{[^}]*\}|[^\n]+)",
                         re.MULTILINE | re.DOTALL)
    for name, description, syntax in pattern.findall(text):
        yield name, one_line(description), one_line(syntax)


def notifications(text):
    pattern = re.compile(r"^(tlr\w+) NOTIFICATION-TYPE\s+OBJECTS\s+\{([^}]*)\}\s+STATUS\s+current\s+DESCRIPTION\s+" + QUOTED, re.MULTILINE)
    for name, carried, description in pattern.findall(text):
        yield name, one_line(carried), one_line(description)


def told(thing, oid):
    extra = [thing["syntax"]] + ([thing["units"]] if thing["units"] else []) + [thing["access"]]
    print(f".TP\n.B {roff(thing['name'])}\n{roff('; '.join(extra))}; {roff(oid)}\n.br\n{roff(thing['description'])}")


def main():
    text = open(sys.argv[1], encoding="utf-8").read()
    oid, all_objects = arcs(text), list(objects(text))
    by_parent = {}
    for thing in all_objects:
        by_parent.setdefault(thing["parent"], []).append(thing)
    print(f'.TH LRA\\-MIB 7 "" "lra {sys.argv[2]}" "Library reservation agent"')
    print(".ad l\n.SH NAME\nlra\\-mib \\- TAPE\\-LIBRARY\\-RESERVATION\\-MIB, tape drives that applications share")
    print(".SH DESCRIPTION\n" + roff(one_line(re.search(r"MODULE-IDENTITY.*?DESCRIPTION\s+" + QUOTED, text, re.DOTALL).group(1))))
    print(f".PP\nThe root of the module, tlrMIB, is {roff(oid['tlrMIB'])}.")
    print(".SH SCALARS")
    for thing in by_parent["tlrScalars"]:
        told(thing, oid[thing["name"]] + ".0")
    print(".SH TABLES")
    for table in by_parent["tlrObjects"]:
        entry = by_parent[table["name"]][0]
        print(f".SS {roff(table['name'])}\n{roff(table['description'])} Index: {roff(entry['index'])}.")
        for thing in by_parent[entry["name"]]:
            told(thing, oid[thing["name"]])
    print(".SH NOTIFICATIONS")
    for name, carried, description in notifications(text):
        print(f".TP\n.B {roff(name)}\n{roff(oid[name])}\n.br\n{roff(description)}\n.br\nCarries {roff(carried)}.")
    print(".SH OBJECTS IN NOTIFICATIONS")
    for thing in by_parent["tlrNotifyObjects"]:
        told(thing, oid[thing["name"]] + ".0")
    print(".SH TEXTUAL CONVENTIONS")
    for name, description, syntax in conventions(text):
        print(f".TP\n.B {name}\n{roff(syntax)}\n.br\n{roff(description)}")
    print(".SH SEE ALSO\n.BR lrad (8),\n.BR lra\\-mibd (8),\n.BR snmpwalk (1),\n.BR snmpset (1)")


if __name__ == "__main__":
    main()
