"""A host without an agent, reached over ssh (the real OpenSSH server), in a library with two controllers: whichever serves plays its
agent, dies in the middle of it, and the other one finishes. usage: old_host.py BIN_DIR [site]"""

import json
import os
import socket
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "agentless"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mounts"))
from database import Database, is_installed  # noqa: E402
from external import SiteRig  # noqa: E402
from pair_rig import NODES, PROGRAMS, SERVING, PairRig, check, other, play, signal, wait_until  # noqa: E402
from ssh_server import SshServer  # noqa: E402

OLD = "host-d"
LIMIT_MS = 20000
KEY = 0x1D0B
# As agent/agentless/host_agent_sharing.cpp reckons: so long what a dead node has begun may take effect.
MAY_COME = (2 * LIMIT_MS + 2 * 2000) / 1000 + 20


class Journal:
    """Takes what a program says, as journald does, into a file; or hangs, and the program with it."""

    def __init__(self, path):
        self.path = path
        self.ours, self.theirs = socket.socketpair()
        self.takes = threading.Event()
        self.takes.set()
        threading.Thread(target=self._copy, daemon=True).start()

    def _copy(self):
        with open(self.path, "ab", buffering=0) as log:
            while True:
                self.takes.wait()
                said = self.ours.recv(65536)
                if not said:
                    return
                self.takes.wait()
                log.write(said)

    def hang(self):
        self.takes.clear()
        # Whoever reads takes one piece more before it waits.
        while True:
            try:
                self.theirs.send(b"\n" * 4096, socket.MSG_DONTWAIT)
            except BlockingIOError:
                time.sleep(0.2)
                try:
                    self.theirs.send(b"\n", socket.MSG_DONTWAIT)
                except BlockingIOError:
                    return

    def go_on(self):
        self.takes.set()

    def end(self):
        self.go_on()
        self.theirs.close()


