"""The fence on drives that are nobody's of ours: disk LUNs of tgt (no PREEMPT AND ABORT, no READ FULL STATUS) and istgt
(no unit attentions, malformed TransportIDs). disk_targets.py BIN-FOLDER tgt|istgt; ends with 77 where it is not installed."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "support"))
sys.path.insert(0, str(HERE.parent / "iscsi_conformance"))
from rig import Failed, Rig, ScsiHost, wait_until  # noqa: E402
from run import Istgt, Peer, free_port  # noqa: E402

SERIAL = "DISK000001"
READ_10 = "28000000000000000100"
# tgt has no READ FULL STATUS: there the key map tells. istgt names ports, in TransportIDs of its own making.
EVIDENCE = {"tgt": "key", "istgt": "full_status"}


def check(condition, words):
    if not condition:
        raise Failed(words)
    print(f"ok    {words}", flush=True)


class TgtDisk(Peer):
    programs = ("tgtd", "tgtadm")

    def start(self):
        port, control = free_port(), str(20000 + os.getpid() % 10000)
        medium = os.path.join(self.folder, "disk")
        with open(medium, "wb") as out:
            out.truncate(8 << 20)
        self.begin(["tgtd", "-f", "-C", control, "--iscsi", f"portal=127.0.0.1:{port}"], port)
        name = "iqn.2026-01.example.peer:disk"
        for words in (["--mode", "target", "--op", "new", "--tid", "1", "-T", name],
                      ["--mode", "logicalunit", "--op", "new", "--tid", "1", "--lun", "1", "-b", medium],
                      ["--mode", "logicalunit", "--op", "update", "--tid", "1", "--lun", "1", "--params", f"scsi_sn={SERIAL}"],
                      ["--mode", "target", "--op", "bind", "--tid", "1", "-I", "ALL"]):
            subprocess.run(["tgtadm", "-C", control, "--lld", "iscsi", *words], check=True, capture_output=True, timeout=10)
        return f"iscsi://127.0.0.1:{port}/{name}/1"


class IstgtDisk(Istgt):
    target = "disk"

    def unit(self):
        return f"""UnitType Disk
  UnitInquiry "PEER" "DISK" "1" "{SERIAL}"
  QueueDepth 0
  LUN0 Storage {self.folder}/disk 8MB"""


class LonelyRig(Rig):
    """lrad alone, with one drive at a target of somebody else's."""

    def __init__(self, bin_folder, url):
        self.target_url = url
        super().__init__(bin_folder, hosts=(), drives=(SERIAL,), poll_ms=200)

    def _write_lrad(self):
        self._write("lrad.json", {
            "controller": {"id": "library-1", "state_dir": str(self.path("lrad-state"))},
            "control": {"socket": self.sock("lrad")},
            "drives": [{"serial": SERIAL, "poll_ms": 200, "events": False,
                        "interface": {"type": "iscsi", "url": self.target_url}, "offline": {"actuator": "fence"}}],
            "domains": [{"name": "backup-a", "ports": ["iscsi:iqn.2026-01.example:a"]}],
            "reservation": {"keys": [{"key": "00000000000000a1", "ports": ["iscsi:iqn.2026-01.example:a"]}]},
            "snmp": {"listen": f"udp:127.0.0.1:{self.lrad_port}", "users": [self._user("lonely")]}})


def story(rig, url, host_program, which):
    rig.start_lrad()
    a, b = (ScsiHost(host_program, url, f"iqn.2026-01.example:{name}", isid) for isid, name in ((1, "a"), (2, "b")))

    def state(expected):
        rig.await_drive(SERIAL, lambda d: d["operational_state"] == expected, expected)

    def reserved(expected):
        rig.await_drive(SERIAL, lambda d: d["reservation"]["state"] == expected, expected)

    def reads(host):
        return host.sense_of(READ_10, data_in=512)

    reserved("free")
    check(reads(a) == "good" and reads(b) == "good", "both hosts read")
    rig.ask("lrad", "drive", "offline", SERIAL, "--reason", "test")
    state("forced_offline")
    check(reads(a) == "conflict" and reads(b) == "conflict", "a free drive is fenced: both get RESERVATION CONFLICT")
    rig.end("lrad", 9)
    check(reads(a) == "conflict", "and do so while lrad is dead")
    rig.start_lrad()
    state("forced_offline")
    wait_until("known again", lambda: rig.ask("lrad", "drive", "show", SERIAL)["fence"]["stands"], 10)
    rig.ask("lrad", "drive", "clear", SERIAL, "--reason", "test")
    check(reads(a) == "good" and reads(b) == "good", "the next lrad lifts it")

    check(a.pr_register(0xA1) == 0 and a.pr_reserve(0xA1) == 0, "a reserves")
    drive, _ = rig.await_drive(SERIAL, lambda d: d["reservation"]["holders"], "the holder is known")
    check(drive["reservation"]["evidence"] == EVIDENCE[which] and drive["holder_domain"] == "backup-a",
          f"its holder is known by {EVIDENCE[which]}: " + drive["reservation"]["holders"][0]["name"])
    rig.ask("lrad", "drive", "offline", SERIAL, "--reason", "test")
    state("forced_offline")
    check(reads(a) == "conflict" and reads(b) == "conflict", "the holder is preempted: " + [
        line for line in rig.log_of("lrad").splitlines() if "fence raised" in line][-1].split("fence raised: ")[-1])
    rig.ask("lrad", "drive", "clear", SERIAL, "--reason", "test")
    check(reads(a) == "good", "and let in again")

    check(a.pr_register(0xA1) == 0 and a.pr_reserve(0xA1) == 0, "a reserves again")
    reserved("reserved")
    a.process.kill()
    a.process.wait()
    plan = rig.ask("lrad", "drive", "release", SERIAL, "--plan")
    check("00000000000000a1" in plan["holder"], "the plan names the key: " + plan["holder"])
    done = rig.ask("lrad", "drive", "release", SERIAL, "--reason", "a is gone")
    check(done["result"] == "free" and done["how"] == "by preempt", "the stale reservation is ended by PREEMPT")
    check(reads(b) == "good", "b reads")


if __name__ == "__main__":
    bin_folder, which = sys.argv[1:3]
    peer_class = {"tgt": TgtDisk, "istgt": IstgtDisk}[which]
    if any(shutil.which(p) is None for p in peer_class.programs):
        print(f"{which} is not installed")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        peer = peer_class(folder)
        try:
            url = peer.start()
            with LonelyRig(bin_folder, url) as scene:
                story(scene, url, str(scene.bin / "scsi-host"), which)
        except Failed as failure:
            print(f"FAILED {failure}", flush=True)
            sys.exit(1)
        finally:
            peer.stop()
