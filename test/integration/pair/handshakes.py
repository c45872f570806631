"""What a pair owes the hosts when the node that tells them dies in the middle of a handshake. usage: handshakes.py BIN_DIR"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from pair_rig import NODES, PROGRAMS, Failed, PairRig, check, play, signal, wait_until  # noqa: E402

KEY = 0x1D0A


def agents(rig, node):
    return {a["name"]: a["state"] for a in rig.ask(node, "agent", "list", quiet=True) or []}


def await_agents(rig, node, expected, timeout=30):
    def look():
        known = agents(rig, node)
        return all(known.get(name) == state for name, state in expected.items())
    try:
        wait_until("", look, timeout)
    except Failed:
        raise Failed(f"{node} should know the agents as {expected} and knows {agents(rig, node)}") from None


def shown(rig, node, drive):
    return rig.ask(node, "drive", "show", drive, quiet=True) or {}


def await_reservation(rig, node, drive, state):
    wait_until(f"{node} sees {drive} {state}", lambda: shown(rig, node, drive).get("reservation", {}).get("state") == state, 20)


def holder(rig, node, drive):
    ports = shown(rig, node, drive).get("reservation", {}).get("holders", [])
    return [f"{p['transport']}:{p['name']}" for p in ports]


def announced(rig, words):
    """The controllers that have told consumers of a drive forced offline for this."""
    return [re.search(r"tlrNotifyController\S* \"?([\w-]+)", line)[1] for line in rig.log_of("snmptrapd").splitlines()
            if "tlrDriveForcedOffline" in line and words in line]


def forced(rig, node, drive):
    drive = rig.ask(node, "drive", "show", drive)
    return drive.get("offline_reason") if drive.get("operational_state") == "forced_offline" else None


def settled(rig, node):
    return rig.ask(node, "handshake", "list", quiet=True) == []


def released_from_the_other_node(rig):
    """The holder's agent is asked first and can not do it: its key is preempted."""
    drive = rig.drives[1]
    host = rig.scsi_host("host-a", drive)
    check(host.pr_register(KEY) == 0 and host.pr_reserve(KEY) == 0, "host-a reserves a drive and forgets it")
    for node in NODES:
        await_reservation(rig, node, drive, "reserved")
    plan = rig.ask("lra-b", "drive", "release", drive, "--plan")
    check(plan == {**rig.ask("lra-a", "drive", "release", drive, "--plan"), "answered_by": "lra-a"} and plan["reserved"],
          "the node that stands by shows the plan of the one that serves")
    done = rig.ask("lra-b", "drive", "release", drive, "--reason", "host-a has forgotten it")
    check(done["result"] == "free" and done["controller"] == "lra-a", f"and has the drive released by it: {done['how']}")
    rig.path("release.asked").unlink()
    await_reservation(rig, "lra-a", drive, "free")
    status, _, words = rig.refused("lra-b", "drive", "release", "VT99", "--reason", "x")
    check(status == 1 and "not in the configuration" in words, "a refusal comes back as it was given")
    status, _, words = rig.refused("lra-b", "agent", "check", "host-a")
    check("is a dsad on its own host" in words, "agent check is answered by it too")


