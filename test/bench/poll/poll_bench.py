#!/usr/bin/env python3
"""What does a look at a drive cost? Over iSCSI, against a vtld of eight drives on loopback.

    test/bench/poll/poll_bench.py BIN-FOLDER [FOLDER-OF-VTLD-AND-LRACTL [DRIVES [SECONDS]]]

Beside the pollers iscsi-inq is started in a loop, the nearest to sg_persist that Debian has for a target without a
device node: a login, a command that carries a few bytes, a logout. Prints, never fails.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DRIVES = [f"VT{number:08}" for number in range(1, 9)]
PREFIX = "iqn.2026-01.org.example:bench"


def main():
    bin_dir = Path(sys.argv[1])
    programs = Path(sys.argv[2]) if len(sys.argv) > 2 else bin_dir
    drives = sys.argv[3] if len(sys.argv) > 3 else "128"
    seconds = sys.argv[4] if len(sys.argv) > 4 else "10"
    folder = Path(tempfile.mkdtemp(prefix="poll-bench-"))
    configuration = {
        "state_dir": str(folder / "state"),
        "library": {"vendor": "LRA", "product": "VIRTUAL LIBRARY", "serial": "VTL0000001"},
        "drives": [{"serial": serial} for serial in DRIVES],
        "cartridges": {"folders": [str(folder / "a"), str(folder / "b")], "barcodes": []},
        "iscsi": {"listen": "127.0.0.1:0", "target_prefix": PREFIX},
        "control": {"socket": str(folder / "vtld.sock")},
        "metrics": {"listen": "off"},
    }
    for name in ("state", "a", "b"):
        (folder / name).mkdir()
    (folder / "vtld.json").write_text(json.dumps(configuration))
    with open(folder / "log", "w", encoding="utf-8") as log:
        daemon = subprocess.Popen([str(programs / "vtld"), "--config", str(folder / "vtld.json")], stdout=log, stderr=log)
    try:
        urls = []
        for _ in range(200):
            answer = subprocess.run([str(programs / "lractl"), "--socket", str(folder / "vtld.sock"), "--json", "drive", "list"],
                                    capture_output=True, text=True)
            if answer.returncode == 0:
                urls = [drive["url"] for drive in json.loads(answer.stdout)]
                break
            time.sleep(0.1)
        if not urls:
            sys.exit((folder / "log").read_text())
        command = [str(bin_dir / "poll_bench"), "--drives", drives, "--seconds", seconds, *urls]
        if shutil.which("iscsi-inq"):
            command += ["--", "iscsi-inq", urls[0]]
        subprocess.run(command, check=False)
    finally:
        daemon.terminate()
        daemon.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


main()
