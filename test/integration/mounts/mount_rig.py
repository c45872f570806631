"""A library with a changer, four drives and some volumes, and a controller that mounts them."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from rig import Failed, Rig, ScsiHost, wait_until  # noqa: E402

DRIVES = ("VT00000001", "VT00000002", "VT00000003", "VT00000004")
CONTROLLER = "iqn.2026-01.example:library-controller"


def check(condition, words):
    if not condition:
        raise Failed(words)
    print(f"ok   {words}", flush=True)


class MountRig(Rig):
    def __init__(self, bin_dir, drives=DRIVES, volumes=6, extra=(), **mounts):
        self.volumes = [f"VT{n:04}L8" for n in range(1, volumes + 1)]
        self.all_volumes = self.volumes + list(extra)
        self.mounts = mounts
        super().__init__(bin_dir, hosts=("host-a", "host-b"), drives=drives, poll_ms=200)
        configuration = json.loads(self.path("vtld.json").read_text())
        configuration["cartridges"] = {"folders": [str(self.path("tapes-1")), str(self.path("tapes-2"))],
                                       "capacity_mb": 16, "barcodes": self.all_volumes}
        self._write("vtld.json", configuration)

    def _write_lrad(self):
        super()._write_lrad()
        configuration = json.loads(self.path("lrad.json").read_text())
        portal = self.urls[self.drives[0]].rsplit(":drive-", 1)[0]
        configuration["mounts"] = {"changer": {"type": "iscsi", "url": f"{portal}:changer/0"}, **self.mounts}
        self._write("lrad.json", configuration)

    def start(self):
        self.start_vtld()
        self.start_lrad()
        self.await_serving()

    def start_second(self):
        """Another controller of the same library, with a name, ports and a state of its own."""
        configuration = json.loads(self.path("lrad.json").read_text())
        del configuration["events"]
        configuration["controller"] = {"id": "lra-b", "state_dir": str(self.path("lrad-b"))}
        configuration["control"] = {"socket": self.sock("lrad-b")}
        configuration["agents"] = []
        configuration["snmp"]["listen"] = "udp:127.0.0.1:0"
        for drive in configuration["drives"]:
            drive["interface"]["initiator_name"] = CONTROLLER + "-b"
            drive["offline"] = {"actuator": "alarm"}
        self._write("lrad-b.json", configuration)
        self.restart_lrad("lrad-b")
        self.await_serving("lrad-b")

    def await_serving(self, name="lrad"):
        """The drives were looked at and the changer has told what there is."""
        def look():
            table = self.ask(name, "claim", "drives", quiet=True)
            known = self.ask(name, "drive", "list", quiet=True)
            return (table and len(table) == len(self.drives) and all(d["generation"] for d in table) and
                    all(d["operational_state"] == "online" and d["reservation"]["state"] != "unknown" for d in known))
        wait_until("volumes can be mounted", look, 30)

    def restart_lrad(self, name="lrad"):
        self.spawn(name, [str(self.bin / "lrad"), "--config", str(self.path(f"{name}.json"))])
        self._ready(name, lambda: self.ask(name, "status", "show", quiet=True))

    def stop(self):
        if "lrad-b" in self.processes:
            self.end("lrad-b")
        super().stop()

    def kill_lrad(self, name="lrad"):
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def mount(self, volume, *words):
        return self.ask("lrad", "mount", volume, *words)

    def refused(self, *words):
        """(exit status, the error's data) of a command that is refused."""
        done = self.lractl("lrad", "--json", *words)
        if done.returncode == 0:
            raise Failed(f"lractl {' '.join(words)} should be refused")
        error = json.loads(done.stderr)["error"]
        return done.returncode, error.get("data", {}), error["message"]

    def begin(self, *words, at="lrad"):
        return subprocess.Popen([str(self.bin / "lractl"), "--socket", self.sock(at), "--json", *words],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def row(self, serial):
        return next(d for d in self.ask("lrad", "claim", "drives") if d["serial"] == serial)

    def where(self, volume):
        """As the library itself says."""
        for cartridge in self.ask("vtld", "cartridge", "list"):
            if cartridge["barcode"] == volume:
                return cartridge["place"] if "place" in cartridge else cartridge["location"]
        return None

    def database(self, sql, *values):
        """The drive table by hand; lrad must not run."""
        connection = sqlite3.connect(self.path("lrad", "mounts.db"))
        try:
            with connection:
                return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def await_state(self, claim, condition, words, timeout=30):
        def look():
            shown = self.ask("lrad", "claim", "show", str(claim), quiet=True)
            return shown if shown and condition(shown) else None
        return wait_until(f"claim {claim} {words}", look, timeout)[0]

    def as_controller(self, serial, isid=77):
        connected = ScsiHost(str(self.bin / "scsi-host"), self.url(serial), CONTROLLER, isid)
        self.scsi_hosts.append(connected)
        return connected


__all__ = ["CONTROLLER", "DRIVES", "Failed", "MountRig", "check", "wait_until"]
