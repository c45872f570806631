"""A backup host without an agent: lrad plays it over ssh, to the real OpenSSH server on loopback. One story a run:
agentless.py BIN-FOLDER STORY"""

import json
import os
import signal
import socket
import sqlite3
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from rig import Failed, Rig, wait_until  # noqa: E402
from ssh_server import SshServer  # noqa: E402

ROOT = Path(__file__).resolve().parents[3]
SIMULATORS = ROOT / "test/support/applications"
sys.path.insert(0, str(SIMULATORS))
import simulated_drives  # noqa: E402

D1, D2 = "VT00000001", "VT00000002"
REMOTE = "host-s"


def check(condition, words):
    if not condition:
        raise Failed(words)
    print(f"ok    {words}", flush=True)


class AgentlessRig(Rig):
    """host-a and host-b run dsad; host-s has nothing but sshd and its backup application."""

    def __init__(self, bin_dir, **more):
        super().__init__(bin_dir, hosts=("host-a", "host-b", REMOTE), **more)
        self.second_remote = None
        self.without_sshd = self.own_agents = False
        self.silent = []
        self.sshd = SshServer(self.path("sshd"))
        self.ssh = {"host": "127.0.0.1", "port": self.sshd.port, "user": self.sshd.user,
                    "key_file": str(self.sshd.key_file), "known_hosts_file": str(self.sshd.known_hosts),
                    "look_interval_ms": 2000, "connect_timeout_ms": 2000}
        dsad = json.loads(self.path(f"dsad-{REMOTE}.json").read_text())
        self.remote = {"drives": dsad["drives"], "ports": dsad["ports"], "application": dsad["application"]}
        self.remote["application"]["timeout_ms"] = 5000
        self.without_remote = False

    def _write_lrad(self):
        super()._write_lrad()
        configuration = json.loads(self.path("lrad.json").read_text())
        agents = [a for a in configuration["agents"] if a["name"] not in (REMOTE, self.second_remote)]
        if not self.without_remote:
            agents.append({"name": REMOTE, "domain": f"application-{REMOTE}", "ssh": self.ssh, **self.remote})
        if self.second_remote:
            dsad = json.loads(self.path(f"dsad-{self.second_remote}.json").read_text())
            agents.append({"name": self.second_remote, "domain": f"application-{self.second_remote}", "ssh": self.ssh,
                           **{key: dsad[key] for key in ("drives", "ports", "application")}})
        for i, ear in enumerate(self.silent):
            silent = {**self.ssh, "port": ear.getsockname()[1]}
            agents.append({"name": f"silent-{i}", "ssh": silent, **self.remote})
        if not self.own_agents:
            configuration["agents"] = agents
        self._write("lrad.json", configuration)

    def start(self, agents=("host-a", "host-b", REMOTE)):
        if not self.without_sshd:
            self.sshd.start()
        self.start_vtld()
        self.start_lrad()
        for host in ("host-a", "host-b"):
            if host != self.second_remote:
                self.start_dsad(host)
        for host in agents:
            self.await_agent(host, "started")
        for drive in self.drives:
            self.await_drive(drive, lambda d: d["reservation"]["state"] == "free", "free")

    def reload(self):
        self._write_lrad()
        self.processes["lrad"].send_signal(signal.SIGHUP)

    def stop(self):
        super().stop()
        self.sshd.stop()

    def alarm(self, kind):
        return next((a for a in self.ask("lrad", "alarm", "list") if a["kind"] == kind), None)

    def await_alarm(self, kind, there=True, timeout=20):
        return wait_until(f"alarm {kind} {'is raised' if there else 'is cleared'}",
                          lambda: (self.alarm(kind) is not None) == there, timeout)[1]

    def settled(self):
        wait_until("every notice is confirmed", lambda: self.ask("lrad", "handshake", "list") == [], 15)


def offline_but_for(holder):
    return {h: "online" if h == holder else "offline" for h in ("host-a", "host-b", REMOTE)}


ONLINE = {h: "online" for h in ("host-a", "host-b", REMOTE)}


