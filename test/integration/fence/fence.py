"""A drive is kept from its hosts by a reservation of the controller, and stale reservations are ended step by step: real
processes, real SNMPv3, real SCSI over iSCSI. One story a run: fence.py BIN-FOLDER STORY"""

import json
import signal
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from rig import Failed, Rig, wait_until  # noqa: E402

D1 = "VT00000001"
REWIND, TEST_UNIT_READY = "010000000000", "000000000000"


def check(condition, words):
    if not condition:
        raise Failed(words)
    print(f"ok    {words}", flush=True)


def refuses(host):
    return host.sense_of(REWIND) == "conflict"


def messages(rig):
    return [e["message"] for e in rig.ask("lrad", "event", "list", "--drive", D1)]


def await_state(rig, state, timeout=20):
    rig.await_drive(D1, lambda d: d["operational_state"] == state, state, timeout)


def alarms(rig):
    return {a["kind"] for a in rig.ask("lrad", "alarm", "list") if a["drive"] == D1}


def missing_confirmation(rig):
    rig.start()
    host, other = rig.scsi_host("host-a", D1), rig.scsi_host("host-b", D1)
    check(host.pr_register(0xA1) == 0 and host.pr_reserve(0xA1) == 0, "host-a holds the drive by a persistent reservation")
    check(host.sense_of(REWIND) != "conflict" and refuses(other), "which lets host-a through, and nobody else")
    wait_until("it is seen", lambda: rig.drive(D1)["reservation"]["state"] == "reserved", 10)
    wait_until("all confirmed", lambda: rig.ask("lrad", "handshake", "list") == [], 10)
    rig.end("host-c", signal.SIGKILL)
    host.pr_release(0xA1)
    wait_until("the release is seen", lambda: rig.drive(D1)["reservation"]["state"] == "free", 10)
    check(host.pr_reserve(0xA1) == 0, "it releases and reserves again, and the agent of host-c is dead")
    await_state(rig, "forced_offline")
    wait_until("the fence stands", lambda: rig.ask("lrad", "drive", "show", D1)["fence"]["stands"], 10)
    check(refuses(host) and refuses(other), "the drive is fenced: both hosts get RESERVATION CONFLICT")
    check(other.sense_of(TEST_UNIT_READY) != "conflict" and other.sense_of("120000006000", data_in=96) == "good",
          "TEST UNIT READY and INQUIRY go on as if nothing were")
    shown = rig.ask("lrad", "drive", "show", D1)
    check(shown["reservation"]["state"] == "free" and shown["fence"]["key"].startswith("4c5241"),
          "lrad does not take its own reservation for a host's")
    check(not alarms(rig) & {"holder_unknown", "drive_unprotected"}, "and alarms for what happened only: " + " ".join(sorted(alarms(rig))))

    rig.end("lrad", signal.SIGKILL)
    check(refuses(host) and refuses(other), "kill -9 of lrad leaves the fence standing")
    rig.start_lrad()
    await_state(rig, "forced_offline")
    wait_until("the fence is known again", lambda: rig.ask("lrad", "drive", "show", D1)["fence"]["stands"], 10)
    check("LRA3020" not in messages(rig), "and the next lrad knows it for its own")

    check(other.pr_register(0xB1) == 0, "host-b registers")
    key = int(shown["fence"]["key"], 16)
    list24 = (0xB1).to_bytes(8, "big") + key.to_bytes(8, "big") + bytes(8)
    check(other.sense_of("5f040300000000001800", data_out=list24.hex()) == "good", "and preempts the fence")
    wait_until("LRA3020", lambda: "LRA3020" in messages(rig), 10)
    wait_until("fenced again", lambda: refuses(other) and rig.ask("lrad", "drive", "show", D1)["fence"]["stands"], 10)
    await_state(rig, "forced_offline")
    check("drive_unprotected" not in alarms(rig), "that was an alarm, and the fence is put up again")

    rig.ask("lrad", "drive", "clear", D1, "--reason", "host-c is switched off")
    await_state(rig, "online")
    check(not refuses(other) and not refuses(host), "drive clear lifts the fence")
    keys = other.insist("5e00000000000000ff00", data_in=255)["data_in"]
    check("4c5241" not in keys, "and no registration of the controller is left")
    check(not rig.ask("lrad", "drive", "show", D1)["fence"]["stands"], "drive show says so")