def begun_release(rig):
    """Asked at lra-b, and lra-a waits for the word of the holder's agent."""
    rig.path("release.hold").touch()
    release = subprocess.Popen([str(rig.bin / "lractl"), "--socket", rig.sock("lra-b"), "--timeout", "60", "--json", "drive", "release",
                                rig.drives[2], "--reason", "in the way"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until("the holder's agent is asked", rig.path("release.asked").exists, 15)
    return release


def ended_release(rig, release):
    """The node that takes over finds it begun, and does not begin it again."""
    words = release.communicate(timeout=60)[1]
    rig.path("release.hold").unlink()
    check(release.returncode == 5 and "outcome_unknown" in words and "controller lra-a was to do it" in words,
          "a release that lra-a had begun is not done again by lra-b, which says so")


def silent_over_a_takeover(rig, tape):
    """host-b hangs, host-a reserves, and the node that waits for host-b's word dies."""
    busy, idle = rig.drives[:2]
    host = rig.scsi_host("host-a", idle)
    check(host.pr_register(KEY) == 0 and host.pr_reserve(KEY) == 0, "host-a reserves a drive")
    others = {h: "offline" for h in rig.hosts if h not in ("host-a", "host-c")}
    rig.await_shown(others, idle, 20)
    check(host.pr_release(KEY) == 0, "and gives it back")
    rig.await_shown({h: "online" for h in others}, idle, 20)
    wait_until("every answer is there", lambda: settled(rig, "lra-a"), 20)

    silent = rig.processes["host-b"]
    silent.send_signal(signal.SIGSTOP)
    try:
        check(tape.pr_register(KEY) == 0 and tape.pr_reserve(KEY) == 0, "host-b hangs; host-a reserves another drive")
        await_reservation(rig, "lra-a", busy, "reserved")
        await_reservation(rig, "lra-b", busy, "reserved")
        waits = wait_until("lra-a waits for host-b alone", lambda: [
            w["agent"] for w in rig.ask("lra-a", "handshake", "list", quiet=True) or []] == ["host-b"], 10)
        check(waits and not forced(rig, "lra-a", busy), "lra-a waits for host-b")
        release = begun_release(rig)
        begin = time.monotonic()
        rig.kill("lra-a")
        rig.await_state("lra-b", "primary_alone")
        ended_release(rig, release)
        reason, _ = wait_until("lra-b forces it offline", lambda: forced(rig, "lra-b", busy), 60)
        check("host-b" in reason, f"lra-b takes over and forces it offline {time.monotonic() - begin:.1f} s after the kill: {reason}")
        wait_until("its order", lambda: ("lra-b", "offline") in rig.orders(busy), 10)
        check(forced(rig, "lra-b", idle) is None, "a drive that nobody has reserved does not suffer")
    finally:
        silent.send_signal(signal.SIGCONT)
    await_agents(rig, "lra-b", {"host-b": "started"})
    rig.ask("lra-b", "drive", "clear", busy, "--reason", "host-b goes on")
    wait_until("it is online", lambda: shown(rig, "lra-b", busy).get("operational_state") == "online", 20)
    check(True, "host-b goes on, and an administrator clears the drive")


def retired_over_a_takeover(rig, tape):
    """host-c is gone for good, and only the node that serves was told."""
    check(agents(rig, "lra-b")["host-c"] == "stopped", "lra-b knows that host-c was retired at lra-a")
    busy = rig.drives[0]
    check(tape.pr_release(KEY) == 0, "host-a gives the drive back")
    await_reservation(rig, "lra-b", busy, "free")
    check(tape.pr_reserve(KEY) == 0, "and takes it again")
    await_reservation(rig, "lra-b", busy, "reserved")
    wait_until("every answer is there", lambda: settled(rig, "lra-b"), 20)
    check(forced(rig, "lra-b", busy) is None, "nobody waits for host-c")
    rig.start_node("lra-a")
    rig.await_pair("lra-b")
    rig.start_dsad("host-c")
    await_agents(rig, "lra-b", {"host-c": "started"})
    check(True, "host-c comes back after all, and counts again")
    rig.await_shown({"host-c": "offline"}, busy, 20)
    rig.kill("lra-b")
    rig.await_state("lra-a", "primary_alone")
    await_agents(rig, "lra-a", {h: "started" for h in rig.hosts})
    check(forced(rig, "lra-a", busy) is None, "at lra-a too, where it had been retired; every host confirms to it, no drive suffers")


def replaced_over_a_takeover(rig):
    """lra-b comes back with another disk for its state, and hears nothing of host-b before it has to serve."""
    busy = rig.drives[0]
    check(forced(rig, "lra-a", busy) is None and shown(rig, "lra-a", busy)["reservation"]["state"] == "reserved", "host-a has a drive")
    silent = rig.processes["host-b"]
    silent.send_signal(signal.SIGSTOP)
    try:
        shutil.rmtree(rig.path("lra-b"))
        rig.start_node("lra-b")
        rig.await_pair("lra-a")
        wait_until("lra-b knows of host-b", lambda: "agent host-b is known to the other node: it has started" in rig.log_of("lra-b"), 20)
        await_reservation(rig, "lra-b", busy, "reserved")
        check(forced(rig, "lra-b", busy) is None, "lra-b is back without its state, and host-b hangs")
        rig.kill("lra-a")
        rig.await_state("lra-b", "primary_alone")
        reason, _ = wait_until("lra-b forces it offline", lambda: forced(rig, "lra-b", busy), 60)
        check("host-b" in reason, f"it takes over, and waits for host-b as for everybody: {reason}")
    finally:
        silent.send_signal(signal.SIGCONT)
    await_agents(rig, "lra-b", {h: "started" for h in rig.hosts})


def holders_by_event(rig):
    """Only the drive itself can say who holds it by RESERVE; and it is told itself to refuse everyone."""
    told, last = rig.drives[2], rig.drives[-1]
    host = rig.scsi_host("host-a", told)
    check(host.reserve6() == 0, "host-a takes a drive by RESERVE")
    rig.ask("lra-b", "drive", "offline", last, "--reason", "wrong drive")
    wait_until("the drive refuses", lambda: forced(rig, "lra-a", last), 20)
    check("at node lra-b" in forced(rig, "lra-a", last), "a drive is forced offline by a command at either node")
    cleared = rig.ask("lra-b", "drive", "clear", last, "--reason", "wrong drive")
    check(forced(rig, "lra-a", last) is None and cleared["answered_by"] == "lra-a", "and cleared, and the answer names the node that did it")
    refused = rig.set_by_snmp("lra-b", last, "offline", "wrong node")
    check("resourceUnavailable" in refused and "controller lra-a serves the library" in rig.log_of("lra-b") and forced(rig, "lra-a", last) is None,
          "by SNMP SET it is refused at the node that stands by, whose log names the other one")
    check(rig.set_by_snmp("lra-a", last, "offline", "right node") == "", "which takes it")
    rig.ask("lra-a", "drive", "clear", last, "--reason", "right node")
    refusals = [rig.refused(node, "drive", "offline", "VT99", "--reason", "x") for node in NODES]
    check(refusals[0] == refusals[1], f"a refusal there is the answer here: {refusals[1][2]}")
    rig.ask("lra-b", "drive", "offline", last, "--reason", "the loader is jammed")
    wait_until("the other node has the new reason", lambda: "the loader is jammed" in (forced(rig, "lra-b", last) or ""), 20)
    wait_until("both nodes know the holder", lambda: all(holder(rig, node, told) == ["iscsi:" + rig.iqn["host-a"]] for node in NODES), 20)
    wait_until("the other node knows too", lambda: any(a["kind"] == "drive_forced_offline" for a in rig.ask("lra-b", "alarm", "list")), 20)
    heard = announced(rig, "the loader is jammed")
    check(heard == ["lra-a"], f"consumers hear of it once, from the node that serves: {heard}")
    check(shown(rig, "lra-b", told)["reservation"]["evidence"] == "drive_event", "the node that watches knows who, from the drive's own event")
    wait_until("consumers hear of it", lambda: announced(rig, "the loader is jammed"), 20)
    user = rig.scsi_host("host-a", last)
    wait_until("the drive refuses", lambda: user.sense_of("000000000000") == "04/44/00", 20)
    return host, user


def held_after_a_takeover(rig, host, user):
    told, last = rig.drives[2], rig.drives[-1]
    heard = announced(rig, "the loader is jammed")
    check(heard == ["lra-a", "lra-b"], f"and once more from the node that takes over: {heard}")
    check(holder(rig, "lra-b", told) == ["iscsi:" + rig.iqn["host-a"]], "after the takeover the holder is known")
    check(user.sense_of("000000000000") == "04/44/00", "and the drive that was told to refuse everyone goes on")
    rig.ask("lra-b", "drive", "clear", last, "--reason", "repaired")
    wait_until("it is back", lambda: user.sense_of("000000000000") != "04/44/00", 20)
    check(host.release6() == 0, "the node that serves now has it back by the drive's own channel")
    await_reservation(rig, "lra-b", told, "free")


def handshakes(rig):
    rig.start()
    await_agents(rig, "lra-a", {h: "started" for h in rig.hosts})
    rig.kill("host-c")
    check(len(agents(rig, "lra-b")) == len(rig.hosts) and agents(rig, "lra-b") == agents(rig, "lra-a"), "the node that watches asks the one that serves who the agents are")
    rig.ask("lra-b", "agent", "retire", "host-c", "--reason", "sold")
    check(agents(rig, "lra-a")["host-c"] == "stopped", "and passes on that an agent is retired")
    wait_until("lra-b hears of it", lambda: "agent host-c is retired" in rig.log_of("lra-b"), 20)
    tape = rig.scsi_host("host-a", rig.drives[0])
    released_from_the_other_node(rig)
    by_event = holders_by_event(rig)
    silent_over_a_takeover(rig, tape)
    held_after_a_takeover(rig, *by_event)
    retired_over_a_takeover(rig, tape)
    replaced_over_a_takeover(rig)


def main():
    if not os.path.exists(f"{PROGRAMS}/initdb"):
        print("PostgreSQL is not installed")
        return 77
    return play("handshakes", PairRig(sys.argv[1], agents=5, events=True), handshakes)


if __name__ == "__main__":
    sys.exit(main())