def takes_part(rig):
    rig.start()
    agent = rig.ask("lrad", "agent", "show", REMOTE)
    check(agent["transport"] == "ssh" and agent["reached"] and agent["address"].startswith("ssh:"),
          f"{REMOTE} has started, over ssh, without any agent there")
    check(rig.agent("host-a")["transport"] == "snmp", "host-a has an agent of its own")

    host = rig.scsi_host("host-a", D1)
    check(host.reserve6() == 0, f"host-a reserves {D1}")
    took = rig.await_shown(offline_but_for("host-a"), D1)
    check(True, f"it is offline in the other two applications, one of them over ssh ({took * 1000:.0f} ms)")
    rig.settled()
    results = [e["text"] for e in rig.ask("lrad", "event", "list", "--drive", D1) if e["message"] == "LRA2002"]
    check(any(REMOTE in r and "set_offline" in r for r in results), "its confirmation is like any other: set_offline")
    check(host.release6() == 0, "host-a releases it")
    took = rig.await_shown(ONLINE, D1)
    check(True, f"it is online again everywhere ({took * 1000:.0f} ms)")

    own = rig.scsi_host(REMOTE, D1)
    check(own.reserve6() == 0, f"{REMOTE} itself reserves {D1}")
    rig.await_shown(offline_but_for(REMOTE), D1)
    rig.settled()
    check(rig.shown(REMOTE, D1) == "online", "its own application keeps it")
    own.release6()
    rig.await_shown(ONLINE, D1)

    rig.application(REMOTE, "drive", "offline", "drive-2")
    host = rig.scsi_host("host-b", D2)
    host.reserve6()
    rig.await_shown({"host-a": "offline"}, D2)
    rig.settled()
    host.release6()
    rig.await_shown({"host-a": "online"}, D2)
    rig.settled()
    check(rig.shown(REMOTE, D2) == "offline", "what an operator took offline there is left to the operator")

    check(len(rig.sshd.connections()) == 1, "one connection has served it all")
    ends = rig.sshd.log().count("Accepted publickey")
    check(ends == 1, f"sshd has seen one login ({ends})")
    sockets = list(rig.path("lrad", "ssh").iterdir())
    check(len(sockets) == 1, "the connection is kept for the next command")
    rig.end("lrad")
    wait_until("no ssh connection is left", lambda: not rig.sshd.connections(), 5)
    check(not list(rig.path("lrad", "ssh").iterdir()), "lrad's end ends it")
    with sqlite3.connect(f"file:{rig.path('lrad', 'lrad.db')}?mode=ro", uri=True) as store:
        trail = [row[0] for row in store.execute("SELECT reason FROM audit WHERE action LIKE 'application.%'")]
    check(any("over ssh" in line and '"offline","drive-1"' in line for line in trail),
          "what was run there is in the audit trail, word by word")