def under_a_reserve(rig):
    rig.start()
    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    wait_until("it is seen", lambda: rig.drive(D1)["reservation"]["state"] == "reserved", 10)
    rig.lractl("lrad", "drive", "offline", D1, "--reason", "test")
    await_state(rig, "unprotected")
    why = json.dumps(rig.ask("lrad", "alarm", "list"))
    check("RESERVE(6)" in why and "drive release" in why, "under a RESERVE the drive can not be fenced: unprotected, with the reason")
    check(host.sense_of(REWIND) != "conflict", "and nothing was done to its holder")
    host.release6()
    await_state(rig, "forced_offline", 30)
    wait_until("refused", lambda: refuses(host), 10)
    check(True, "it is tried again, and stands as soon as the RESERVE has ended")
    rig.ask("lrad", "drive", "clear", D1, "--reason", "test")
    check(not refuses(host), "and is lifted again")

    host.reserve6()
    wait_until("it is seen", lambda: rig.drive(D1)["reservation"]["state"] == "reserved", 10)
    rig.lractl("lrad", "drive", "offline", D1, "--reason", "test")
    await_state(rig, "unprotected")
    done = rig.ask("lrad", "drive", "release", D1, "--allow-reset", "--reason", "in the way")
    check(done["how"] == "by reset", "an unprotected drive can be released: " + json.dumps(done["steps"]))
    await_state(rig, "forced_offline", 30)
    wait_until("refused", lambda: refuses(host), 10)
    check(True, "and is fenced at the next attempt")
    refused = rig.lractl("lrad", "drive", "release", D1, "--reason", "test")
    check(refused.returncode != 0 and "drive clear" in refused.stderr, "then it is cleared, not released")


def release_ladder(rig):
    rig.start()
    host, other = rig.scsi_host("host-a", D1), rig.scsi_host("host-b", D1)
    plan = rig.ask("lrad", "drive", "release", D1, "--plan")
    check(not plan["reserved"] and plan["steps"] == [], "a free drive has nothing to release")
    refused = rig.lractl("lrad", "drive", "release", D1)
    check(refused.returncode != 0 and "reason" in refused.stderr, "a release without a reason is refused")

    host.pr_register(0xA1)
    host.pr_reserve(0xA1)
    other.pr_register(0xB1)
    wait_until("it is seen", lambda: rig.drive(D1)["reservation"]["state"] == "reserved", 10)
    host.process.kill()
    host.process.wait()
    plan = rig.ask("lrad", "drive", "release", D1, "--plan")
    steps = {s["name"]: s for s in plan["steps"]}
    check("00000000000000a1" in plan["holder"] and rig.iqn["host-a"] in plan["holder"], "the plan names holder and key: " + plan["holder"])
    check(list(steps) == ["ask_holder", "preempt", "reset"] and steps["ask_holder"]["agent"] == "host-a",
          "it asks the holder's agent, preempts, and resets, in this order")
    check(steps["preempt"]["possible"] and "1 registration removed, 1 of other keys stay" in steps["preempt"]["affects"],
          "PREEMPT says whom it hits: " + steps["preempt"]["affects"])
    check(not steps["reset"]["possible"] and "persistent reservation" in steps["reset"]["why_not"], "a reset is of no use here")
    check(rig.drive(D1)["reservation"]["state"] == "reserved", "a plan changes nothing")
    done = rig.ask("lrad", "drive", "release", D1, "--reason", "host-a is gone for good")
    check(done["result"] == "free" and done["how"] == "by preempt" and [s["name"] for s in done["steps"]] == ["ask_holder", "preempt"],
          "the release ends it by PREEMPT: " + json.dumps(done["steps"]))
    keys = other.insist("5e00000000000000ff00", data_in=255)["data_in"]
    check("00000000000000b1" in keys and "00000000000000a1" not in keys and "4c5241" not in keys,
          "host-b's registration stays, host-a's and the controller's are gone")
    events = rig.ask("lrad", "event", "list", "--drive", D1)
    texts = " ".join(e["text"] for e in events if e["message"] in ("LRA3023", "LRA3024", "LRA3025"))
    check("host-a is gone for good" in texts and "preempt: done" in texts and "LRA3025" in messages(rig),
          "who, why and every step stand in the event log")
    other.pr_unregister(0xB1)

    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    wait_until("it is seen", lambda: rig.drive(D1)["reservation"]["state"] == "reserved", 10)
    steps = {s["name"]: s for s in rig.ask("lrad", "drive", "release", D1, "--plan")["steps"]}
    check("SPC-2 5.5.1" in steps["preempt"]["why_not"] and "--allow-reset" in steps["reset"]["why_not"],
          "under a RESERVE there is no PREEMPT, and a reset only when allowed")
    refused = rig.lractl("lrad", "drive", "release", D1, "--reason", "stale")
    check(refused.returncode == 3, "without --allow-reset it stays reserved: exit code 3: " + refused.stderr.strip())
    check(host.sense_of("160000000000") == "good", "the holder still holds it")
    done = rig.ask("lrad", "drive", "release", D1, "--allow-reset", "--reason", "stale")
    check(done["how"] == "by reset", "with it the reset ends the RESERVE: " + json.dumps(done["steps"]))
    wait_until("free", lambda: rig.drive(D1)["reservation"]["state"] == "free", 10)
    check(other.sense_of("160000000000") == "good", "another host can reserve the drive")


