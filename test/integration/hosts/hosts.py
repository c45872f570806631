"""The product on hosts with addresses of their own, and several applications on one host. Real processes, real SNMPv3,
real SCSI over iSCSI. One story a run: hosts.py BIN-FOLDER STORY; 77 when this machine does not let it."""

import json
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from namespaces import Network, NotPermitted, may_make_namespaces  # noqa: E402
from rig import Failed, Rig, wait_until  # noqa: E402

D1, D2 = "VT00000001", "VT00000002"
HOSTS = ("host-a", "host-b", "host-c")


def check(condition, words):
    if not condition:
        raise Failed(words)
    print(f"ok    {words}", flush=True)


class NetworkRig(Rig):
    """Every program in the namespace of its host."""

    def __init__(self, bin_folder, network, **more):
        self.network = network
        super().__init__(bin_folder, hosts=HOSTS, **more)
        self._change("vtld.json", lambda c: c["iscsi"].update(listen=f"{network.address['controller']}:3260"))
        for host in HOSTS:
            def move(configuration, host=host):
                configuration["controllers"][0]["address"] = f"udp:{network.address['controller']}:1162"
                configuration["snmp"]["listen"] = f"udp:{network.address[host]}:1163"
                configuration["agent"]["presence_interval_ms"] = 2000
            self._change(f"dsad-{host}.json", move)

    def _change(self, name, change):
        configuration = json.loads(self.path(name).read_text())
        change(configuration)
        self._write(name, configuration)

    def _write_lrad(self):
        super()._write_lrad()

        def move(configuration):
            configuration["snmp"]["listen"] = f"udp:{self.network.address['controller']}:1162"
            for agent in configuration["agents"]:
                agent["address"] = f"udp:{self.network.address[agent['name']]}:1163"
        self._change("lrad.json", move)

    def spawn(self, name, argv, env=None, errors=None):
        place = name if name in HOSTS else "controller"
        return super().spawn(name, self.network.enter(place, argv), env, errors)

    def scsi_host(self, host, serial):
        script = self.path(f"scsi-{host}")
        if not script.exists():
            words = " ".join(self.network.enter(host, [self.bin / "scsi-host"]))
            script.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
            script.chmod(0o700)
        plain, self.bin = self.bin, _OneProgram(self.bin, script)
        try:
            return super().scsi_host(host, serial)
        finally:
            self.bin = plain


class _OneProgram:
    """A folder of programs in which scsi-host is another one."""

    def __init__(self, folder, scsi_host):
        self.folder, self.scsi_host = folder, scsi_host

    def __truediv__(self, name):
        return self.scsi_host if name == "scsi-host" else self.folder / name


def free_and_online(drive):
    return drive["reservation"]["state"] == "free" and drive["operational_state"] == "online"


def everyone_confirms(rig):
    wait_until("everyone confirms", lambda: rig.ask("lrad", "handshake", "list") == [], 10)


def namespaces(bin_folder):
    """Three hosts: one well, one behind a bad wire, one that disappears and returns."""
    if not may_make_namespaces():
        raise NotPermitted("not root")
    network = Network(HOSTS)
    try:
        for host in HOSTS:
            bad = {"loss_percent": 20, "delay_ms": 20} if host == "host-b" else {}
            print(f"note  {host} at {network.address[host]}: {network.connect(host, **bad)}", flush=True)
        with NetworkRig(bin_folder, network, timeout_ms=3000, retries=1) as rig:
            rig.start()
            well_and_badly_wired(rig)
            disappears_and_returns(rig, network)
    finally:
        network.end()
    if network.wires:
        check(network.frames_lost > 20, f"{network.frames_lost} frames were lost on the way")


