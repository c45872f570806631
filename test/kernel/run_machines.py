#!/usr/bin/env python3
"""run_machines.py --bin DIR --images DIR: lrad on a library machine, dsad on two backup hosts, each with a kernel and an HBA of its own.

Boots three virtual machines on one segment, each with its script of machines/. What lrad and dsad see of drives and ports is what
Linux shows; reservations are kept by the kernel's own target.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from run import bring_in  # noqa: E402

MACHINES = ["library", "hosta", "hostb"]


def run(options, folder):
    share = folder / "share"
    shutil.copytree(HERE / "scenarios", share)
    shutil.copy(HERE / "machines" / "agent.sh", share)
    for machine in MACHINES:
        bring_in(HERE / "machines" / f"{machine}.sh", options.bin, share / "programs")
    environment = dict(os.environ, VM_DIR=str(options.images), VM_TIMEOUT=str(options.timeout))
    machines = subprocess.Popen(
        [HERE / "vm-net", "-d", share, *(f"{name}={HERE / 'machines' / name}.sh" for name in MACHINES)],
        env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        return machines.wait(options.timeout + 60)
    except subprocess.TimeoutExpired:
        return 124
    finally:
        if machines.poll() is None:
            os.killpg(machines.pid, signal.SIGTERM)
            machines.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=Path, required=True, help="where lrad, dsad, lractl and the sample application are")
    parser.add_argument("--images", type=Path, default=HERE.parents[1] / "build/vm", help="what vm-build made")
    parser.add_argument("--timeout", type=int, default=300, help="seconds the machines may take")
    options = parser.parse_args()
    if not (options.images / "made-of").exists():
        sys.exit(f"run_machines.py: no image in {options.images}: run {HERE / 'vm-build'} {options.images}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("run_machines.py: told to end"))
    folder = Path(tempfile.mkdtemp(prefix="lra-machines-"))
    try:
        sys.exit(run(options, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
