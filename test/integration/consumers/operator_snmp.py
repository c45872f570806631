"""What operators do with SNMP, on a real lrad: tables through Debian's snmpd (AgentX) and on a port of their own, a drive
forced offline and cleared by snmpset, heartbeats, and an alarm when somebody tries keys. operator_snmp.py BIN-FOLDER"""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from rig import Failed, Rig, free_ports, wait_until  # noqa: E402

D1 = "VT00000001"
MIB = ".1.3.6.1.4.1.8072.9999.9999.8433"
ADMIN_STATE, ADMIN_REASON, OPERATIONAL_STATE = MIB + ".1.2.1.15", MIB + ".1.2.1.16", MIB + ".1.2.1.6"
ROW = f".{len(D1)}." + ".".join(str(ord(c)) for c in D1)


def check(condition, words):
    if not condition:
        raise Failed(words)
    print(f"ok    {words}", flush=True)


class SnmpRig(Rig):
    def _write_lrad(self):
        super()._write_lrad()
        configuration = json.loads(self.path("lrad.json").read_text())
        configuration["snmp"].update({"agentx": str(self.path("agentx")), "mib_writers": ["noc"], "heartbeat_s": 1,
                                      "refused_per_minute": 20})
        self._write("lrad.json", configuration)

    def start_snmpd(self):
        self.snmpd_port = getattr(self, "snmpd_port", None) or free_ports(1)[0]
        conf = self.path("snmpd.conf")
        conf.write_text(f"createUser noc SHA-256 {self.passphrase('noc.auth')} AES {self.passphrase('noc.priv')}\n"
                        "rouser noc authpriv\nmaster agentx\n")
        conf.chmod(0o600)
        self.spawn("snmpd", ["/usr/sbin/snmpd", "-f", "-C", "-c", str(conf), "-x", f"unix:{self.path('agentx')}", "-Lo",
                             "-I", "-smux,mteTrigger,mteTriggerConf", f"udp:127.0.0.1:{self.snmpd_port}"],
                   env={"SNMP_PERSISTENT_DIR": str(self.path("snmpd")), "MIBS": ""})

    def snmp(self, tool, port, *words, user="noc", passphrase=None):
        secret = [passphrase or self.passphrase(f"{user}.{kind}") for kind in ("auth", "priv")]
        return subprocess.run(
            [tool, "-v", "3", "-u", user, "-l", "authPriv", "-a", "SHA-256", "-A", secret[0], "-x", "AES", "-X", secret[1],
             "-r", "0", "-t", "4", "-On", "-m", "", f"127.0.0.1:{port}", *words], capture_output=True, text=True, timeout=60,
            env={**os.environ, "SNMP_PERSISTENT_DIR": str(self.path("tools")), "MIBDIRS": "/nowhere"})

    def value(self, port, oid):
        said = self.snmp("snmpget", port, oid).stdout
        return said.split(" = ")[1].strip() if " = " in said else said

    def drives_walked(self, port):
        return self.snmp("snmpbulkwalk", port, MIB + ".1.2.1.6").stdout.count(" = INTEGER")

    def set(self, state, reason, user="noc"):
        done = self.snmp("snmpset", self.mib_port, ADMIN_STATE + ROW, "i", str(state), ADMIN_REASON + ROW, "s", reason, user=user)
        return "ok" if done.returncode == 0 else done.stderr

    def alarms(self):
        return [a["kind"] for a in self.ask("lrad", "alarm", "list")]


def master(rig):
    wait_until("snmpd serves our tables", lambda: rig.drives_walked(rig.snmpd_port) == 2, 30)
    wait_until("lra-mibd serves by itself", lambda: rig.drives_walked(rig.mib_port) == 2, 30)
    print("ok    the tables are read through snmpd and on a port of their own", flush=True)
    os.kill(rig.processes["snmpd"].pid, signal.SIGSTOP)
    host = rig.scsi_host("host-a", D1)
    for _ in range(3):  # longer than the helper's patience with its master
        host.reserve6()
        rig.await_drive(D1, lambda d: d["reservation"]["state"] == "reserved", "reserved")
        wait_until("every agent has confirmed", lambda: rig.ask("lrad", "handshake", "list") == [], 10)
        host.release6()
        rig.await_drive(D1, lambda d: d["reservation"]["state"] == "free", "free")
        wait_until("every agent has confirmed", lambda: rig.ask("lrad", "handshake", "list") == [], 10)
    counts = rig.ask("lrad", "status", "show")
    check("handshake_incomplete" not in rig.alarms() and counts["agentx"]["running"], "handshakes do not notice that snmpd hangs")
    os.kill(rig.processes["snmpd"].pid, signal.SIGCONT)
    wait_until("snmpd serves again", lambda: rig.drives_walked(rig.snmpd_port) == 2, 60)
    rig.end("snmpd")
    wait_until("lrad knows", lambda: not rig.ask("lrad", "status", "show")["agentx"]["master_connected"], 30)
    rig.start_snmpd()
    wait_until("snmpd serves our tables after a restart", lambda: rig.drives_walked(rig.snmpd_port) == 2, 60)
    check(rig.ask("lrad", "status", "show")["agentx"]["starts"] == 1, "the helper finds a snmpd that was started anew by itself")