class OldHostRig(PairRig):
    def __init__(self, bin_dir):
        super().__init__(bin_dir, agents=4, without_agent=(OLD,))
        self.sshd = SshServer(self.path("sshd"))
        dsad = json.loads(self.path(f"dsad-{OLD}.json").read_text())
        application = dsad["application"]
        application["timeout_ms"] = LIMIT_MS
        self.gate = self._gate()
        self.journals = {}
        self.played_at = {node: {OLD} for node in NODES}
        self.suffix = {node: "" for node in NODES}  # of what it calls the drives
        self.played = {"name": OLD, "domain": f"application-{OLD}", "drives": dsad["drives"], "ports": dsad["ports"],
                       "application": application,
                       "ssh": {"host": "127.0.0.1", "port": self.sshd.port, "user": self.sshd.user,
                               "key_file": str(self.sshd.key_file), "known_hosts_file": str(self.sshd.known_hosts),
                               "look_interval_ms": 2000, "connect_timeout_ms": 2000}}

    def _gate(self):
        """gate NODE VERB COMMAND: holds one command, the next one, when there is a file "hold-VERB": until "held-VERB" is taken
        away. "ran" has what changes something, "asked" what does not."""
        gate = self.path("gate")
        gate.write_text('#!/bin/sh\nnode=$1; verb=$2; shift 2\n'
                        f'if [ $verb = query ]; then echo $node $verb >>{self.path("asked")}; exec "$@"; fi\n'
                        f'echo $node $verb >>{self.path("ran")}\n'
                        f'if mv {self.path("hold-")}$verb {self.path("held-")}$verb 2>/dev/null; then\n'
                        f'  while [ -e {self.path("held-")}$verb ]; do sleep 0.1; done\n'
                        'fi\n'
                        f'"$@"; status=$?\necho $verb >>{self.path("done")}\nexit $status\n')
        gate.chmod(0o755)
        return str(gate)

    def _write_node(self, node):
        super()._write_node(node)
        configuration = json.loads(self.path(f"{node}.json").read_text())
        # Outlasts the time that a node waits for the other copy, on a busy machine too.
        configuration["handshake"]["timeout_ms"] = 4000
        if OLD not in self.played_at[node]:
            configuration["agents"] = [a for a in configuration["agents"] if a["name"] != OLD]
            configuration["domains"] = [d for d in configuration["domains"] if d["name"] != f"application-{OLD}"]
            return self._write(f"{node}.json", configuration)
        played = json.loads(json.dumps(self.played))
        played["drives"] = [{**d, "application_name": d["application_name"] + self.suffix[node]} for d in played["drives"]]
        for verb in ("offline", "online", "query"):
            played["application"][verb] = [self.gate, node, verb] + played["application"][verb]
        configuration["agents"] = [a for a in configuration["agents"] if a["name"] != OLD] + [played]
        self._write(f"{node}.json", configuration)

    def start_node(self, node):
        if node in self.journals:
            self.journals[node].end()
        self.journals[node] = Journal(self.path(f"{node}.log"))
        super().start_node(node, errors=self.journals[node].theirs)

    def start(self):
        self.sshd.start()
        super().start()

    def stop(self):
        for journal in self.journals.values():
            journal.go_on()
        super().stop()
        self.sshd.stop()

    # ---- the host's commands

    def hold(self, verb):
        self.path(f"hold-{verb}").touch()

    def await_held(self, verb):
        wait_until(f"{verb} runs on {OLD}", self.path(f"held-{verb}").exists, 20)

    def let_go(self, verb):
        """What was held takes effect now."""
        before = self.count("done")
        self.path(f"held-{verb}").unlink()
        wait_until("the late command is done", lambda: self.count("done") > before, 5)

    def lines(self, name):
        file = self.path(name)
        return file.read_text().splitlines() if file.exists() else []

    def count(self, name):
        return len(self.lines(name))

    # ---- the nodes

    def await_played(self, node):
        wait_until(f"{node} plays {OLD}", lambda: any(
            a["name"] == OLD and a["state"] == "started" and a["transport"] == "ssh" and a["reached"]
            for a in self.ask(node, "agent", "list", quiet=True) or []), 30)

    def take_over(self, dead):
        """kill -9 of the node that serves; returns who does now."""
        self.kill(dead)
        node = other(dead)
        self.await_state(node, *SERVING)
        self.await_played(node)
        return node

    def come_back(self, node):
        self.start_node(node)
        self.await_pair(other(node))

    def reload(self, node):
        self._write_node(node)
        self.processes[node].send_signal(signal.SIGHUP)

    def await_event(self, node, message, words="", count=1, timeout=20):
        def there():
            return [e for e in self.ask(node, "event", "list", quiet=True) or [] if e["message"] == message and words in e["text"]]
        wait_until(f"{message} at {node}", lambda: len(there()) >= count, timeout)
        return there()[-1]["text"]

    def settled(self, node):
        wait_until("every notice is confirmed", lambda: self.ask(node, "handshake", "list", quiet=True) == [], 20)

    def forced(self, node, drive):
        return self.ask(node, "drive", "show", drive)["offline_reason"] or ""

    def await_there(self, state, drive, timeout=20):
        """Of every host but host-a."""
        return self.await_shown({h: state for h in self.hosts if h != "host-a"}, drive, timeout)


class SiteOldHostRig(SiteRig, OldHostRig):
    """The same with the ledger in a database of the site."""

    def start(self):
        self.sshd.start()
        SiteRig.start(self)


def take(rig, drive):
    """By a connection of its own: one that is idle for a minute is closed by the target."""
    tape = rig.scsi_host("host-a", drive)
    check(tape.pr_register(KEY) == 0 and tape.pr_reserve(KEY) == 0, f"host-a takes {drive}")


def give_back(rig, drive):
    tape = rig.scsi_host("host-a", drive)
    check(tape.pr_register(KEY) == 0 and tape.pr_release(KEY) == 0, f"host-a gives {drive} back")


def promised(rig, node, drive):
    """What the host has last confirmed of the drive."""
    return next(d["result"] for d in rig.ask(node, "agent", "show", OLD)["application"] if d["serial"] == drive)


