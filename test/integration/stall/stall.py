"""A controller that stands still, or whose disk is slow, while its agents confirm: no drive is forced offline for it. Real
processes. One story a run: stall.py BIN-FOLDER STORY SLOW-DISK-MODULE"""

import json
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from rig import Failed, Rig, wait_until  # noqa: E402

D1 = "VT00000001"
SYNC_MS = 200


def check(condition, words):
    if not condition:
        raise Failed(words)
    print(f"ok    {words}", flush=True)


class StallRig(Rig):
    def slow_applications(self, seconds):
        """What they are asked they answer later."""
        for host in self.hosts:
            configuration = json.loads(self.path(f"dsad-{host}.json").read_text())
            program = self.path(f"slow-{host}")
            program.write_text(f'#!/bin/sh\nsleep {seconds}\nexec "$@"\n')
            program.chmod(0o700)
            for verb in ("offline", "online", "query"):
                configuration["application"][verb].insert(0, str(program))
            self._write(f"dsad-{host}.json", configuration)

    def confirmed(self):
        return self.ask("lrad", "handshake", "list") == []

    def events(self):
        return [e["message"] for e in self.ask("lrad", "event", "list")]


def stopped(rig):
    rig.slow_applications(0.7)
    rig.start()
    rig.scsi_host("host-a", D1).reserve6()
    wait_until("the hosts are asked", lambda: not rig.confirmed(), 5)
    os.kill(rig.processes["lrad"].pid, signal.SIGSTOP)
    time.sleep(6)  # the budget is 4 s, and long before its end all confirmations have arrived
    os.kill(rig.processes["lrad"].pid, signal.SIGCONT)
    wait_until("every agent has confirmed", rig.confirmed, 10)
    check("LRA3001" not in rig.events() and rig.drive(D1)["operational_state"] == "online",
          "a controller that stood still longer than the budget hears what has arrived before it forces a drive offline")
    check(all(rig.agent(h)["state"] == "started" for h in rig.hosts), "and holds no agent for lost")


def slow_disk(rig):
    rig.start()
    for host in rig.hosts:
        rig.end(host, timeout=30)
    for host in rig.hosts:  # all at once: each is told of every drive, and confirms
        rig.spawn(host, [str(rig.bin / "dsad"), "--config", str(rig.path(f"dsad-{host}.json"))])
    begin = time.monotonic()
    for host in rig.hosts:
        rig.await_agent(host, "started", 60)
    wait_until("every agent has confirmed", rig.confirmed, 60)
    print(f"      {len(rig.hosts) * len(rig.drives)} confirmations in {time.monotonic() - begin:.1f} s", flush=True)
    late = [e for e in rig.events() if e in ("LRA2003", "LRA2006", "LRA3001")]
    check(not late, f"a disk that takes {SYNC_MS} ms a sync makes nobody late: {late}")


def main():
    story = sys.argv[2]
    many = story == "slow_disk"
    if many:
        os.environ["LRA_SYNC_MS"] = str(SYNC_MS)
        os.environ.setdefault("ASAN_OPTIONS", "verify_asan_link_order=0")  # ours is no part of it
    drives = [f"VT{i:08d}" for i in range(1, 17)] if many else [D1]
    with StallRig(sys.argv[1], drives=drives, timeout_ms=5000 if many else 2000) as rig:
        if many:
            spawn = rig.spawn
            rig.spawn = lambda name, argv, env=None: spawn(
                name, argv, {**(env or {}), **({"LD_PRELOAD": sys.argv[3]} if name == "lrad" else {})})
        try:
            {"stopped": stopped, "slow_disk": slow_disk}[story](rig)
        except Failed as failure:
            print(f"---- lrad\n{rig.log_of('lrad')[-6000:]}\nFAILED {failure}", flush=True)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