def well_and_badly_wired(rig):
    holder = rig.scsi_host("host-a", D1)
    slowest = 0.0
    for _ in range(4):
        check_status = holder.reserve6()
        if check_status != 0:
            raise Failed(f"RESERVE(6) ended with status {check_status:02x}h")
        slowest = max(slowest, rig.await_shown({"host-a": "online", "host-b": "offline", "host-c": "offline"}, D1, 12))
        drive = rig.drive(D1)
        address = drive["reservation"]["holders"][0]["address"]
        if not address.startswith("198.51.100.11"):
            raise Failed(f"the holder's address is shown as {address}")
        holder.release6()
        slowest = max(slowest, rig.await_shown({h: "online" for h in HOSTS}, D1, 12))
    check(True, f"four reservations over a wire that loses one frame in five: at most {slowest:.1f} s each way")
    rig.await_drive(D1, free_and_online, "free and online")
    check(rig.agent("host-b")["state"] == "started", "nobody was lost on the way")
    holder.log_out()
    rig.scsi_hosts.remove(holder)


def disappears_and_returns(rig, network):
    network.cut("host-c")
    holder = rig.scsi_host("host-a", D2)
    begin = time.monotonic()
    holder.reserve6()
    rig.await_shown({"host-a": "online", "host-b": "offline"}, D2, 12)
    rig.await_drive(D2, lambda d: d["operational_state"] == "forced_offline", "forced offline", 20)
    took = time.monotonic() - begin
    check(took >= 5.5, f"host-c is gone: after its budget of 6 s the drive is forced offline ({took:.1f} s)")
    rig.await_agent("host-c", "lost")
    check(holder.sense_of("000000000000") != "good", "the drive refuses everyone, its holder too")
    check(rig.drive(D1)["operational_state"] == "online", "the other drive stays online")

    network.mend("host-c")
    rig.await_agent("host-c", "started", 20)
    rig.await_shown({"host-c": "offline"}, D2, 10)
    check(True, "host-c is back: it has confirmed, and its application has the drive offline")
    check(rig.drive(D2)["operational_state"] == "forced_offline", "only an administrator ends forced offline")
    report = rig.ask("lrad", "agent", "reconcile", "host-c")
    check(report["ok"] and report["state"] == "started",
          f"agent reconcile: {[(d['serial'], d['result']) for d in report['reconciled']]}")
    cleared = rig.lractl("lrad", "drive", "clear", D2, "--reason", "host-c is back")
    check(cleared.returncode == 0, "the administrator clears it")
    rig.await_drive(D2, lambda d: d["operational_state"] == "online", "online")
    holder.release6()
    rig.await_drive(D2, free_and_online, "free and online")
    rig.await_shown({h: "online" for h in HOSTS}, D2, 12)
    check(True, "and it is free and online everywhere")


def instances(bin_folder):
    """Two applications on one host: an instance of dsad each, ports in common, drives of their own and one for both."""
    with Rig(bin_folder, hosts=("backup", "archive", "host-c"), drives=(D1, D2)) as rig:
        for host, domain in (("backup", "one-host"), ("archive", "one-host")):
            path = rig.path(f"dsad-{host}.json")
            configuration = json.loads(path.read_text())
            configuration["agent"]["domain"] = ""  # one host, but two applications
            configuration["ports"] = [f"fc:{rig.wwpn['backup']}", f"iscsi:{rig.iqn['backup']}"]
            if host == "archive":
                configuration["drives"] = configuration["drives"][1:]
            rig._write(f"dsad-{host}.json", configuration)
        rig.start()
        files = [Path(rig.sock(h)).stat().st_ino for h in ("backup", "archive")]
        check(files[0] != files[1], "each instance has its socket and its state")
        check([len(rig.ask(h, "drive", "list")) for h in ("backup", "archive")] == [2, 1], "and its drives")

        foreign = rig.scsi_host("host-c", D1)
        foreign.reserve6()
        rig.await_shown({"backup": "offline", "host-c": "online"}, D1, 10)
        check(rig.shown("archive", D1) == "online", "an instance without the drive leaves it alone")
        rig.await_drive(D1, lambda d: d["operational_state"] == "online", "online")
        everyone_confirms(rig)
        check(True, "and answers for it all the same: nobody owes anything")
        foreign.release6()
        rig.await_shown({"backup": "online"}, D1, 10)

        foreign = rig.scsi_host("host-c", D2)
        foreign.reserve6()
        rig.await_shown({"backup": "offline", "archive": "offline"}, D2, 10)
        check(True, "a drive of both is taken offline in both applications")
        foreign.release6()
        rig.await_shown({"backup": "online", "archive": "online"}, D2, 10)
        own = rig.scsi_host("backup", D2)
        own.reserve6()
        rig.await_shown({"host-c": "offline"}, D2, 10)
        check([rig.shown(h, D2) for h in ("backup", "archive")] == ["online", "online"],
              "held by a port of the host, it is both instances' own")
        rig.end("archive")
        rig.await_agent("archive", "stopped")
        check(rig.agent("backup")["state"] == "started", "one instance stops, the other stays")
        refused = rig.lractl("lrad", "agent", "reconcile", "archive")
        check(refused.returncode == 3 and "it is told everything when it says" in refused.stderr,
              "there is nobody to reconcile with where dsad has stopped")
        own.release6()


