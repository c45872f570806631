"""A reservation on a shared drive reaches every backup application, or the drive goes offline: real processes, real
SNMPv3, real SCSI over iSCSI. One story a run: main_job.py BIN-FOLDER STORY"""

import json
import shutil
import signal
import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from rig import Failed, Rig, wait_until  # noqa: E402

D1, D2 = "VT00000001", "VT00000002"
ONLINE_EVERYWHERE = {"host-a": "online", "host-b": "online", "host-c": "online"}
OFFLINE_BUT_FOR_A = {"host-a": "online", "host-b": "offline", "host-c": "offline"}
OFFLINE_BUT_FOR_B = {"host-a": "offline", "host-b": "online", "host-c": "offline"}


def check(condition, words):
    if not condition:
        raise Failed(words)
    print(f"ok    {words}", flush=True)


def reserved_by(rig, drive, name, kind, evidence=None):
    def right(d):
        r = d["reservation"]
        return (r["state"] == "reserved" and r["kind"] == kind and [h["name"] for h in r["holders"]] == [name]
                and (evidence is None or r["evidence"] == evidence))
    drive, _ = rig.await_drive(drive, right, f"reserved by {name} ({kind})")
    return drive["reservation"]["holders"][0]


def holds_and_releases(rig):
    rig.start()
    check(True, "lrad, vtld and three dsad are up, and every agent has started")

    for kind, reserve, release in (("reserve6", lambda h: h.reserve6(), lambda h: h.release6()),
                                   ("pr", lambda h: (h.pr_register(0xA1), h.pr_reserve(0xA1))[1],
                                    lambda h: h.pr_release(0xA1) or h.pr_unregister(0xA1))):
        host = rig.scsi_host("host-a", D1)
        check(reserve(host) == 0, f"host-a reserves {D1} over iSCSI ({kind})")
        took = rig.await_shown(OFFLINE_BUT_FOR_A, D1)
        check(took < 5, f"the other two applications show it offline, the holder's does not change ({took * 1000:.0f} ms)")
        holder = reserved_by(rig, D1, rig.iqn["host-a"], kind)
        check(holder["transport"] == "iscsi" and holder["isid"] and holder["address"] == "127.0.0.1"
              and holder["domain"] == "application-host-a", "the holder is known by iSCSI name, ISID, address and domain")
        check(release(host) == 0, "host-a releases it")
        rig.await_shown(ONLINE_EVERYWHERE, D1)
        check(True, "it is online again everywhere")
        host.log_out()

    rig.ask("vtld", "port", "reserve", D2, f"fc:{rig.wwpn['host-b']}", "--kind", "reserve10")
    rig.await_shown(OFFLINE_BUT_FOR_B, D2)
    holder = reserved_by(rig, D2, rig.wwpn["host-b"], "reserve10", "drive_event")
    check(holder["transport"] == "fc", "a fibre channel port's RESERVE(10) is known by its WWPN, from the drive's event")
    rig.ask("vtld", "port", "logout", D2, f"fc:{rig.wwpn['host-b']}")
    rig.await_shown(ONLINE_EVERYWHERE, D2)
    check(True, "the port's logout releases it everywhere")

    rig.application("host-c", "drive", "offline", "drive-1")
    host = rig.scsi_host("host-b", D1)
    host.reserve6()
    rig.await_shown(OFFLINE_BUT_FOR_B, D1)
    host.process.kill()
    host.process.wait()
    rig.await_shown({"host-a": "online", "host-b": "online"}, D1)
    wait_until("all confirmed", lambda: rig.ask("lrad", "handshake", "list") == [], 10)
    check(rig.shown("host-c", D1) == "offline", "a drive that an operator took offline is left to the operator")