def between_offline_and_online(rig):
    busy, operators = rig.drives[:2]
    rig.application(OLD, "drive", "offline", "drive-2")
    for drive in (busy, operators):
        take(rig, drive)
    rig.await_there("offline", busy)
    rig.settled("lra-a")
    confirmed = [e["text"] for e in rig.ask("lra-a", "event", "list", "--drive", busy) if e["message"] == "LRA2002"]
    check(any(OLD in words and "set_offline" in words for words in confirmed), f"{OLD} keeps off it, over ssh, and confirms like any other")
    check(not list(rig.path("lra-b", "ssh").glob("*")) and "over ssh" not in rig.log_of("lra-b"), "the node that stands by runs nothing there")
    rig.kill("lra-a")
    for drive in (busy, operators):
        give_back(rig, drive)
    rig.await_state("lra-b", *SERVING)
    rig.await_there("online", busy)
    rig.settled("lra-b")
    check(True, "lra-a has died; lra-b brings back what it had set offline")
    check(rig.shown(OLD, operators) == "offline", "and leaves alone what an operator did there")
    check(not rig.forced("lra-b", busy) and not rig.forced("lra-b", operators), "no drive has suffered")
    rig.application(OLD, "drive", "online", "drive-2")
    rig.come_back("lra-a")


def dead_before_its_confirmation(rig):
    """What the dead node has begun takes effect long after the other one has told the host otherwise."""
    drive = rig.drives[0]
    rig.hold("offline")
    take(rig, drive)
    rig.await_held("offline")
    node = rig.take_over("lra-b")
    begin = time.monotonic()
    rig.await_there("offline", drive)
    rig.settled(node)
    check(not rig.forced(node, drive), f"lra-b dies before {OLD} has confirmed; lra-a sets it offline again, and {OLD} confirms")
    give_back(rig, drive)
    rig.await_there("online", drive)
    rig.settled(node)
    rig.let_go("offline")
    check(rig.shown(OLD, drive) == "offline", "only now lra-b's own command takes effect")
    rig.await_there("online", drive, MAY_COME + 15)
    check(True, f"lra-a has expected that, and brings it back {time.monotonic() - begin:.0f} s after it took over")
    rig.come_back("lra-b")


def dead_before_it_is_back(rig):
    """The other way round: a late "online" must not meet a promise that the drive is kept off."""
    drive = rig.drives[0]
    take(rig, drive)
    rig.await_there("offline", drive)
    rig.settled("lra-a")
    rig.hold("online")
    give_back(rig, drive)
    rig.await_held("online")
    node = rig.take_over("lra-a")
    begin = time.monotonic()
    rig.await_there("online", drive)
    rig.settled(node)
    check(True, f"lra-a dies while {OLD} gets it back; lra-b finishes")
    take(rig, drive)
    wait_until("it is forced offline", lambda: OLD in rig.forced(node, drive), 30)
    check("may still be running" in json.dumps(rig.ask(node, "event", "list", "--drive", drive)),
          f"as long as lra-a's command may come, {OLD} promises nothing: {rig.forced(node, drive)}")
    rig.let_go("online")
    check(rig.shown(OLD, drive) == "online", "and it does come")
    rig.await_there("offline", drive)
    check(promised(rig, node, drive) != "set_offline", "it is set offline again, which is no promise yet")
    wait_until("it is promised", lambda: promised(rig, node, drive) == "set_offline", MAY_COME + 30)
    check(True, f"{OLD} promises it when nothing can come any more, {time.monotonic() - begin:.0f} s after the takeover")
    rig.ask(node, "drive", "clear", drive, "--reason", "it keeps off now")
    give_back(rig, drive)
    rig.await_there("online", drive, 40)
    rig.come_back("lra-a")


