"""A library with four drives, two controllers that serve it together, each with a PostgreSQL server of its own, and agents
that vote. Everything is real: programs, SNMP, SCSI over iSCSI, databases."""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from rig import ROOT, Failed, Rig, free_ports, wait_until  # noqa: E402

PROGRAMS = "/usr/lib/postgresql/15/bin"
DRIVES = ("VT00000001", "VT00000002", "VT00000003", "VT00000004")
NODES = {"lra-a": "first", "lra-b": "second"}
CLUSTER = "library-1"
# Short, and long enough for a machine that does other things too.
TIMES = {"heartbeat_ms": 300, "suspect_after_ms": 1000, "lease_ms": 3000, "dead_after_ms": 5000, "peer_wait_ms": 8000,
         "retry_ms": 1000, "vote_timeout_ms": 1500, "key_timeout_ms": 3000, "expedite_timeout_ms": 4000}
SERVING = ("primary", "primary_alone")


def other(node):
    return "lra-b" if node == "lra-a" else "lra-a"


def check(condition, words):
    if not condition:
        raise Failed(words)
    print(f"ok   {words}", flush=True)


class PairRig(Rig):
    def __init__(self, bin_dir, agents=3, volumes=6, threshold=None, events=False, drives=DRIVES, without_agent=()):
        self.with_events = events
        self.volumes = [f"VT{n:04}L8" for n in range(1, volumes + 1)]
        self.threshold = threshold
        # The servers run as another user than root, who must be able to reach their folders.
        self.database_folder = Path(tempfile.mkdtemp(prefix="lra-db-"))
        self.database_folder.chmod(0o755)
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.database_folder, owner.pw_uid, owner.pw_gid)
        udp = free_ports(2)
        tcp = free_ports(2, socket.SOCK_STREAM)
        self.node_ports = dict(zip(NODES, udp))
        self.database_ports = dict(zip(NODES, tcp))
        hosts = tuple(f"host-{letter}" for letter in "abcde"[:agents])
        super().__init__(bin_dir, hosts=hosts, drives=drives, poll_ms=300, timeout_ms=3000, consumer=True, mib=True)
        self.mib_ports = dict(zip(NODES, free_ports(2)))
        configuration = json.loads(self.path("vtld.json").read_text())
        configuration["cartridges"] = {"folders": [str(self.path("tapes-1")), str(self.path("tapes-2"))],
                                       "capacity_mb": 16, "barcodes": self.volumes}
        del configuration["events"]
        if self.with_events:
            configuration["events"] = {"connect": [f"unix:{self.events_of(node)}" for node in NODES]}
        self._write("vtld.json", configuration)
        self.voters = [h for h in self.hosts if h not in without_agent]
        for host in self.voters:
            self._write_voter(host)

    # ---- configuration

    def _write_voter(self, host):
        configuration = json.loads(self.path(f"dsad-{host}.json").read_text())
        configuration["agent"]["presence_interval_ms"] = 2000
        configuration["application"]["release"] = [self._release_program(), "{serial}"]
        configuration["controllers"] = [
            {"name": node, "address": f"udp:127.0.0.1:{port}", "user": host} for node, port in self.node_ports.items()]
        configuration["snmp"]["users"].append(self._user("voters"))
        configuration["pair"] = {
            "cluster": CLUSTER, "first": "lra-a", "second": "lra-b", "dead_after_ms": TIMES["dead_after_ms"],
            "agents": [{"name": h, "address": f"udp:127.0.0.1:{self.host_ports[h]}", "user": "voters"}
                       for h in self.voters if h != host]}
        self._write(f"dsad-{host}.json", configuration)

    def _write_node(self, node):
        self._write_lrad()
        configuration = json.loads(self.path("lrad.json").read_text())
        portal = self.urls[self.drives[0]].rsplit(":drive-", 1)[0]
        initiator = f"iqn.2026-01.example:{node}"
        del configuration["events"]
        if self.with_events:
            configuration["events"] = {"listen": f"unix:{self.events_of(node)}"}
        configuration["controller"] = {"id": node, "state_dir": str(self.path(node))}
        configuration["control"] = {"socket": self.sock(node)}
        configuration["snmp"]["listen"] = f"udp:127.0.0.1:{self.node_ports[node]}"
        configuration["snmp"]["mib_writers"] = ["noc"]
        configuration["snmp"]["mib_listen"] = f"udp:127.0.0.1:{self.mib_ports[node]}"
        configuration["snmp"]["users"].append(self._user("nodes"))
        for drive in configuration["drives"]:
            drive["interface"]["initiator_name"] = initiator
            if not self.with_events or drive["serial"] != self.drives[-1]:
                drive["offline"] = {"actuator": "command", "argv": [self._order_program(), node, "{serial}", "{action}"]}
        configuration["mounts"] = {"changer": {"type": "iscsi", "url": f"{portal}:changer/0", "initiator_name": initiator}}
        peer = other(node)
        configuration["pair"] = {
            "node": NODES[node], "cluster": CLUSTER, "voters": self.voters, "times": TIMES,
            "peer": {"name": peer, "addresses": [f"udp:127.0.0.1:{self.node_ports[peer]}"], "user": "nodes"},
            "database": {"folder": str(self.database_folder / node), "programs": PROGRAMS,
                         "listen": ["127.0.0.1"], "port": self.database_ports[node],
                         "peer_address": "127.0.0.1", "peer_port": self.database_ports[peer],
                         "password_file": self._key("database"), "stop_timeout_s": 10}}
        if self.threshold is not None:
            configuration["pair"]["threshold"] = self.threshold
        self._write(f"{node}.json", configuration)

    def _order_program(self):
        """Takes the place of a library's own tool: writes down which node has ordered which drive to be offline or back."""
        program = self.path("order.sh")
        if not program.exists():
            program.write_text(f'#!/bin/sh\necho "$1 $2 $3" >>{self.path("orders")}\n')
            program.chmod(0o700)
        return str(program)

    def _release_program(self):
        """Gives nothing back, and takes its time for that as long as there is a file "release.hold"."""
        program = self.path("release")
        if not program.exists():
            program.write_text('#!/bin/sh\ntouch "$0.asked"\nwhile [ -e "$0.hold" ]; do sleep 0.1; done\nexit 1\n')
            program.chmod(0o700)
        return str(program)

    def events_of(self, node):
        return self.sock(f"events-{node}")

    def orders(self, drive):
        """What was ordered of a drive, as (node, "offline" or "online")."""
        lines = self.path("orders").read_text().splitlines() if self.path("orders").exists() else []
        return [(node, action) for node, serial, action in map(str.split, lines) if serial == drive]

    # ---- processes

    def start_node(self, node, errors=None):
        self.spawn(node, [str(self.bin / "lrad"), "--config", str(self.path(f"{node}.json"))], errors=errors)
        self._ready(node, lambda: self.ask(node, "status", "show", quiet=True))

    def init_node(self, node):
        done = self.run([str(self.bin / "lrad"), "--init-pair", "--config", str(self.path(f"{node}.json"))], check=False,
                        timeout=90)
        if done.returncode != 0:
            raise Failed(f"lrad --init-pair of {node} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")

    def start(self):
        """A pair in service: the first node its primary."""
        self.start_vtld()
        self.start_trap_receiver()
        for node in NODES:
            self._write_node(node)
        for host in self.voters:
            self.start_dsad(host)
        self.init_node("lra-a")
        self.start_node("lra-a")
        wait_until("the first node has started", lambda: self.show("lra-a")["data"]["epoch"] == 1, 30)
        self.ask("lra-a", "pair", "enrol", "--found", CLUSTER, "--reason", "first start")
        for host in self.voters:
            wait_until(f"{host} is enrolled", lambda h=host: self.ask(h, "pair", "show")["enrolled"], 10)
        wait_until("the first node's server is up", lambda: self.show("lra-a")["step"] == "await_standby" or
                   self.state("lra-a") == "primary_alone", 40)
        self.init_node("lra-b")
        self.start_node("lra-b")
        self.await_pair("lra-a")
        self.await_mounting("lra-a")

    def stop(self):
        for node in NODES:
            process = self.processes.pop(node, None)
            if process is None or process.poll() is not None:
                continue
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        super().stop()
        shutil.rmtree(self.database_folder, ignore_errors=True)

    def __exit__(self, kind, value, trace):
        if kind is not None:
            for node in NODES:
                print(f"---- {node}.log, its end ----\n{self.log_of(node)[-6000:]}", file=sys.stderr)
        super().__exit__(kind, value, trace)

    def kill(self, name):
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def database_process(self, node):
        """As the server's folder names it; None: there is none now."""
        for file in (self.database_folder / node).glob("**/postmaster.pid"):
            try:
                return int(file.read_text().split()[0])
            except (OSError, IndexError, ValueError):
                return None
        return None

    def kill_database(self, node):
        process = self.database_process(node)
        os.kill(process, signal.SIGKILL)
        return process

    # ---- asking

    def show(self, node):
        return self.ask(node, "pair", "show")

    def state(self, node):
        shown = self.ask(node, "pair", "show", quiet=True)
        return shown["state"] if shown else "gone"

    def await_state(self, node, *states, timeout=40):
        def look():
            state = self.state(node)
            return state if state in states else None
        try:
            return wait_until("", look, timeout)[0]
        except Failed:
            raise Failed(f"{node} should be {' or '.join(states)} within {timeout} s and is {self.ask(node, 'pair', 'show', quiet=True)}") from None

    def await_pair(self, primary, timeout=60):
        self.await_state(primary, "primary", timeout=timeout)
        self.await_state(other(primary), "standby", timeout=timeout)

    def await_mounting(self, node, timeout=40):
        def look():
            table = self.ask(node, "claim", "drives", quiet=True)
            known = self.ask(node, "drive", "list", quiet=True)
            ready = table and len(table) == len(self.drives) and all(d["generation"] for d in table)
            return ready and known and all(d["reservation"]["state"] != "unknown" for d in known) and \
                self.ask(node, "volume", "list", quiet=True)
        wait_until(f"{node} mounts", look, timeout)

    def refused(self, node, *words):
        done = self.lractl(node, "--json", *words)
        if done.returncode == 0:
            raise Failed(f"lractl {' '.join(words)} at {node} should be refused")
        error = json.loads(done.stderr)["error"]
        return done.returncode, error.get("data", {}), error["message"]

    def _snmp(self, node, program, options, *objects):
        mibs = f"{ROOT / 'snmp_mib'}:{ROOT / 'test/support/smi'}"
        return self.run([program, "-v3", "-u", "noc", "-l", "authPriv", "-a", "SHA-256", "-A", self.passphrase("noc.auth"),
                         "-x", "AES", "-X", self.passphrase("noc.priv"), "-M", mibs, "-m", "TAPE-LIBRARY-RESERVATION-MIB",
                         *options, f"127.0.0.1:{self.mib_ports[node]}", *objects],
                        check=False, env={"SNMP_PERSISTENT_DIR": str(self.path("snmptrapd"))})

    def mib(self, node, program, *words):
        """What Debian's SNMP tools show of a node's MIB."""
        return self._snmp(node, program, words[:-1], f"TAPE-LIBRARY-RESERVATION-MIB::{words[-1]}").stdout

    def set_by_snmp(self, node, drive, state, reason):
        """Empty: it was taken; otherwise the error."""
        module = "TAPE-LIBRARY-RESERVATION-MIB::"
        row = "." + ".".join(str(number) for number in (len(drive), *drive.encode()))
        done = self._snmp(node, "snmpset", [], f"{module}tlrDriveAdminState{row}", "i", state, f"{module}tlrDriveAdminReason{row}", "s", reason)
        return "" if done.returncode == 0 else done.stderr

    def alarms(self, node):
        return {(a["kind"], a.get("agent") or "") for a in self.ask(node, "alarm", "list")}

    def mount(self, node, volume, *words):
        return self.ask(node, "volume", "mount", volume, *words)

    def unmount(self, node, volume):
        return self.ask(node, "volume", "unmount", volume)

    def try_mount(self, node, volume):
        return self.ask(node, "volume", "mount", volume, quiet=True)


def play(name, rig, story):
    """Plays a story on the rig and says how long it took; its failure is the last thing that is printed of it."""
    begin = time.monotonic()
    with rig:
        try:
            story(rig)
        except Failed as failure:
            print(f"FAILED {failure}", flush=True)
            raise
    print(f"     {name}: {time.monotonic() - begin:.0f} s", flush=True)
    return 0


__all__ = ["CLUSTER", "DRIVES", "NODES", "PROGRAMS", "SERVING", "TIMES", "Failed", "PairRig", "check", "other", "play", "signal", "time",
           "wait_until"]
