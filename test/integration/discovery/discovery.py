"""Discovery of a library behind an iSCSI portal: real vtld, lrad and lractl. discovery.py BIN-FOLDER"""

import json
import signal
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from rig import Failed, Rig, wait_until  # noqa: E402

D1, D2 = "VT00000001", "VT00000002"


def check(condition, words):
    if not condition:
        raise Failed(words)
    print(f"ok    {words}", flush=True)


def discover(rig, sysfs, *more):
    done = rig.run([str(rig.bin / "lrad"), "--discover", "--sysfs", str(sysfs), *more], check=False)
    return done.returncode, done.stdout


def secret_file(rig, name, secret, mode=0o600):
    path = rig.path(name)
    path.write_text(secret + "\n")
    path.chmod(mode)
    return str(path)


def behind_chap(rig, sysfs):
    """The same library once more, which everybody has to prove himself to, and which proves itself."""
    user, target = secret_file(rig, "chap", "what-lrad-says-it-is"), secret_file(rig, "chap-target", "what-the-library-is")
    vtld = json.loads(rig.path("vtld.json").read_text())
    vtld["iscsi"]["chap"] = {"user": "lra", "secret_file": user, "mutual": {"user": "silo", "secret_file": target}}
    rig._write("vtld.json", vtld)
    rig.start_vtld()
    portal = rig.urls[D1].split("/")[2]
    one_way = ("--chap-user", "lra", "--chap-secret-file", user)
    mutual = (*one_way, "--chap-target-user", "silo", "--chap-target-secret-file", target)

    status, text = discover(rig, sysfs, "--portal", portal, "--json")
    check(status == 1 and portal in " ".join(json.loads(text)["problems"]), "without CHAP the portal refuses, which is a problem in words")
    other = secret_file(rig, "chap-wrong", "what-somebody-else-is")
    status, text = discover(rig, sysfs, "--portal", portal, "--json", "--chap-user", "lra", "--chap-secret-file", other)
    check(status == 1 and json.loads(text)["drives"] == [], "nor with a wrong secret")
    for ways, words in ((one_way, "one way"), (mutual, "both ways")):
        status, text = discover(rig, sysfs, "--portal", portal, "--json", *ways)
        found = json.loads(text)
        check(status == 0 and [d["serial"] for d in found["drives"]] == [D1, D2] and found["problems"] == [],
              f"with CHAP, {words}, both drives are found {found['problems']}")
    check("what-lrad" not in text and "what-the" not in text, "no secret is printed")
    status, text = discover(rig, sysfs, "--portal", portal, "--json", *one_way, "--chap-target-user", "silo", "--chap-target-secret-file", other)
    check(status == 1 and json.loads(text)["drives"] == [], "a target that proves another secret is not believed")
    for wrong, words in ((("--chap-user", "lra"), "go together"), (mutual[4:], "give --chap-user")):
        done = rig.run([str(rig.bin / "lrad"), "--discover", *wrong], check=False)
        check(done.returncode == 2 and words in done.stderr, f"half of it is wrong usage: {done.stderr.strip()}")
    open_to_all = secret_file(rig, "chap-open", "what-lrad-says-it-is", 0o644)
    done = rig.run([str(rig.bin / "lrad"), "--discover", "--chap-user", "lra", "--chap-secret-file", open_to_all], check=False)
    check(done.returncode == 1 and "chmod 600" in done.stderr, f"a secret that others may read is refused: {done.stderr.strip()}")

    # As it was printed, it is configuration that works; lrad finds the other drive with the same names and secrets.
    rig._write_lrad()
    whole = json.loads(rig.path("lrad.json").read_text())
    whole["drives"] = [dict(found["configuration"]["drives"][0], poll_ms=200)]
    check(whole["drives"][0]["interface"]["chap"]["mutual"]["user"] == "silo", "the configuration to paste names the files")
    rig._write("lrad.json", whole)
    rig.spawn("lrad", [str(rig.bin / "lrad"), "--config", str(rig.path("lrad.json"))])
    rig._ready("lrad", lambda: rig.ask("lrad", "status", "show", quiet=True))
    wait_until("the drive is watched", lambda: rig.drive(D1)["operational_state"] == "online", 15)
    found = rig.ask("lrad", "drive", "discover")
    check([d["serial"] for d in found["drives"]] == [D1, D2] and not any("iscsi" in p.lower() for p in found["problems"]),
          f"lractl drive discover logs in as the drives do {found['problems']}")
    check(found["configuration"]["drives"][0]["interface"]["chap"]["user"] == "lra", "and prints what it logged in with")
    # A portal without a configured drive has its CHAP in discovery.portals; here instead of the drive's.
    whole["drives"][0].pop("interface")
    whole["drives"][0]["events"] = True
    whole["discovery"] = {"portals": [{"portal": portal, "chap": {"user": "lra", "secret_file": "chap"}}]}
    rig._write("lrad.json", whole)
    rig.processes["lrad"].send_signal(signal.SIGHUP)
    wait_until("lrad reads it", lambda: "configuration read again" in rig.log_of("lrad"), 10)
    found = rig.ask("lrad", "drive", "discover")
    check([d["serial"] for d in found["drives"]] == [D1, D2], "a portal of discovery.portals is asked too, with its own CHAP")
    shown = json.dumps(rig.ask("lrad", "status", "show")) + rig.log_of("lrad")
    check("what-lrad" not in shown and "what-the" not in shown, "no secret is shown or logged")
    rig.end("lrad")