def outage(bin_folder):
    """While dsad is dead the drives change hands and an operator works by hand; its start puts right what it may."""
    with Rig(bin_folder, hosts=HOSTS, drives=(D1, D2), timeout_ms=20000) as rig:
        rig.start()
        first, third = rig.scsi_host("host-a", D1), rig.scsi_host("host-c", D1)
        first.reserve6()
        rig.await_shown({"host-a": "online", "host-b": "offline", "host-c": "offline"}, D1, 10)
        rig.end("host-b", signal.SIGKILL)

        first.release6()
        rig.await_shown({"host-c": "online"}, D1, 10)
        rig.application("host-b", "drive", "online", "drive-1")
        third.reserve6()
        rig.await_shown({"host-a": "offline"}, D1, 10)
        rig.application("host-b", "drive", "offline", "drive-2")
        check(rig.shown("host-b", D1) == "online", "host-b shows a drive online that host-c holds: its dsad is dead")

        rig.start_dsad("host-b")
        rig.await_agent("host-b", "started")
        rig.await_shown({"host-b": "offline"}, D1, 10)
        check(True, "dsad starts: what host-c holds is offline there again")
        check(rig.shown("host-b", D2) == "offline", "what the operator took offline stays so")
        third.release6()
        rig.await_shown({h: "online" for h in HOSTS}, D1, 10)
        check(rig.shown("host-b", D2) == "offline", "and still, when all is free")
        everyone_confirms(rig)  # whoever turns a drive before dsad has read it back is overruled
        rig.application("host-b", "drive", "offline", "drive-1")
        report = rig.ask("host-b", "application", "reconcile")
        results = {d["serial"]: d["result"] for d in report["reconciled"]}
        check(report["ok"] and results == {D1: "left_to_operator", D2: "left_to_operator"},
              "a reconciliation brings nothing online that dsad did not take offline")
        rig.application("host-b", "drive", "online", "drive-1")
        first.reserve6()
        rig.await_shown({"host-b": "offline"}, D1, 10)
        everyone_confirms(rig)
        rig.application("host-b", "drive", "online", "drive-1")
        done = rig.lractl("host-b", "application", "reconcile")
        check(done.returncode == 0 and "set_offline" in done.stdout, "lractl application reconcile takes it offline again")
        check(rig.shown("host-b", D1) == "offline", "and the application shows it")
        first.release6()
        rig.await_shown({"host-b": "online"}, D1, 10)


STORIES = {f.__name__: f for f in (namespaces, instances, outage)}


def main():
    bin_folder, story = sys.argv[1], sys.argv[2]
    begin = time.monotonic()
    try:
        STORIES[story](bin_folder)
    except NotPermitted as why:
        print(f"skip  {why}")
        sys.exit(77)
    except Failed as why:
        print(f"FAIL  {why}", flush=True)
        sys.exit(1)
    print(f"done  {story}: {time.monotonic() - begin:.1f} s")


if __name__ == "__main__":
    main()