def check_command(rig):
    rig.start()
    done = rig.lractl("lrad", "--json", "agent", "check", REMOTE)
    report = json.loads(done.stdout)
    check(done.returncode == 0 and report["ok"] and [s["step"] for s in report["steps"]]
          == ["files", "connection", "look", "application"], "agent check goes through every step")
    row = next(r for r in report["application"] if r["serial"] == D1)
    check(row["application_state"] == "online" and "offline" in row["offline_would_run"],
          "it shows each drive's state and what would be run")
    check(report["next_step"] == "nothing", "there is nothing to do")
    by_hand = rig.run(["/bin/sh", "-c", report["ssh"] + " echo by hand"])
    check("StrictHostKeyChecking=yes" in report["ssh"] and by_hand.stdout == "by hand\n",
          "it shows how ssh is called, to be tried by hand")
    check(rig.lractl("lrad", "agent", "check", REMOTE).stdout.count("\n") > 10, "for people, too")
    refused = rig.lractl("lrad", "agent", "check", "host-a")
    check(refused.returncode == 1 and "dsad" in refused.stderr, "of an agent of its own it says where to ask")

    rig.sshd.stop()
    rig.await_alarm("host_unreachable")
    done = rig.lractl("lrad", "--json", "agent", "check", REMOTE)
    report = json.loads(done.stdout)
    broken = [s for s in report["steps"] if not s["ok"]]
    check(done.returncode == 3 and "Connection refused" in broken[0]["result"] and "ssh-keyscan" in broken[0]["help"],
          f"without sshd: {broken[0]['result']}; {broken[0]['help']}")
    check("ssh-keyscan" in report["next_step"], "the next step is named")
    listed = " ".join(rig.lractl("lrad", "agent", "list").stdout.split())
    check("Connection refused" in listed, "agent list says why it is not reached")

    rig.sshd.allow('command="echo go away"')
    rig.sshd.start()
    wait_until("the forced command is seen", lambda: rig.ask("lrad", "agent", "show", REMOTE)["contact"]
               == "not_understood", 20)
    check("go away" in rig.alarm("host_unreachable")["text"], "a forced command is not taken for an answer")
    (rig.sshd.folder / "authorized_keys").write_text("")
    rig.sshd.drop_connections()
    wait_until("the refusal is seen", lambda: rig.ask("lrad", "agent", "show", REMOTE)["contact"] == "login_refused", 20)
    check("Permission denied" in rig.alarm("host_unreachable")["text"], "a login that is refused is told as such")
    os.chmod(rig.sshd.key_file, 0o644)
    report = json.loads(rig.lractl("lrad", "--json", "agent", "check", REMOTE).stdout)
    check(not report["ok"] and "chmod 600" in report["steps"][0]["result"], "a key file that others can read is refused")
    os.chmod(rig.sshd.key_file, 0o600)
    rig.sshd.allow()
    rig.await_alarm("host_unreachable", False)
    check(True, "the alarm is cleared when it works again")


def host_key(rig):
    rig.start()
    rig.sshd.stop()
    rig.sshd.start("other_host")
    wait_until("the other key is seen", lambda: rig.ask("lrad", "agent", "show", REMOTE)["contact"] == "key_changed", 20)
    alarm = rig.alarm("host_unreachable")
    check(alarm["severity"] == "critical" and alarm["agent"] == REMOTE and "SHA256:" in alarm["text"],
          "a changed host key is a critical alarm with the fingerprint")
    check("Accepted" not in rig.sshd.log().split("Server listening")[-1], "nobody logs in there")
    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    rig.await_drive(D1, lambda d: d["operational_state"] == "forced_offline", "forced offline", 20)
    check(rig.shown(REMOTE, D1) == "online", "nothing was sent there, and the drive is forced offline: a missing confirmation")
    check(rig.agent(REMOTE)["state"] == "lost", "the agent is lost")
    host.release6()
    rig.sshd.stop()
    rig.sshd.start()
    rig.await_alarm("host_unreachable", False)
    rig.await_agent(REMOTE, "started")
    check(True, "with the right key the alarm is over and the agent returns")
    rig.ask("lrad", "drive", "clear", D1, "--reason", "the host is back")
    rig.await_drive(D1, lambda d: d["operational_state"] == "online", "online")
    rig.await_shown(ONLINE, D1)


def hanging(rig):
    rig.remote["application"]["timeout_ms"] = 6000
    rig.second_remote = "host-b"
    rig.start()
    rig.application(REMOTE, "fault", "set", "offline", "hang")
    host = rig.scsi_host("host-a", D1)
    begin = time.monotonic()
    host.reserve6()
    hangs = lambda: any("drive offline" in command_line(p) for p in rig.sshd.descendants())
    took = rig.await_shown({"host-b": "offline"}, D1)
    wait_until("the command hangs", hangs, 5)
    check(True, f"a command that hangs delays no other host over the same connection ({took * 1000:.0f} ms)")
    rig.ask("lrad", "status", "show")
    check(hangs(), "lrad answers meanwhile")
    rig.await_alarm("host_unreachable", timeout=30)
    alarm = rig.alarm("host_unreachable")
    check("did not end in time" in alarm["text"], f"the alarm says so ({time.monotonic() - begin:.1f} s)")
    rig.await_drive(D1, lambda d: d["operational_state"] == "forced_offline", "forced offline", 40)
    rig.application(REMOTE, "fault", "clear")
    wait_until("it is offline there after all", lambda: rig.shown(REMOTE, D1) == "offline", 30)
    rig.await_alarm("host_unreachable", False)
    check(True, "when it works again it is done after all, and the alarm is over")

    def left():
        return [pid for pid in rig.sshd.descendants() if "sample-backup" in command_line(pid)]
    wait_until("no command is left on the host", lambda: not left(), 10)
    check(True, "no command is left behind on the host")