def missing_confirmation(rig):
    rig.start()
    rig.end("host-c", signal.SIGKILL)
    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    rig.await_drive(D1, lambda d: d["operational_state"] == "forced_offline", "forced offline", 20)
    check(True, "a killed dsad does not confirm, and the drive is forced offline")
    agent = rig.agent("host-c")
    check(agent["state"] == "lost" and agent["missed"] >= 1, "the agent is lost, and the miss is counted")
    events = [e["message"] for e in rig.ask("lrad", "event", "list", "--drive", D1)]
    check("LRA2003" in events and "LRA3001" in events, "the event log tells of the retry and of the end")

    holder = rig.scsi_host("host-b", D1)
    for name, cdb, more, expected in (
            ("TEST UNIT READY", "000000000000", {}, "04/44/00"), ("READ(6)", "080200000100", {"data_in": 512}, "04/44/00"),
            ("REWIND", "010000000000", {}, "04/44/00"),
            ("PERSISTENT RESERVE OUT", "5f060000000000001800", {"data_out": "00" * 8 + "00" * 7 + "b1" + "00" * 8}, None),
            ("INQUIRY", "120000006000", {"data_in": 96}, "good"), ("REQUEST SENSE", "030000001200", {"data_in": 18}, "good"),
            ("REPORT LUNS", "a00000000000000010000000", {"data_in": 4096}, "good"),
            ("LOG SENSE", "4d004000000000010000", {"data_in": 256}, "good")):
        sense = holder.sense_of(cdb, **more)
        check(sense == expected if expected else sense in ("conflict", "04/44/00"),
              f"{name} from another host: {sense}")
    check(host.sense_of("000000000000") == "04/44/00", "TEST UNIT READY from the holder: 04/44/00")
    sense = host.insist("030000001200", data_in=18)["data_in"]
    check(sense[4:6] == "04" and sense[24:28] == "4400", "REQUEST SENSE reports it as data, with status GOOD")
    host.release6()
    check(host.sense_of("5e00000000000000ff00", data_in=255) == "good", "PERSISTENT RESERVE IN works")

    wait_until("snmptrapd prints the alarm", lambda: "tlrDriveForcedOffline" in rig.log_of("snmptrapd"), 20)
    check(D1 in rig.log_of("snmptrapd"), "Debian's snmptrapd has the alarm, by its name and with the drive's serial")

    for program, configuration in (("lrad", "lrad.json"), ("dsad", "dsad-host-a.json")):
        second = rig.run([str(rig.bin / program), "--config", str(rig.path(configuration))], check=False)
        check(second.returncode == 1 and "is the daemon running already?" in second.stderr,
              f"a second {program} with the same state is refused and says why")
    rig.end("lrad", signal.SIGKILL)
    rig.start_lrad()
    check(rig.drive(D1)["operational_state"] == "forced_offline", "it stays so across kill -9 and restart of lrad")
    wait_until("consumers hear of it once more", lambda: rig.log_of("snmptrapd").count("tlrDriveForcedOffline") >= 2, 20)
    check(True, "which announces it once more: who knows what the one before had sent")
    rig.end("vtld", signal.SIGKILL)
    rig.start_vtld_again()
    other = rig.scsi_host("host-a", D1)
    check(other.sense_of("000000000000") == "04/44/00", "and across kill -9 and restart of the drive")

    why = rig.ask("lrad", "drive", "why", D1)
    check("host-c" in json.dumps(why) and "drive clear" in why["next_step"], "drive why names the agent and the command that helps")
    refused = rig.lractl("lrad", "drive", "clear", D1)
    check(refused.returncode == 2, "a clear without a reason is a usage error")
    rig.ask("lrad", "drive", "clear", D1, "--reason", "host-c is switched off")
    rig.await_drive(D1, lambda d: d["operational_state"] == "online", "online")
    check(True, "lractl drive clear brings it back")
    wait_until("TEST UNIT READY is good again", lambda: other.sense_of("000000000000") == "good", 10)
    wait_until("snmptrapd prints the clear", lambda: "tlrDriveCleared" in rig.log_of("snmptrapd"), 20)
    check(True, "hosts can use it again, and snmptrapd has the clear")
    rig.start_dsad("host-c")
    rig.await_agent("host-c", "started")
    check(True, "the agent returns and counts as started")
    rig.await_shown(ONLINE_EVERYWHERE, D1)
    check(True, "the drive is online in every application")


