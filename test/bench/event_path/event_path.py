"""How long is it from a RESERVE that the drive accepted to the last of three confirmations stored by the controller?

    test/bench/event_path/event_path.py BIN-FOLDER [ROUNDS]

Real processes as in the demo. A virtual fibre channel port reserves and releases a drive; the clock starts when vtld
has answered GOOD, and stops when lrad, after its synced commit, publishes "every agent has confirmed" (LRA2007).
Beside it, in the same run: a bare UDP round trip to another process, a synced SQLite-sized write, and the start of the
application's program, so that a figure can be judged on any machine. Prints, never fails.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from rig import Rig  # noqa: E402

DRIVE = "VT00000001"


class Control:
    """A control socket kept open."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.lines = self.socket.makefile("rb")
        self.number = 0

    def call(self, method, **params):
        self.number += 1
        request = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        answer = json.loads(self.lines.readline())
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def row(name, values):
    print(f"  {name:<44} {percentile(values, .5):8.2f} {percentile(values, .99):8.2f} {max(values):8.2f}")


def histogram(values):
    edges = [0, 5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 250, 1e9]
    for low, high in zip(edges, edges[1:]):
        count = sum(low <= v < high for v in values)
        if count:
            label = f"{low:>4.0f} - {high:<4.0f}" if high < 1e9 else f"{low:>4.0f} -     "
            print(f"  {label} ms {count:5d} {'#' * max(1, count * 60 // len(values))}")


def udp_round_trips(count):
    """A datagram of a notice's size to another process and back."""
    child = subprocess.Popen([sys.executable, "-c",
                              "import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\ns.bind(('127.0.0.1',0))\n"
                              "print(s.getsockname()[1],flush=True)\n"
                              f"for _ in range({count}):\n d,a=s.recvfrom(2048); s.sendto(d,a)\n"],
                             stdout=subprocess.PIPE, text=True)
    port = int(child.stdout.readline())
    times = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        for _ in range(count):
            begin = time.perf_counter()
            s.sendto(b"x" * 370, ("127.0.0.1", port))
            s.recv(2048)
            times.append((time.perf_counter() - begin) * 1000)
    child.wait(10)
    return times


def synced_writes(folder, count):
    times = []
    fd = os.open(folder / "sync-probe", os.O_CREAT | os.O_WRONLY, 0o600)
    for _ in range(count):
        begin = time.perf_counter()
        os.write(fd, b"x" * 8192)
        os.fdatasync(fd)
        times.append((time.perf_counter() - begin) * 1000)
    os.close(fd)
    return times


def program_starts(rig, count):
    argv = [str(rig.bin / "sample-backup-application"), "--state", str(rig.path("host-a", "application.json")), "drive",
            "status", "drive-1"]
    times = []
    for _ in range(count):
        begin = time.perf_counter()
        subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - begin) * 1000)
    return times


def measure(rig, rounds):
    arrivals = {}
    changed = threading.Condition()

    def follow():
        control = Control(rig.sock("lrad"))
        control.call("event.follow")
        with changed:
            arrivals["following"] = True
            changed.notify()
        for line in control.lines:
            at = time.perf_counter()
            event = json.loads(line)["params"]
            if event["drive"] != DRIVE:
                continue
            with changed:
                arrivals.setdefault(event["message"], []).append(at)
                changed.notify()

    threading.Thread(target=follow, daemon=True).start()
    with changed:
        changed.wait_for(lambda: "following" in arrivals, 10)
    vtld = Control(rig.sock("vtld"))
    port = f"fc:{rig.wwpn['host-a']}"
    figures = {"seen and recorded by lrad": [], "first confirmation": [], "last confirmation stored": []}
    for _ in range(rounds):
        for method in ("port.reserve", "port.release"):
            with changed:
                arrivals.clear()
            vtld.call(method, serial=DRIVE, port=port, kind="reserve6")
            accepted = time.perf_counter()
            with changed:
                if not changed.wait_for(lambda: "LRA2007" in arrivals, 20):
                    raise RuntimeError("no handshake within 20 s")
                seen = arrivals.get("LRA1001", arrivals.get("LRA1002"))[0]
                first, last = arrivals["LRA2002"][0], arrivals["LRA2007"][0]
            for name, at in zip(figures, (seen, first, last)):
                figures[name].append((at - accepted) * 1000)
            time.sleep(0.005)  # let the machine settle; nothing is timed here
    return figures


def main():
    bin_folder = Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    with Rig(bin_folder, timeout_ms=20000) as rig:
        rig.start()
        measure(rig, 5)  # warm
        figures = measure(rig, rounds)
        print(f"{2 * rounds} handshakes with 3 agents, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}\n")
        print(f"  {'milliseconds':<44} {'p50':>8} {'p99':>8} {'max':>8}")
        for name, values in figures.items():
            row(f"RESERVE or RELEASE accepted -> {name}"[-44:], values)
        row("bare UDP round trip, 370 bytes", udp_round_trips(rounds))
        row("write and fdatasync of 8 KiB", synced_writes(rig.folder, min(rounds, 50)))
        row("start of the application's program", program_starts(rig, min(rounds, 50)))
        print("\nto the last confirmation stored:")
        histogram(figures["last confirmation stored"])


if __name__ == "__main__":
    main()