def descendants_of(pid):
    found, ahead = [], [pid]
    while ahead:
        for child in Path(f"/proc/{ahead.pop()}/task").glob("*/children"):
            try:
                pids = [int(word) for word in child.read_text().split()]
            except OSError:
                continue
            found += pids
            ahead += pids
    return found


def command_line(pid):
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def dropped(rig):
    rig.timeout_ms = 4000
    rig.start()
    check(rig.sshd.drop_connections() > 0, "the connection is cut while nothing runs")
    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    took = rig.await_shown(offline_but_for("host-a"), D1)
    check(True, f"the next command makes a new one ({took * 1000:.0f} ms)")
    rig.settled()

    rig.application(REMOTE, "fault", "set", "online", "hang")
    host.release6()
    wait_until("the command runs", lambda: any("drive online" in command_line(p) for p in rig.sshd.descendants()), 10)
    rig.application(REMOTE, "fault", "clear")
    check(rig.sshd.drop_connections() > 0, "the connection is cut while a command runs")
    took = rig.await_shown(ONLINE, D1, 25)
    check(True, f"it is tried again and done ({took:.1f} s)")
    rig.settled()
    rig.await_drive(D1, lambda d: d["operational_state"] == "online", "online")


def hostile(rig):
    state = rig.path("hostile-state")
    noise = rig.path("noisy-query")
    noise.write_text("#!/usr/bin/env python3\n"
                     "import os, subprocess, sys\n"
                     f"mode = open({str(state)!r}).read()\n"
                     "out = sys.stdout.buffer\n"
                     "if mode == 'control': out.write(b'\\x1b[2J\\x07\\x00\\x80\\xff\\xfe\\x9b31m\\r\\n' * 20)\n"
                     "if mode == 'huge':\n"
                     "    for _ in range(1024): out.write(b'x' * 1023 + b'\\n')\n"
                     "if mode == 'marker': out.write(b'\\nlra-end-1 0\\n')\n"
                     "out.flush()\n"
                     "sys.exit(subprocess.run(sys.argv[1:]).returncode)\n")
    noise.chmod(0o755)
    state.write_text("quiet")
    rig.remote["application"]["query"] = [str(noise)] + rig.remote["application"]["query"]
    rig.start()
    host = rig.scsi_host("host-a", D1)
    state.write_text("control")
    host.reserve6()
    rig.await_shown(offline_but_for("host-a"), D1)
    rig.settled()
    check(True, "control characters and bytes that are no UTF-8 do no harm")
    check("\x1b" not in rig.log_of("lrad"), "and none of them reaches the journal")
    rig.ask("lrad", "agent", "show", REMOTE)
    state.write_text("marker")
    host.release6()
    rig.await_shown(ONLINE, D1)
    check(True, "a line that looks like our own is not taken for it")
    state.write_text("huge")
    host.reserve6()
    rig.await_drive(D1, lambda d: d["operational_state"] == "forced_offline", "forced offline", 20)
    check(rig.shown(REMOTE, D1) == "online", "of an answer of 1 MiB nothing is believed, and nothing is done")
    report = json.loads(rig.lractl("lrad", "--json", "agent", "check", REMOTE).stdout)
    check(not report["ok"], "agent check says so")
    state.write_text("quiet")
    host.release6()
    rig.ask("lrad", "drive", "clear", D1, "--reason", "test")
    rig.await_shown(ONLINE, D1, 25)

    report = rig.path("report")
    report.write_bytes(b"port fc:2100000e1e09a1b0\n\x1b[2J\xff\xfe\n")
    rig.ssh.update({"os": "commands", "discover": ["/bin/cat", str(report)]})
    rig.remote["ports"] = "discover"
    rig.reload()
    wait_until("the report is refused", lambda: rig.ask("lrad", "agent", "show", REMOTE)["contact"]
               == "not_understood", 20)
    check("line 2" in rig.alarm("host_unreachable")["text"], "a report with rubbish in it is refused, with the line")
    report.write_bytes(b"port fc:2100000e1e09a1b0\n" * 60_000)
    wait_until("so is one of 1.5 MiB", lambda: "256 KiB" in (rig.ask("lrad", "agent", "show", REMOTE)["trouble"] or ""), 30)
    check(True, "so is one of 1.5 MiB")
    report.write_text(f"port fc:{rig.wwpn[REMOTE]}\nport iscsi:{rig.iqn[REMOTE]}\n")
    rig.await_alarm("host_unreachable", False)
    check(True, "a good one is taken")