def restarts(rig):
    rig.start()
    epoch = rig.ask("lrad", "status", "show")["epoch"]
    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    rig.await_shown(OFFLINE_BUT_FOR_A, D1)
    rig.end("lrad", signal.SIGKILL)
    host.release6()
    rig.start_lrad()
    rig.await_shown(ONLINE_EVERYWHERE, D1)
    check(True, "a release while lrad was dead is found after its restart")
    check(rig.ask("lrad", "status", "show")["epoch"] > epoch, "the epoch has risen")

    host.reserve6()
    rig.await_shown(OFFLINE_BUT_FOR_A, D1)
    rig.end("host-b", signal.SIGKILL)
    rig.start_dsad("host-b")
    rig.await_agent("host-b", "started")
    host.release6()
    rig.await_shown(ONLINE_EVERYWHERE, D1)
    check(True, "a dsad killed and restarted brings back online what its earlier life took offline")

    host.reserve6()
    rig.await_shown(OFFLINE_BUT_FOR_A, D1)
    wait_until("all confirmed", lambda: rig.ask("lrad", "handshake", "list") == [], 10)
    rig.end("vtld", signal.SIGKILL)
    rig.await_drive(D1, lambda d: d["operational_state"] == "unreachable", "unreachable", 40)
    check(rig.drive(D1)["reservation"]["state"] == "reserved", "a drive that is gone keeps its last known reservation")
    rig.start_vtld_again()
    rig.await_drive(D1, lambda d: d["operational_state"] == "online", "back", 40)
    rig.await_shown(ONLINE_EVERYWHERE, D1, timeout=20)
    check(True, "power loss of the drive released it, and everyone hears of it")


def killed_in_a_command(rig):
    """What it had begun takes effect when the drive is another host's."""
    slowly, begun, done = rig.path("slowly"), rig.path("begun"), rig.path("done")
    slowly.write_text(f'#!/bin/sh\ntouch {begun}\nsleep 3\n"$@"\ntouch {done}\n')
    slowly.chmod(0o700)
    configuration = json.loads(rig.path("dsad-host-c.json").read_text())
    application = configuration["application"]
    application.update(online=[str(slowly), *application["online"]], timeout_ms=4000)
    rig.path("dsad-host-c.json").write_text(json.dumps(configuration))
    rig.timeout_ms = 20_000
    rig.start()
    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    rig.await_shown(OFFLINE_BUT_FOR_A, D1)
    host.release6()
    wait_until("host-c brings it back", begun.exists)
    rig.end("host-c", signal.SIGKILL)
    host.reserve6()
    rig.start_dsad("host-c")
    wait_until("its command ends", done.exists)
    rig.await_shown(OFFLINE_BUT_FOR_A, D1, timeout=15)
    check(True, "a set_online of an earlier life that takes effect too late is undone")
    told = [e["text"] for e in rig.ask("lrad", "event", "list", "--drive", D1, "--limit", "1000")]
    check(any("host-c" in text and "may still be running" in text for text in told),
          "and nobody was promised meanwhile that the drive is offline there")


def lost_state(rig):
    """The controller's state is lost, or another machine takes its place: it must not bring back what it knows nothing of."""
    rig.start()
    rig.ask("lrad", "drive", "offline", D1, "--reason", "the loader is jammed")
    rig.await_drive(D1, lambda d: d["operational_state"] == "forced_offline", "forced offline")
    host = rig.scsi_host("host-a", D1)
    wait_until("the drive refuses", lambda: host.sense_of("000000000000") == "04/44/00", 10)
    rig.end("lrad")
    shutil.rmtree(rig.path("lrad"))
    rig.start_lrad()
    rig.await_drive(D1, lambda d: d["operational_state"] == "forced_offline", "forced offline for the new controller too")
    shown = rig.ask("lrad", "drive", "show", D1)
    check("the loader is jammed" in shown["offline_reason"], f"a controller without its state keeps it offline: {shown['offline_reason']}")
    check(host.sense_of("000000000000") == "04/44/00", "and the drive goes on refusing")
    check(rig.drive(D2)["operational_state"] == "online", "a drive that was not forced offline is usable")
    text = rig.path("lrad.json").read_text()
    rig.path("lrad.json").write_text(text.replace('"actuator": "drive"', '"actuator": "alarm"'))
    rig.processes["lrad"].send_signal(signal.SIGHUP)
    wait_until("the reload is refused", lambda: "its offline.actuator can not change" in rig.log_of("lrad"), 10)
    check(True, "how it was made offline can not change before it is brought back")
    rig.path("lrad.json").write_text(text)
    rig.ask("lrad", "drive", "clear", D1, "--reason", "repaired")
    rig.await_drive(D1, lambda d: d["operational_state"] == "online", "online")
    check(host.sense_of("000000000000") != "04/44/00", "an administrator clears it")
    rig.end("lrad", signal.SIGKILL)
    rig.start_lrad()
    rig.await_drive(D1, lambda d: d["operational_state"] == "online", "online still")
    check(True, "which holds")


