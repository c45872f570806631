#!/usr/bin/env python3
"""What a controller takes of its machine: a stripped lrad that watches 128 drives of a vtld, for 64 agents.

    test/bench/footprint/footprint.py BIN-FOLDER [DRIVES [AGENTS [SECONDS]]]

Resident memory, processor time of an idle lrad and of its lra-mibd, and the time from its start to the first look at a
drive. Use a release build. The agents are configured and not there: nothing is reserved, so nobody is told anything.
Prints, never fails.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from rig import Rig, wait_until  # noqa: E402


def ask(path, method, **params):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        s.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n")
        with s.makefile() as answer:
            return json.loads(answer.readline()).get("result")


def ticks(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def resident_kib(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def main():
    bin_dir, drives, agents, seconds = sys.argv[1], *(int(a) for a in (sys.argv[2:] + ["128", "64", "20"][len(sys.argv) - 2:]))
    stripped = Path(tempfile.mkdtemp(prefix="lra-footprint-"))
    try:
        for name in ("lrad", "lra-mibd"):
            subprocess.run(["strip", "-o", str(stripped / name), str(Path(bin_dir) / name)], check=True)
        for name in ("vtld", "lractl", "dsad", "sample-backup-application", "scsi-host"):
            (stripped / name).symlink_to(Path(bin_dir).resolve() / name)
        measure(stripped, drives, agents, seconds)
    finally:
        shutil.rmtree(stripped, ignore_errors=True)


def measure(folder, drives, agents, seconds):
    serials = [f"VT{i:08}" for i in range(1, drives + 1)]
    libraries = [serials[i:i + 64] for i in range(0, drives, 64)]  # a vtld has 64 drives at most
    with contextlib.ExitStack() as stack:
        rigs = [stack.enter_context(Rig(folder, hosts=("host-0",), drives=some, mib=True, poll_ms=1000)) for some in libraries]
        for one in rigs:
            one.start_vtld()
            one._write_lrad()
        rig = rigs[0]
        configuration = json.loads(rig.path("lrad.json").read_text())
        for one in rigs[1:]:
            configuration["drives"] += json.loads(one.path("lrad.json").read_text())["drives"]
        for i, drive in enumerate(configuration["drives"]):
            drive["element_address"] = 256 + i
        configuration["snmp"]["users"] += [rig._user(f"host-{i}") for i in range(1, agents)]
        configuration["agents"] += [{"name": f"host-{i}", "address": f"udp:127.0.0.1:{20000 + i}", "user": f"host-{i}"} for i in range(1, agents)]
        rig._write("lrad.json", configuration)
        for key in rig.path("keys").iterdir():  # as `lractl key create` makes them; a passphrase costs 4 ms more each
            key.write_text(f"master {os.urandom(32).hex()}\n")
        begin = time.monotonic()
        lrad = rig.spawn("lrad", [str(folder / "lrad"), "--config", str(rig.path("lrad.json"))])

        def first_look():
            try:
                return ask(rig.sock("lrad"), "drive.show", serial=serials[0])["watch"]["looks"] > 0
            except (OSError, TypeError, ValueError):
                return False

        while not first_look() and time.monotonic() - begin < 20:
            time.sleep(0.002)
        started = time.monotonic() - begin
        wait_until("every drive was looked at",
                   lambda: all(ask(rig.sock("lrad"), "drive.show", serial=s)["watch"]["looks"] > 1 for s in serials), 60)
        helper = ask(rig.sock("lrad"), "status.show")["mib"]["pid"]
        before, begin = [ticks(p) for p in (lrad.pid, helper)], time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - begin
        share = [100 * (ticks(p) - b) / os.sysconf("SC_CLK_TCK") / took for p, b in zip((lrad.pid, helper), before)]
        print(f"{drives} drives once a second, {agents} agents; start to first look {1000 * started:.0f} ms")
        for name, pid, part in (("lrad", lrad.pid, share[0]), ("lra-mibd", helper, share[1])):
            print(f"{name:9} resident {resident_kib(pid) / 1024:.1f} MiB, {part:.2f} % of a core")


if __name__ == "__main__":
    main()