def suspended(rig):
    """A node that sleeps while another one serves runs nothing when it wakes up."""
    drive = rig.drives[2]
    node = next(n for n in NODES if rig.state(n) in SERVING)
    heir = other(node)
    sleeper = rig.processes[node]
    sleeper.send_signal(signal.SIGSTOP)
    try:
        take(rig, drive)
        rig.await_state(heir, *SERVING)
        rig.await_there("offline", drive)
        rig.settled(heir)
        ran, words = rig.count("ran"), rig.log_of(node).count("over ssh: set_")
    finally:
        sleeper.send_signal(signal.SIGCONT)
    rig.await_pair(heir)
    give_back(rig, drive)
    rig.await_there("online", drive)
    check(rig.count("ran") == ran + 1 and rig.log_of(node).count("over ssh: set_") == words,
          f"{node} sleeps, {heir} takes over; awake again {node} runs nothing on {OLD}")


def hangs(rig):
    """A node hangs when it has chosen the next command and not begun it: nobody has told it yet that another one serves when it goes
    on, and it asks."""
    drive, waiting = rig.drives[2:4]
    node = next(n for n in NODES if rig.state(n) in SERVING)
    heir = other(node)
    refused, ended = "this controller does not serve the library at this moment", "over ssh: set_offline"
    rig.hold("offline")
    take(rig, drive)
    rig.await_held("offline")
    take(rig, waiting)  # of one application there is one command at a time
    wait_until(f"nobody but {OLD} has anything to say", lambda: {(h["drive"], h["agent"]) for h in rig.ask(node, "handshake", "list")}
               == {(drive, OLD), (waiting, OLD)}, 10)
    before = {words: rig.log_of(node).count(words) for words in (refused, ended)}
    rig.journals[node].hang()
    rig.let_go("offline")  # the line that says so is not taken
    rig.await_state(heir, *SERVING)
    rig.await_played(heir)
    for one in (drive, waiting):
        rig.await_there("offline", one)
    rig.settled(heir)
    ran = [line for line in rig.lines("ran") + rig.lines("asked") if line.startswith(node)]
    rig.journals[node].go_on()
    wait_until(f"{node} goes on", lambda: rig.log_of(node).count(ended) > before[ended], 10)
    rig.await_pair(heir)
    check(rig.log_of(node).count(refused) > before[refused], f"{node} hangs, {heir} takes over; when it goes on {node} asks before its next command on {OLD}")
    check([line for line in rig.lines("ran") + rig.lines("asked") if line.startswith(node)] == ran, "and runs nothing there")
    for one in (drive, waiting):
        give_back(rig, one)
        rig.await_there("online", one)
    rig.settled(heir)


def row_first(rig):
    """The other copy is gone: until commits are let go on without it nothing is run on the host."""
    drive = rig.drives[0]
    node = next(n for n in NODES if rig.state(n) in SERVING)
    ran = rig.count("ran")
    rig.kill(other(node))
    rig.kill_database(other(node))
    take(rig, drive)
    wait_until(f"{node} waits for the other copy", lambda: rig.state(node) == "waiting_peer", 10)
    rig.await_shown({"host-b": "offline"}, drive, 10)
    check(rig.state(node) == "waiting_peer" and rig.count("ran") == ran,
          f"{other(node)} is gone, and commits wait: hosts with an agent keep off the drive, and nothing is run on {OLD}")
    rig.await_state(node, "primary_alone")
    rig.await_there("offline", drive)
    rig.settled(node)
    check(not rig.forced(node, drive), f"{node} goes on alone, {OLD} keeps off and confirms in time")
    give_back(rig, drive)
    rig.await_there("online", drive)
    rig.come_back(other(node))