def write_configuration(rig, **drive):
    """lrad.json with other words about the drive."""
    path = rig.path("lrad.json")
    content = json.loads(path.read_text())
    content["drives"][0].update(drive)
    path.write_text(json.dumps(content, indent=1))


def reload(rig, **drive):
    """The same, and lrad told to read it."""
    write_configuration(rig, **drive)
    before = rig.log_of("lrad").count("configuration read again")
    rig.processes["lrad"].send_signal(signal.SIGHUP)
    wait_until("the new configuration", lambda: rig.log_of("lrad").count("configuration read again") > before, 10)


def slow_program(rig):
    """Takes a drive offline, or back, when the test lets it: argv for it."""
    program = rig.path("actuator")
    program.write_text('#!/bin/sh\n: > "$2/began-$1"\nwhile [ ! -e "$2/may-$1" ]; do sleep 0.05; done\n')
    program.chmod(0o755)
    return [str(program), "{action}", str(rig.folder)]


def cleared_while_slow(rig):
    """The answer to an older order does not make a newer one forgotten."""
    rig.drive_options[D1] = {"offline": {"actuator": "command", "argv": slow_program(rig)}}
    rig.start()
    rig.lractl("lrad", "drive", "offline", D1, "--reason", "test")
    wait_until("the program runs", rig.path("began-offline").exists, 10)
    clear = subprocess.Popen([str(rig.bin / "lractl"), "--socket", rig.sock("lrad"), "drive", "clear", D1, "--reason", "test"])
    wait_until("it is to be cleared", lambda: "LRA3005" in messages(rig), 10)
    rig.path("may-offline").touch()
    wait_until("the program is to bring it back", rig.path("began-online").exists, 10)
    reload(rig, offline={"actuator": "fence"})
    await_state(rig, "online")
    check(clear.wait(20) == 0, "lractl drive clear waits for it")
    host = rig.scsi_host("host-a", D1)
    check(not refuses(host), "a drive that was cleared while it was taken offline is brought back by the new actuator")


def offline_while_cleared(rig):
    """The newest word counts, also while the one before it is still carried out."""
    rig.drive_options[D1] = {"offline": {"actuator": "command", "argv": slow_program(rig)}}
    rig.start()
    rig.path("may-offline").touch()
    rig.lractl("lrad", "drive", "offline", D1, "--reason", "test")
    wait_until("the program has taken it offline", lambda: "LRA3002" in messages(rig), 10)
    clear = subprocess.Popen([str(rig.bin / "lractl"), "--socket", rig.sock("lrad"), "drive", "clear", D1, "--reason", "test"])
    wait_until("the program is to bring it back", rig.path("began-online").exists, 10)
    rig.path("began-offline").unlink()
    rig.ask("lrad", "drive", "offline", D1, "--reason", "host-c still writes")
    rig.path("may-online").touch()
    wait_until("the program is to take it offline again", rig.path("began-offline").exists, 10)
    check(clear.wait(20) != 0, "lractl drive clear does not say that the drive is back")
    check(rig.drive(D1)["operational_state"] == "forced_offline" and "host-c still writes" in json.dumps(rig.ask("lrad", "drive", "show", D1)),
          "a drive that is forced offline while it is cleared stays offline, for the newest reason")