def killed(rig):
    rig.start()
    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    rig.await_shown(offline_but_for("host-a"), D1)
    rig.settled()
    rig.end("lrad", signal.SIGKILL)
    host.release6()
    rig.start_lrad()
    rig.await_shown(ONLINE, D1)
    check(True, "what it took offline before kill -9 lrad brings back online after its restart")
    rig.settled()

    rig.application(REMOTE, "fault", "set", "offline", "hang")
    host.reserve6()
    wait_until("the command runs", lambda: any("drive offline" in command_line(p) for p in rig.sshd.descendants()), 10)
    rig.end("lrad", signal.SIGKILL)
    rig.application(REMOTE, "fault", "clear")
    rig.start_lrad()
    rig.await_shown(offline_but_for("host-a"), D1, 20)
    check("DSA5008" in rig.log_of("lrad"), "killed while the command ran: the ledger tells of it, and it is settled")
    rig.settled()
    host.release6()
    rig.await_shown(ONLINE, D1)
    check(True, "and it is brought back")

    rig.end("lrad", signal.SIGKILL)
    rig.sshd.stop()
    host.reserve6()
    rig.start_lrad()
    rig.await_drive(D1, lambda d: d["operational_state"] == "forced_offline", "forced offline", 25)
    check(True, "a host that is gone after a restart is still waited for: a missing confirmation")


def discovers(rig):
    report = rig.path("report")
    report.write_text("# found by a program of the site\n"
                      f"port fc:{rig.wwpn[REMOTE]}\nport iscsi:{rig.iqn[REMOTE]}\ndrive {D1} /dev/nst0\n")
    rig.ssh.update({"os": "commands", "discover": ["/bin/cat", str(report)]})
    rig.remote["drives"] = "discover"
    rig.remote["ports"] = "discover"
    rig.remote["application"]["names"] = {D1: "drive-1", D2: "drive-2"}
    rig.start()
    agent = rig.ask("lrad", "agent", "show", REMOTE)
    check(f"fc:{rig.wwpn[REMOTE]}" in agent["ports"] and agent["application"][0]["serial"] == D1,
          "ports and drives of the host are those that it names")
    own = rig.scsi_host(REMOTE, D1)
    own.reserve6()
    rig.await_shown({"host-a": "offline", REMOTE: "online"}, D1)
    rig.settled()
    check(rig.shown(REMOTE, D1) == "online", "a port that was found counts as its own")
    own.release6()
    rig.await_shown(ONLINE, D1)
    with report.open("a") as more:
        more.write(f"drive {D2} /dev/nst1\n")
    wait_until("the new drive is seen", lambda: len(rig.ask("lrad", "agent", "show", REMOTE)["application"]) == 2, 15)
    host = rig.scsi_host("host-a", D2)
    host.reserve6()
    rig.await_shown(offline_but_for("host-a"), D2)
    check(True, "a drive that appears later takes part")
    rig.end("lrad")
    rig.sshd.stop()
    host.release6()
    rig.start_lrad()
    agent = rig.ask("lrad", "agent", "show", REMOTE)
    check(agent["begun"] and len(agent["ports"]) == 2, "what was found is known after a restart, with the host away")

    rig.ssh.update({"os": "linux", "discover": []})
    rig.reload()
    wait_until("it is read", lambda: "configuration read again" in rig.log_of("lrad"), 10)
    wait_until("the host is away", lambda: rig.ask("lrad", "agent", "show", REMOTE)["contact"] == "unreachable", 20)
    rig.sshd.start()
    wait_until("the host is looked at by sysfs",
               lambda: rig.ask("lrad", "agent", "show", REMOTE)["contact"] in ("not_understood", "reached"), 20)
    print(f"ok    Linux's own sysfs: {rig.ask('lrad', 'agent', 'show', REMOTE)['contact_words']}", flush=True)


