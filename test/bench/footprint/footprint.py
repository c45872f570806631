#!/usr/bin/env python3
"""What a controller takes of its machine: a stripped lrad that watches 128 drives of two vtld, for 64 agents.

    test/bench/footprint/footprint.py BIN-FOLDER [--drives N] [--agents N] [--seconds N] [--rounds N] [--mappings]

Memory, processor time of an idle lrad and of its lra-mibd, and the time from its start to the first look at a drive,
each time without any state; the medians at the end. Use a release build. The agents are configured and not there:
nothing is reserved, so nobody is told anything. Prints, never fails.

resident: all pages, those too that other programs share; private: what only this process has; PSS: private, and of
each shared page its part. --mappings lists what of it is whose.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from rig import Rig, wait_until  # noqa: E402

MEMORY = ("Rss", "Pss", "Private")


def ask(path, method, **params):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        s.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n")
        with s.makefile() as answer:
            return json.loads(answer.readline()).get("result")


def ticks(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def switches(pid):
    """Context switches of all its threads until now."""
    lines = [line for path in Path(f"/proc/{pid}/task").glob("*/status") for line in path.read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)


def mappings(pid):
    """KiB by mapping, for each of MEMORY."""
    found, name = defaultdict(lambda: dict.fromkeys(MEMORY, 0)), ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            words = line.split(maxsplit=5)
            name = os.path.basename(words[5]) if len(words) > 5 else "anonymous"
            continue
        key, value = line.split(":")
        key = key.split("_")[0]
        if key in MEMORY and "Hugetlb" not in line and "Pss_" not in line:
            found[name][key] += int(value.split()[0])
    return found


def memory(pid):
    return {key: sum(m[key] for m in mappings(pid).values()) / 1024 for key in MEMORY}


class Controller:
    """The two vtld, and lrad's configuration for all of their drives."""

    def __init__(self, stack, folder, drives, agents):
        self.folder, self.serials = folder, [f"VT{i:08}" for i in range(1, drives + 1)]
        libraries = [self.serials[i:i + 64] for i in range(0, drives, 64)]  # a vtld has 64 drives at most
        rigs = [stack.enter_context(Rig(folder, hosts=("host-0",), drives=some, mib=True, poll_ms=1000))
                for some in libraries]
        for one in rigs:
            one.start_vtld()
            one._write_lrad()
        self.rig = rig = rigs[0]
        configuration = json.loads(rig.path("lrad.json").read_text())
        for one in rigs[1:]:
            configuration["drives"] += json.loads(one.path("lrad.json").read_text())["drives"]
        for i, drive in enumerate(configuration["drives"]):
            drive["element_address"] = 256 + i
        configuration["snmp"]["users"] += [rig._user(f"host-{i}") for i in range(1, agents)]
        configuration["agents"] += [{"name": f"host-{i}", "address": f"udp:127.0.0.1:{20000 + i}", "user": f"host-{i}"}
                                    for i in range(1, agents)]
        rig._write("lrad.json", configuration)
        for key in rig.path("keys").iterdir():  # as `lractl key create` makes them; a passphrase costs 4 ms more each
            key.write_text(f"master {os.urandom(32).hex()}\n")

    def looks(self, serial):
        try:
            return ask(self.rig.sock("lrad"), "drive.show", serial=serial)["watch"]["looks"]
        except (OSError, TypeError, ValueError):
            return 0

    def start(self):
        """Milliseconds until a drive was looked at."""
        shutil.rmtree(self.rig.path("lrad"), ignore_errors=True)
        begin = time.monotonic()
        self.rig.spawn("lrad", [str(self.folder / "lrad"), "--config", str(self.rig.path("lrad.json"))])
        while not self.looks(self.serials[0]) and time.monotonic() - begin < 20:
            time.sleep(0.002)
        took = 1000 * (time.monotonic() - begin)
        wait_until("every drive was looked at", lambda: all(self.looks(s) > 1 for s in self.serials), 60)
        time.sleep(4)  # a drive that is new is looked at more often for a while
        return took

    def processes(self):
        return {"lrad": self.rig.processes["lrad"].pid, "lra-mibd": ask(self.rig.sock("lrad"), "status.show")["mib"]["pid"]}

    def stop(self):
        self.rig.end("lrad")


def one_round(controller, seconds, figures, list_mappings):
    started = controller.start()
    figures["start, ms"].append(started)
    pids = controller.processes()
    before, begin = {n: (ticks(p), switches(p)) for n, p in pids.items()}, time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - begin
    print(f"start to first look {started:.0f} ms")
    for name, pid in pids.items():
        share = 100 * (ticks(pid) - before[name][0]) / os.sysconf("SC_CLK_TCK") / took
        rate = (switches(pid) - before[name][1]) / took
        used = memory(pid)
        figures[f"{name}, % of a core"].append(share)
        figures[f"{name}, resident MiB"].append(used["Rss"])
        print(f"{name:9} resident {used['Rss']:.1f} MiB, PSS {used['Pss']:.1f}, private {used['Private']:.1f}; "
              f"{share:.2f} % of a core, {rate:.0f} context switches a second", flush=True)
        if list_mappings:
            for mapping, of in sorted(mappings(pid).items(), key=lambda m: -m[1]["Rss"]):
                print(f"    {mapping:32}" + "".join(f"{key} {of[key]:6} KiB  " for key in MEMORY))
    controller.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin_folder", type=Path)
    for name, value in (("drives", 128), ("agents", 64), ("seconds", 20), ("rounds", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--mappings", action="store_true")
    given = parser.parse_args()
    stripped = Path(tempfile.mkdtemp(prefix="lra-footprint-"))
    try:
        for name in ("lrad", "lra-mibd"):
            subprocess.run(["strip", "-o", str(stripped / name), str(given.bin_folder / name)], check=True)
        for name in ("vtld", "lractl", "dsad", "sample-backup-application", "scsi-host"):
            (stripped / name).symlink_to(given.bin_folder.resolve() / name)
        figures = defaultdict(list)
        with contextlib.ExitStack() as stack:
            controller = Controller(stack, stripped, given.drives, given.agents)
            for _ in range(given.rounds):
                one_round(controller, given.seconds, figures, given.mappings)
        print(f"{given.drives} drives once a second, {given.agents} agents, medians of {given.rounds}: " +
              "; ".join(f"{name} {statistics.median(values):.2f}" for name, values in figures.items()))
    finally:
        shutil.rmtree(stripped, ignore_errors=True)


if __name__ == "__main__":
    main()