def handed_over(rig):
    """In order: nothing is interrupted, and nobody has to wait."""
    drive = rig.drives[0]
    node = next(n for n in NODES if rig.state(n) in SERVING)
    heir = other(node)
    take(rig, drive)
    rig.await_there("offline", drive)
    rig.settled(node)
    ran = rig.count("ran")
    rig.ask(node, "pair", "shutdown", node, "--mode", "immediate", "--reason", "maintenance")
    rig.await_state(heir, *SERVING)
    rig.await_played(heir)
    rig.settled(heir)
    check(not rig.forced(heir, drive), f"{node} leaves in order; the host has confirmed to {heir}")
    again = rig.lines("ran")[ran:]
    check(rig.shown(OLD, drive) == "offline" and not again, f"the drive stays offline there, and nothing is done twice: {again}")
    give_back(rig, drive)
    rig.await_there("online", drive)
    check(not list(rig.path(node, "ssh").glob("*")), f"{node} keeps no connection")


def called_otherwise(rig):
    """Both nodes tell it long before one of them takes over."""
    node = next(n for n in NODES if rig.state(n) in SERVING)
    standby = other(node)
    rig.suffix[standby] = "-x"
    rig.reload(standby)
    for at in NODES:
        words = rig.await_event(at, "LRA1203", OLD)
        check("drive-1-x" in words and '"drive-1"' in words, f"{standby} calls drives of {OLD} otherwise than {node}: told at {at}, while nothing is wrong yet")
    rig.suffix[standby] = ""
    rig.reload(standby)
    for at in NODES:
        rig.await_event(at, "LRA1204", OLD)
    check(True, "and when it is mended")


def left_over(rig):
    """A host that is in no configuration any more, with a drive offline there."""
    drive = rig.drives[0]
    node = next(n for n in NODES if rig.state(n) in SERVING)
    standby = other(node)
    take(rig, drive)
    rig.await_there("offline", drive)
    rig.settled(node)
    row = next(r for r in rig.ask(standby, "agent", "ledger") if r["serial"] == drive)
    check(row["agent"] == OLD and row["played"] and row["offline"], f"what is offline on {OLD} is shown at either node")
    code, _, words = rig.refused(standby, "agent", "forget", OLD, "--reason", "too early")
    check(code == 1 and "section ssh" in words, f"and not forgotten while it is played: {words}")
    for at in NODES:
        rig.played_at[at] = set()
        rig.reload(at)
    words = rig.await_event(node, "LRA1202", OLD)
    check(drive in words and f"agent forget {OLD}" in words, f"{OLD} is taken out of both files: {words}")
    row = next(r for r in rig.ask(standby, "agent", "ledger") if r["serial"] == drive)
    check(not row["played"] and "agent forget NAME" in rig.lractl(node, "agent", "ledger").stdout, "the row says that nobody plays it")

    def forgotten():
        return rig.ask(standby, "agent", "forget", OLD, "--reason", "brought back by hand", quiet=True)
    wait_until("both nodes know that neither has it", forgotten, 20)
    check(all(rig.ask(at, "agent", "ledger") == [] for at in NODES), "forgotten at the node that stands by, it is forgotten at both")
    give_back(rig, drive)
    for at in NODES:
        rig.played_at[at] = {OLD}
        rig.reload(at)
    rig.await_played(node)
    rig.settled(node)
    check(rig.shown(OLD, drive) == "offline", "put back into both files, it leaves the drive to who has it now")
    rig.application(OLD, "drive", "online", "drive-1")


def old_host(rig):
    rig.start()
    rig.await_played("lra-a")
    between_offline_and_online(rig)
    dead_before_its_confirmation(rig)
    dead_before_it_is_back(rig)
    suspended(rig)
    hangs(rig)
    row_first(rig)
    called_otherwise(rig)
    left_over(rig)
    handed_over(rig)


def at_the_site(rig):
    rig.start()
    rig.await_played("lra-a")
    between_offline_and_online(rig)
    suspended(rig)
    hangs(rig)


def main():
    if not os.path.exists(f"{PROGRAMS}/initdb") or not is_installed():
        print("PostgreSQL is not installed")
        return 77
    if sys.argv[2:] == ["site"]:
        return play("old host, a database of the site", SiteOldHostRig(sys.argv[1], Database()), at_the_site)
    return play("old host", OldHostRig(sys.argv[1]), old_host)


if __name__ == "__main__":
    sys.exit(main())