def reload(rig):
    rig.start()
    check(len(rig.sshd.connections()) == 1, "a connection is kept")
    rig.without_remote = True
    rig.reload()
    wait_until("it is closed", lambda: not rig.sshd.connections(), 10)
    check([a["name"] for a in rig.ask("lrad", "agent", "list")] == ["host-a", "host-b"],
          "an agent that leaves the configuration leaves nothing behind")
    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    rig.await_shown({"host-b": "offline"}, D1)
    rig.settled()
    check(rig.shown(REMOTE, D1) == "online", "nobody works on its host any more")
    rig.without_remote = False
    rig.reload()
    rig.await_agent(REMOTE, "started")
    rig.await_shown(offline_but_for("host-a"), D1)
    check(True, "when it comes back it is told how things stand")
    rig.remote["application"]["observe_only"] = True
    rig.reload()
    wait_until("it observes", lambda: rig.ask("lrad", "agent", "show", REMOTE).get("observe_only"), 10)
    host.release6()
    rig.await_shown({"host-b": "online"}, D1)
    rig.settled()
    check(rig.shown(REMOTE, D1) == "offline", "observe_only touches nothing")
    rig.remote["application"]["observe_only"] = False
    rig.reload()
    rig.await_shown(ONLINE, D1)
    check(True, "and what the ledger knows is brought back when it may act again")
    broken = json.loads(rig.path("lrad.json").read_text())
    broken["agents"][-1]["application"]["states"]["online"] = ["("]
    rig._write("lrad.json", broken)
    tried = rig.run([str(rig.bin / "lrad"), "--config", str(rig.path("lrad.json")), "--check-config"], check=False)
    check(tried.returncode != 0 and "agents[2].application.states.online[0]" in tried.stdout + tried.stderr,
          "a mistake in the application part is named with its path")


def absent(rig):
    rig.without_sshd = True
    rig.start(agents=("host-a", "host-b"))
    rig.await_alarm("host_unreachable")
    check(rig.agent(REMOTE)["state"] == "never_seen", "a host that was never reached is never seen")
    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    rig.await_shown({"host-b": "offline"}, D1)
    rig.settled()
    check(rig.drive(D1)["operational_state"] == "online", "and owes nothing: the drive is not forced offline")
    rig.sshd.start()
    rig.await_agent(REMOTE, "started")
    rig.await_shown(offline_but_for("host-a"), D1)
    check(True, "when it is reached for the first time it is told how things stand")

    rig.sshd.stop()
    rig.await_alarm("host_unreachable")
    rig.ask("lrad", "agent", "retire", REMOTE, "--reason", "it is being repaired")
    time.sleep(6)
    check(rig.agent(REMOTE)["state"] == "stopped", "retired while it is away it stays retired")
    host.release6()
    rig.await_shown({"host-b": "online"}, D1)
    rig.settled()
    check(rig.drive(D1)["operational_state"] == "online", "and nobody waits for it")
    rig.sshd.start()
    rig.await_agent(REMOTE, "started")
    rig.await_shown(ONLINE, D1)
    check(True, "back again, it settles what has happened meanwhile")

    rig.sshd.stop()
    rig.await_alarm("host_unreachable")
    rig.own_agents = True
    rig.reload()
    rig.start_dsad(REMOTE)
    rig.await_alarm("host_unreachable", False)
    rig.await_agent(REMOTE, "started")
    check(rig.agent(REMOTE)["transport"] == "snmp", "with an agent of its own it is one like any other, without the alarm")