def clean_stop(rig):
    rig.start()
    rig.end("host-c", signal.SIGTERM)
    check(rig.agent("host-c")["state"] == "stopped", "a dsad that stops cleanly says so")
    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    rig.await_shown({"host-a": "online", "host-b": "offline"}, D1)
    wait_until("all confirmed", lambda: rig.ask("lrad", "handshake", "list") == [], 10)
    check(rig.drive(D1)["operational_state"] == "online" and rig.shown("host-c", D1) == "online",
          "it is not waited for, and the drive stays online")
    rig.start_dsad("host-c")
    rig.await_agent("host-c", "started")
    check(rig.shown("host-c", D1) == "offline", "on its return it is told the state of every drive before it counts as started")
    host.release6()
    rig.await_shown(ONLINE_EVERYWHERE, D1)
    check(True, "and it takes part again")


def bad_input(rig):
    rig.start()
    before = rig.ask("lrad", "drive", "list")
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for garbage in (b"", b"\x30", b"\x30\x82\xff\xff" + b"A" * 60, b"x" * 60000, bytes(range(256))):
        s.sendto(garbage, ("127.0.0.1", rig.lrad_port))
    with socket.socket(socket.AF_UNIX) as events:
        events.settimeout(10)
        events.connect(rig.sock("events"))
        events.sendall(b"this is not JSON\n{\"v\":1}\n")
        check(b"error" in events.recv(4096), "a bad line on the drive event channel is answered with an error")
        events.sendall(b'{"v":1,"seq":1,"drive":"NOBODY","event":"reservation","change":"released","kind":"reserve6"}\n')
        check(b"error" in events.recv(4096), "an event of a drive nobody knows is refused")
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(10)
        control.connect(rig.sock("lrad"))
        control.sendall(b"{]\n")
        check(b"-32700" in control.recv(4096), "bad JSON at the control socket is a parse error")
        control.sendall(b'{"jsonrpc":"2.0","id":1,"method":"drive.clear","params":{"serial":"VT00000001"}}\n')
        check(b"reason" in control.recv(4096), "a forced action without a reason names what is missing")
    status = rig.ask("lrad", "status", "show")
    check(sum(v for k, v in status["snmp"].items() if k.startswith("dropped_")) >= 4, "bad datagrams are counted")
    check(status["drive_events"]["bad_lines"] >= 1 and status["drive_events"]["unknown_drives"] == 1, "bad lines are counted")
    check(before == rig.ask("lrad", "drive", "list"), "and nothing has changed")

    wrong = json.loads(rig.path("lrad.json").read_text())
    wrong["drives"][0]["seriall"] = "X"
    rig.path("wrong.json").write_text(json.dumps(wrong, indent=1))
    done = rig.run([str(rig.bin / "lrad"), "--config", str(rig.path("wrong.json")), "--check-config"], check=False)
    check(done.returncode == 42 and "wrong.json:" in done.stderr and "seriall" in done.stderr,
          "an unknown key is a configuration error with its line: " + done.stderr.strip().splitlines()[0].split("/")[-1])
    rig.path("lrad.json").write_text("{")
    rig.processes["lrad"].send_signal(signal.SIGHUP)
    wait_until("the reload is refused", lambda: "the old configuration stays" in rig.log_of("lrad"), 10)
    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    rig.await_shown(OFFLINE_BUT_FOR_A, D1)
    check(True, "after a reload with a broken file the old configuration is still at work")


STORIES = {f.__name__: f for f in (holds_and_releases, missing_confirmation, restarts, killed_in_a_command, lost_state,
                                   clean_stop, bad_input)}

if __name__ == "__main__":
    bin_folder, story = sys.argv[1:3]
    try:
        with Rig(bin_folder, consumer=story == "missing_confirmation") as scene:
            STORIES[story](scene)
    except Failed as failure:
        print(f"FAILED {failure}", flush=True)
        sys.exit(1)