def main():
    rig = Rig(sys.argv[1], hosts=())
    try:
        rig.start_vtld()
        portal = rig.urls[D1].split("/")[2]
        sysfs = rig.path("sys")
        (sysfs / "class/scsi_generic").mkdir(parents=True)

        status, text = discover(rig, sysfs, "--portal", portal, "--json")
        found = json.loads(text)
        check(status == 0, "lrad --discover ends well")
        check([d["serial"] for d in found["drives"]] == [D1, D2], "it finds both drives by their serial numbers")
        check(len(found["changers"]) == 1 and [b["drive"] for b in found["changers"][0]["bays"]] == [D1, D2],
              "the changer says which drive is in which bay")
        check([d["element_address"] for d in found["drives"]]
              == [b["element_address"] for b in found["changers"][0]["bays"]], "and that is each drive's element address")
        check(all(d["firmware"] and d["logical_unit_names"] for d in found["drives"]), "firmware and names are there")
        check(found["problems"] == [], f"nothing did not answer {found['problems']}")

        rig._write_lrad()
        whole = json.loads(rig.path("lrad.json").read_text())
        whole["drives"] = found["configuration"]["drives"]
        rig._write("pasted.json", whole)
        done = rig.run([str(rig.bin / "lrad"), "--config", str(rig.path("pasted.json")), "--check-config"], check=False)
        check(done.returncode == 0, f"what it prints is valid configuration {done.stderr}")

        status, text = discover(rig, sysfs, "--portal", portal)
        check(status == 0 and D1 in text and '"drives": [' in text, "without --json it is a table and the configuration")

        # A portal that accepts and says nothing holds up nobody for longer than its time.
        with socket.create_server(("127.0.0.1", 0)) as silent:
            dead = f"127.0.0.1:{silent.getsockname()[1]}"
            began = time.monotonic()
            status, text = discover(rig, sysfs, "--portal", dead, "--portal", portal, "--json")
            found = json.loads(text)
            check(time.monotonic() - began < 20 and len(found["drives"]) == 2, "a silent portal does not hide the others")
            check(any(dead in p for p in found["problems"]), f"and is named as a problem: {found['problems']}")

        # The second drive is configured by what was pasted; the first one not at all, a third one is nowhere.
        missing = dict(whole["drives"][0], serial="VT00000099")
        missing.pop("element_address")
        whole["drives"] = [whole["drives"][1], missing]
        rig._write("lrad.json", whole)
        rig.spawn("lrad", [str(rig.bin / "lrad"), "--config", str(rig.path("lrad.json"))])
        rig._ready("lrad", lambda: rig.ask("lrad", "status", "show", quiet=True))
        wait_until("the drive is watched", lambda: rig.drive(D2)["operational_state"] == "online", 15)
        wait_until("an alarm", lambda: [a for a in rig.ask("lrad", "alarm", "list")
                                                if a["kind"] == "drive_path_changed"], 15)
        alarms = [a for a in rig.ask("lrad", "alarm", "list") if a["kind"] == "drive_path_changed"]
        check("VT00000099" in alarms[0]["text"] and D1 in alarms[0]["text"] and "lractl drive discover" in alarms[0]["text"],
              f"a target with another drive is refused: {alarms[0]['text']}")
        looks = rig.ask("lrad", "drive", "show", D2)["watch"]["looks_failed"]
        found = rig.ask("lrad", "drive", "discover")
        check([d["configured"] for d in found["drives"]] == [False, True], "lractl drive discover compares with the configuration")
        check(found["not_found"] == ["VT00000099"], "and says which configured drive is not there")
        check([d["serial"] for d in found["configuration"]["drives"]] == [D1], "and what to paste for the one that is not configured")
        check(rig.ask("lrad", "drive", "show", D2)["watch"]["looks_failed"] == looks, "the session that watches the drive goes on")
        text = rig.lractl("lrad", "drive", "discover").stdout
        check("not found: drive VT00000099" in text, "people can read it too")
        rig.end("lrad")
        rig.end("vtld")
        behind_chap(rig, sysfs)
    finally:
        rig.stop()


if __name__ == "__main__":
    try:
        main()
    except Failed as trouble:
        sys.exit(f"FAILED {trouble}")
