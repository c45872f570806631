"""Is packaging/zabbix/lra.json a template that agrees with itself and with the MIB? zabbix.py

What it reads over HTTP is compared with a real lrad in test/integration/consumers/metrics.py."""

import importlib.util
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MIB = ROOT / "snmp_mib/TAPE-LIBRARY-RESERVATION-MIB.txt"


def module_of(path):
    spec = importlib.util.spec_from_file_location("make_page", path)
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


def everything_with(value, key):
    if isinstance(value, dict):
        if key in value:
            yield value
        for inner in value.values():
            yield from everything_with(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from everything_with(inner, key)


def wrong_with_template(template, oids):
    name = template["template"]
    own_items = list(everything_with(template, "value_type"))
    keys = {i["key"] for i in own_items} | {r["key"] for r in template["discovery_rules"]}
    maps = {m["name"] for m in template.get("valuemaps", [])}
    for item in own_items:
        if item["type"] == "DEPENDENT" and item["master_item"]["key"] not in keys:
            yield f"{item['key']}: its master item {item['master_item']['key']} is not there"
        if item.get("valuemap") and item["valuemap"]["name"] not in maps:
            yield f"{item['key']}: no value map {item['valuemap']['name']}"
    if len(own_items) != len({i["key"] for i in own_items}):
        yield f"{name}: a key stands twice"
    for trigger in everything_with(template, "expression"):
        for of, key in re.findall(r"\(/([^/]+)/([\w.]+(?:\[[^\]]*\])?)", trigger["expression"]):
            if of != name or key not in keys:
                yield f"trigger \"{trigger['name']}\" looks at {key}, which is not there"
    for rule in template["discovery_rules"]:
        macros = set(re.findall(r"\{#\w+\}", json.dumps(rule["item_prototypes"])))
        given = {m["lld_macro"] for m in rule.get("lld_macro_paths", [])} | set(re.findall(r"\{#\w+\}", rule.get("snmp_oid", "")))
        for macro in macros - given - {"{#SNMPINDEX}"}:
            yield f"{rule['key']}: nothing gives {macro}"
    for thing in everything_with(template, "snmp_oid"):
        for oid in re.findall(r"1\.3\.6\.1\.4\.1[\d.]*\d", thing["snmp_oid"]):
            if re.sub(r"\.0$", "", oid) not in oids:
                yield f"{thing['key']}: the module has no object {oid}"


def main():
    export = json.loads((ROOT / "packaging/zabbix/lra.json").read_text())["zabbix_export"]
    page = module_of(ROOT / "packaging/mib/make_page.py")
    text = MIB.read_text()
    columns = {thing["name"] for thing in page.objects(text) if thing["access"].startswith("read")}
    oids = {oid for name, oid in page.arcs(text).items() if name in columns}
    troubles = [trouble for template in export["templates"] for trouble in wrong_with_template(template, oids)]
    uuids = [thing["uuid"] for thing in everything_with(export, "uuid")]
    troubles += [f"{u} is no UUID of version 4" for u in uuids if not re.fullmatch(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", u)]
    if len(uuids) != len(set(uuids)):
        troubles.append("a UUID stands twice")
    for trouble in troubles:
        print(f"FAILED {trouble}")
    print(f"{len(uuids)} things, {len(oids)} objects of the module")
    return 1 if troubles or len(oids) < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