def many_silent(rig):
    """Hosts of which nothing comes back, not even a refusal: more than may be asked at a time."""
    rig.silent = [socket.create_server(("127.0.0.1", 0)) for _ in range(100)]  # connected to, and never accepted
    rig.start()
    host = rig.scsi_host("host-a", D1)
    worst = 0
    for _ in range(3):
        host.reserve6()
        worst = max(worst, rig.await_shown(offline_but_for("host-a"), D1, 30))
        rig.settled()
        host.release6()
        worst = max(worst, rig.await_shown(ONLINE, D1, 30))
        rig.settled()
        rig.ask("lrad", "agent", "list")
    check(True, f"a hundred hosts that are silent delay no other much ({worst * 1000:.0f} ms at worst)")
    clients = lambda: [pid for pid in descendants_of(rig.processes["lrad"].pid) if command_line(pid).startswith("ssh ")]
    most = 0
    for _ in range(200):
        children = clients()
        most = max(most, len(children))
        if most >= 64:
            break
        time.sleep(0.05)
    check(most == 64, f"ssh clients at a time are limited ({most})")
    rig.end("lrad")
    check(not [p for p in children if command_line(p).startswith("ssh ")], "with all its ssh clients")


def profiles(rig):
    """Shipped profiles over ssh: one that talks to a console on its input, one that has a secret."""
    password = rig.path("password")
    password.write_text("secret of lra\n")
    password.chmod(0o600)
    applications = {
        "bareos": ("bconsole", "bareos_console_simulator.py", "Drive-1", {"parameters": {"storage": "Tape"}}),
        "ibm-sp": ("dsmadmc", "dsmadmc_simulator.py", "DRV01",
                   {"parameters": {"library": "LIB1", "server": "SP1", "user": "LRA"}, "credentials_in_argv": True,
                    "credentials": {"password": {"file": str(password)}}})}
    first = True
    for profile, (program, simulator, name, more) in applications.items():
        state = rig.path(f"{profile}.drives")
        simulated_drives.make(str(state), [name])
        wrapper = rig.path(program)
        wrapper.write_text(f"#!/bin/sh\nexec '{sys.executable}' -B '{SIMULATORS / simulator}' '{state}' \"$@\"\n")
        wrapper.chmod(0o700)
        rig.remote["drives"] = [{"serial": D1}]
        rig.remote["application"] = {
            "profile": profile, "profile_dirs": [str(ROOT / "packaging/profiles")], "observe_only": False,
            "names": {D1: name}, "drain_poll_ms": 500, "timeout_ms": 15000, "programs": {program: str(wrapper)}, **more}
        rig.timeout_ms = 20000
        if first:
            rig.start()
            first = False
        else:
            rig.reload()
            wait_until("the other profile counts", lambda: name in json.dumps(rig.ask("lrad", "agent", "show", REMOTE)), 15)
            rig.await_agent(REMOTE, "started")
            rig.settled()

        def row():
            return rig.ask("lrad", "agent", "show", REMOTE)["application"][0]
        report = json.loads(rig.lractl("lrad", "--json", "--timeout", "20", "agent", "check", REMOTE).stdout)
        check(report["ok"] and report["application"][0]["application_state"] == "online", f"{profile}: agent check is content")
        host = rig.scsi_host("host-a", D1)
        host.reserve6()
        wait_until("it is offline", lambda: row()["result"] == "set_offline", 30)
        check(row()["application_state"] == "offline", f"{profile}: offline over ssh, and read back")
        host.release6()
        wait_until("it is online", lambda: row()["result"] == "set_online", 30)
        check(True, f"{profile}: and online again")
        host.log_out()
    check("secret of lra" not in rig.log_of("lrad"), "the secret is in no log")
    check("secret of lra" not in json.dumps(report), "nor in what agent check shows")


STORIES = {"profiles": profiles, "absent": absent, "many_silent": many_silent, "takes_part": takes_part, "check": check_command, "host_key": host_key, "hanging": hanging,
           "dropped": dropped, "hostile": hostile, "killed": killed, "discovers": discovers, "reload": reload}


def main():
    bin_dir, story = sys.argv[1], sys.argv[2]
    with AgentlessRig(bin_dir) as rig:
        STORIES[story](rig)
    print(f"{story}: done", flush=True)


if __name__ == "__main__":
    main()