def answered_for_online(rig):
    """An administrator answers for an agent that owes, before its time is over."""
    rig.start()
    rig.processes["host-c"].send_signal(signal.SIGSTOP)
    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    wait_until("host-c owes", lambda: [h["agent"] for h in rig.ask("lrad", "handshake", "list")] == ["host-c"], 10)
    rig.ask("lrad", "drive", "clear", D1, "--reason", "host-c is switched off")
    lost = lambda: any(a["name"] == "host-c" and a["state"] == "lost" for a in rig.ask("lrad", "agent", "list"))
    wait_until("host-c is lost", lost, 20)
    rig.processes["host-c"].send_signal(signal.SIGCONT)
    check("LRA3001" not in messages(rig), "drive clear answers for an agent that has not confirmed while the drive is online")


def event_while_reloaded(rig):
    """An event that is being looked into when its drive's configuration changes is not lost."""
    rig.start()
    host = rig.scsi_host("host-a", D1)
    host.insist(TEST_UNIT_READY)
    rig.lractl("vtld", "fault", "inject", D1, "slow", "--delay-ms", "1500", "--opcode", "5e")
    host.reserve6()
    reload(rig, poll_ms=50_000)
    rig.lractl("vtld", "fault", "clear", D1)
    rig.await_drive(D1, lambda d: d["reservation"]["state"] == "reserved" and d["reservation"]["evidence"] == "drive_event",
                    "known to be reserved by host-a's port, from the drive's event")
    wait_until("every event is acknowledged",
               lambda: (counts := rig.ask("lrad", "status", "show")["drive_events"])["events"] + counts["repeats"] >= 1, 10)
    lost = rig.log_of("vtld").count("no acknowledgement in time")
    host.release6()
    rig.await_drive(D1, lambda d: d["reservation"]["state"] == "free", "free again")
    check(rig.log_of("vtld").count("no acknowledgement in time") == lost == 0, "the drive's event channel goes on working")


def reloaded_meanwhile(rig):
    rig.drive_options[D1] = {"offline": {"actuator": "command", "argv": ["/bin/sleep", "60"]}}
    rig.start()
    host = rig.scsi_host("host-a", D1)
    rig.lractl("lrad", "drive", "offline", D1, "--reason", "test")
    reload(rig, offline={"actuator": "fence"})
    wait_until("refused", lambda: refuses(host), 20)
    await_state(rig, "forced_offline")
    check(True, "an order that was under way when the actuator was changed is given to the new one")
    rig.ask("lrad", "drive", "clear", D1, "--reason", "test")
    check(not refuses(host), "which lifts it, too")

    host.reserve6()
    wait_until("it is seen", lambda: rig.drive(D1)["reservation"]["state"] == "reserved", 10)
    rig.processes["host-a"].send_signal(signal.SIGSTOP)
    write_configuration(rig, poll_ms=250)
    waiting = subprocess.Popen([str(rig.bin / "lractl"), "--socket", rig.sock("lrad"), "drive", "release", D1, "--reason", "test"],
                               stderr=subprocess.PIPE, text=True)
    wait_until("host-a is asked", lambda: "LRA3023" in messages(rig), 10)
    rig.processes["lrad"].send_signal(signal.SIGHUP)
    said = waiting.communicate(timeout=15)[1]
    check(waiting.returncode != 0 and "its configuration was changed meanwhile" in said, "a release ends with a reload of its drive: " + said.strip())
    rig.processes["host-a"].send_signal(signal.SIGCONT)
    done = rig.ask("lrad", "drive", "release", D1, "--allow-reset", "--reason", "test")
    check(done["result"] == "free", "and the next one is not kept from its work: " + json.dumps(done["steps"]))


STORIES = {f.__name__: f for f in (missing_confirmation, under_a_reserve, release_ladder, cleared_while_slow,
                                      offline_while_cleared, answered_for_online, event_while_reloaded, reloaded_meanwhile)}

if __name__ == "__main__":
    bin_folder, story = sys.argv[1:3]
    try:
        with Rig(bin_folder, poll_ms=200, drive_options={D1: {"offline": {"actuator": "fence"}}}) as scene:
            STORIES[story](scene)
    except Failed as failure:
        print(f"FAILED {failure}", flush=True)
        sys.exit(1)