def writing(rig):
    check("noAccess" in rig.set(2, "stop", user="host-a"), "an agent's user may not write")
    check(rig.set(2, "stuck cartridge") == "ok", "who may write sets a drive offline, with a reason")
    rig.await_drive(D1, lambda d: d["operational_state"] == "forced_offline", "forced offline")
    wait_until("the table says so", lambda: rig.value(rig.mib_port, OPERATIONAL_STATE + ROW) == "INTEGER: 2", 10)
    check("stuck cartridge" in rig.value(rig.mib_port, ADMIN_REASON + ROW), "the table tells the reason: " + rig.value(rig.mib_port, ADMIN_REASON + ROW))
    told = [e["text"] for e in rig.ask("lrad", "event", "list", "--drive", D1)]
    check(any("SNMP user noc at 127.0.0.1" in t and "stuck cartridge" in t for t in told), "the event log names who did it and why")
    check(rig.set(1, "cartridge is out") == "ok", "and clears it")
    rig.await_drive(D1, lambda d: d["operational_state"] == "online", "online")
    wait_until("two changes by SNMP are counted", lambda: rig.value(rig.mib_port, MIB + ".1.1.15.0") == "Counter64: 2", 10)


def beating(rig):
    wait_until("heartbeats reach the consumer", lambda: rig.log_of("snmptrapd").count("tlrHeartbeat") >= 2, 20)
    consumer = rig.ask("lrad", "notice", "consumers")[0]
    check(consumer["delivered"] >= 2 and consumer["lost"] == 0 and consumer["last_delivered"], "they are counted as delivered")


def refusing(rig):
    for _ in range(15):  # real packets with a wrong key, at the tables
        rig.snmp("snmpget", rig.mib_port, MIB + ".1.1.1.0", passphrase="not the right passphrase")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:  # and what is no SNMP at all, where agents are heard
        for _ in range(20):
            s.sendto(b"\x30\x82\xff\xff garbage", ("127.0.0.1", rig.lrad_port))
    wait_until("an alarm tells of refused messages", lambda: "messages_refused" in rig.alarms(), 20)
    text = next(a["text"] for a in rig.ask("lrad", "alarm", "list") if a["kind"] == "messages_refused")
    check("mib_wrong_key" in text and "dropped_malformed" in text, "it says which: " + text)
    wait_until("the consumer is told", lambda: "tlrRefusalsMany" in rig.log_of("snmptrapd"), 20)
    wait_until("the table of alarms has it, with the key of the notification",
               lambda: rig.value(rig.mib_port, MIB + ".1.6.1.4.40.0.0") == "INTEGER: 3", 10)
    check(rig.ask("lrad", "drive", "show", D1)["operational_state"] == "online", "nothing else has changed")


def losing(rig):
    """Nothing that the rules decide on happens any more."""
    rig.end("snmptrapd", signal.SIGKILL)
    wait_until("notifications are lost", lambda: rig.ask("lrad", "notice", "consumers")[0]["lost"] > 0, 60)
    wait_until("the table says so", lambda: rig.value(rig.mib_port, MIB + ".1.1.14.0") not in ("", "Counter64: 0"), 5)
    age = int(rig.value(rig.mib_port, MIB + ".1.1.11.0").split(": ")[1])
    check(age < 12_000, f"and its values are never old: {age} ms")


def rotating(rig):
    """A user's key is replaced: the same files, other contents."""
    old = {kind: rig.passphrase(f"noc.{kind}") for kind in ("auth", "priv")}
    for kind in old:
        rig.path("keys", f"noc.{kind}.key").write_text(f"passphrase {os.urandom(12).hex()}\n")
    os.kill(rig.processes["lrad"].pid, signal.SIGHUP)
    wait_until("the new key is served", lambda: rig.drives_walked(rig.mib_port) == 2, 20)
    said = rig.snmp("snmpget", rig.mib_port, MIB + ".1.1.1.0", passphrase=old["auth"])
    check(said.returncode != 0, "a key that was replaced opens nothing any more")


def coming_and_going(rig):
    """A consumer comes and goes together with its user, each by one reload."""
    file = rig.path("lrad.json")
    before = file.read_text()
    configuration = json.loads(before)
    configuration["snmp"]["users"].append(rig._user("pager"))
    configuration["snmp"]["consumers"].append({"address": f"udp:127.0.0.1:{free_ports(1)[0]}", "version": "3", "user": "pager"})
    for text, count in ((json.dumps(configuration), 2), (before, 1)):
        file.write_text(text)
        os.kill(rig.processes["lrad"].pid, signal.SIGHUP)
        wait_until(f"there are {count} consumers", lambda n=count: len(rig.ask("lrad", "notice", "consumers")) == n, 20)
    configuration["snmp"]["users"].pop()
    file.write_text(json.dumps(configuration))
    os.kill(rig.processes["lrad"].pid, signal.SIGHUP)
    wait_until("a consumer without its user is refused", lambda: "the old one stays in force" in rig.log_of("lrad"), 20)
    check(len(rig.ask("lrad", "notice", "consumers")) == 1, "a consumer comes and goes with its user; without it nothing changes")
    file.write_text(before)


def main():
    if not Path("/usr/sbin/snmpd").exists():
        print("snmpd is not installed")
        return 77
    with SnmpRig(sys.argv[1], consumer=True, mib=True, timeout_ms=10_000) as rig:
        try:
            rig.path("snmpd").mkdir(mode=0o700)
            rig.start_snmpd()
            rig.start()
            master(rig)
            writing(rig)
            beating(rig)
            refusing(rig)
            coming_and_going(rig)
            losing(rig)
            rotating(rig)
        except Failed as failure:
            for name in ("lrad", "snmpd", "snmptrapd"):
                print(f"---- {name}\n{rig.log_of(name)[-3000:]}", flush=True)
            print(f"FAILED {failure}", flush=True)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
