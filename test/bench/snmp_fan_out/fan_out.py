#!/usr/bin/env python3
"""How long does it take to tell 8, 64 and 1000 hosts? The parts of snmp_fan_out, interleaved, and a snmpinform for each host.

    test/bench/snmp_fan_out/fan_out.py BIN-FOLDER [TIMES]

Medians of TIMES (5) interleaved runs; use a release build. The hosts share the machine with the controller, so they answer
with keys and contexts kept ready (3 us each; nothing is verified there) and send confirmations that were made before: what is
timed is the controller. Prints, never fails.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

MASTER = "0123456789abcdef0123456789ABCDEF".encode().hex()
PASSPHRASE = "correct horse battery"
DERIVED = hashlib.sha256((PASSPHRASE * (2**20 // len(PASSPHRASE) + 1))[:2**20].encode()).hexdigest()  # RFC 3414 A.2
PARTS = ("floor", "inform", "sessions", "handshake", "trap")


def run(bin_dir, part, hosts, rounds, *more):
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([str(bin_dir / "snmp_fan_out"), part, str(hosts), str(rounds), folder, *more], capture_output=True, text=True, timeout=300)
    return json.loads(done.stdout) if done.stdout.startswith("{") else None


def row(name, results, floor=None):
    results = [r for r in results if r]
    if not results:
        return print(f"  {name:34} no figures")
    p50, p99, cpu = (median(r[key] for r in results) for key in ("p50_ms", "p99_ms", "cpu_us"))
    times = f"{p50 / floor:7.1f}" if floor else "      1"
    print(f"  {name:34}{p50:10.2f}{p99:10.2f}{times}{cpu:10.1f}", flush=True)
    return p50


def programs(bin_dir, hosts, *keys, master=MASTER):
    """One snmpinform after the other."""
    with tempfile.TemporaryDirectory() as folder:
        hosts_folder = Path(folder) / "hosts"
        hosts_folder.mkdir()
        answering = subprocess.Popen([str(bin_dir / "snmp_fan_out_hosts"), str(hosts), "answer", str(hosts_folder), master], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
        answering.stdout.readline()
        begin = time.monotonic()
        for i in range(hosts):
            subprocess.run(["snmpinform", "-v3", "-u", f"host-{i}", "-l", "authPriv", "-a", "SHA-256", "-x", "AES", *keys,
                            "-e", f"0x80001f8805{i:08x}", "-r", "0", "-t", "1", "-m", "", f"127.1.{i // 200}.{i % 200 + 1}:16162", "",
                            "1.3.6.1.4.1.8072.9999.9999.8433.0.1"], capture_output=True, env={**os.environ, "SNMP_PERSISTENT_DIR": folder, "MIBDIRS": "/nowhere"})
        took = 1000 * (time.monotonic() - begin)
        answering.stdin.close()
        answering.wait(10)
    return took


def main():
    bin_dir = Path(sys.argv[1])
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    print(f"  {'':34}{'p50 ms':>10}{'p99 ms':>10}{'floors':>7}{'CPU us':>10}")
    for hosts in (8, 64, 1000):
        rounds = max(6, 2000 // hosts)
        results = {part: [] for part in PARTS}
        for _ in range(times):
            for part in PARTS:
                results[part].append(run(bin_dir, part, hosts, rounds))
        print(f"{hosts} hosts")
        floor = row("datagrams there and back", results["floor"])
        ours = row("SNMPv3 informs acknowledged", results["inform"], floor)
        row("Net-SNMP, a session for each host", results["sessions"], floor)
        row("informs, and confirmations", results["handshake"], floor)
        row("traps, and confirmations", results["trap"], floor)
        if hosts <= 64:
            # As a script has it, and at its best: with the keys made already.
            ways = {"snmpinform, a passphrase": programs(bin_dir, hosts, "-A", PASSPHRASE, "-X", PASSPHRASE, master=DERIVED),
                    "snmpinform, a master key": programs(bin_dir, hosts, "-3m", "0x" + MASTER, "-3M", "0x" + MASTER)}
            for name, took in ways.items():
                print(f"  {name:34}{took:10.0f}  {took / ours:.0f} times as long as ours", flush=True)
    row("1000 hosts, 50 of them dead", [run(bin_dir, "inform", 1000, 6, "50") for _ in range(times)])
    row("1000 hosts, a notice of 16 drives", [run(bin_dir, "inform", 1000, 3, "0", "16") for _ in range(times)])
    row("the same, 50 of them dead", [run(bin_dir, "inform", 1000, 3, "50", "16") for _ in range(times)])


if __name__ == "__main__":
    main()
