#!/usr/bin/env python3
"""run.py SCENARIO --bin DIR --images DIR: a vtld on loopback, and one virtual machine whose kernel uses it as tape.

Runs scenarios/SCENARIO.sh in the guest and ends with its status. What the scenario asks for with `library` is done here. Afterwards
vtld must still be there, every cartridge must be what its checksums say, and vtld must end cleanly.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
from rig import Failed, free_ports, wait_until  # noqa: E402

SLOTS = 8
PREFIX = "iqn.2026-01.example.library"
NEEDED = {"qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox-static"}


def free_tcp_port():
    """A port that nobody has now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Library:
    """A vtld with two drives and a changer in a folder of its own."""

    def __init__(self, bin_dir, folder, with_lrad=False):
        self.bin, self.folder, self.with_lrad = bin_dir, folder, with_lrad
        self.port, self.rmt_port, self.process, self.lrad = 0, free_tcp_port(), None, None

    def configure(self):
        configuration = {
            "library": {"vendor": "LRA", "product": "VIRTUAL-LIB", "serial": "VTL0000001"},
            "drives": [{"serial": "VT00000001"}, {"serial": "VT00000002"}],
            "slots": SLOTS,
            "cartridges": {"folders": [str(self.folder / "a"), str(self.folder / "b")], "capacity_mb": 64,
                           "barcodes": ["VT0001L8", "VT0002L8", "VT0003L8"]},
            "iscsi": {"listen": f"127.0.0.1:{self.port}", "target_prefix": PREFIX},
            "rmt": {"listen": f"tcp:127.0.0.1:{self.rmt_port}"},
            "state_dir": str(self.folder / "state"),
            "control": {"socket": str(self.folder / "vtld.sock")}}
        if self.with_lrad:
            configuration["events"] = {"connect": f"unix:{self.folder / 'events.sock'}"}
        (self.folder / "vtld.json").write_text(json.dumps(configuration, indent=2) + "\n")

    def start(self):
        self.configure()
        with open(self.folder / "vtld.log", "ab") as log:
            self.process = subprocess.Popen([self.bin / "vtld", "--config", self.folder / "vtld.json"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def answers():
            if self.process.poll() is not None:
                raise Failed(f"vtld ended at once:\n{self.log()[-2000:]}")
            return self.lractl("--json", "library", "status").returncode == 0
        wait_until("vtld answers at its control socket", answers, 20)
        self.port = json.loads(self.lractl("--json", "library", "status").stdout)["iscsi"]["port"]

    def start_lrad(self):
        """The controller that this library's first drive reports to, and takes orders from."""
        key = self.folder / "user.key"
        key.write_text("passphrase only for this test\n")
        key.chmod(0o600)
        secret = {"key_file": str(key)}
        configuration = {
            "controller": {"id": "ctl", "state_dir": str(self.folder / "lrad")},
            "control": {"socket": str(self.folder / "lrad.sock")},
            "events": {"listen": f"unix:{self.folder / 'events.sock'}"},
            "drives": [{"serial": "VT00000001"}],
            "snmp": {"listen": f"udp:127.0.0.1:{free_ports(1)[0]}", "users": [{"name": "host", "auth": secret, "priv": secret}]}}
        (self.folder / "lrad.json").write_text(json.dumps(configuration, indent=2) + "\n")
        with open(self.folder / "lrad.log", "ab") as log:
            self.lrad = subprocess.Popen([self.bin / "lrad", "--config", self.folder / "lrad.json"], stdin=subprocess.DEVNULL,
                                         stdout=log, stderr=log)
        wait_until("lrad hears of the drive", lambda: '"online"' in self.lractl(
            "--json", "drive", "list", daemon="lrad").stdout.replace(" ", ""), 30)

    def lractl(self, *words, daemon="vtld"):
        return subprocess.run([self.bin / "lractl", "--socket", self.folder / f"{daemon}.sock", "--timeout", "60", *words],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=90)

    def end(self, how):
        self.process.send_signal(how)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failed(f"vtld did not end within 20 s after signal {how}") from None

    def log(self):
        return (self.folder / "vtld.log").read_text(errors="replace")

    def do(self, verb, *words):
        """What `library` in the guest asks for: an exit status and what to print."""
        if verb == "lractl":
            done = self.lractl(*words)
            return done.returncode, done.stdout
        if verb == "lrad":
            done = self.lractl(*words, daemon="lrad")
            return done.returncode, done.stdout
        if verb in ("pause", "resume"):
            self.process.send_signal(signal.SIGSTOP if verb == "pause" else signal.SIGCONT)
            return 0, ""
        if verb == "kill":
            self.end(signal.SIGKILL)
            return 0, ""
        if verb == "stop":
            return self.end(signal.SIGTERM), ""
        if verb == "start":
            self.start()
            return 0, ""
        return 2, f"library: no verb {verb}\n"

    def check(self, barcode):
        """Every block against its checksum; a cartridge that was just put away may be busy for a moment."""
        deadline = time.monotonic() + 20
        while True:
            checked = self.lractl("cartridge", "check", barcode)
            if checked.returncode == 0:
                return
            if checked.returncode != 5 or time.monotonic() > deadline:  # 5: busy
                raise Failed(f"lractl cartridge check {barcode} ended with {checked.returncode}: {checked.stdout}")
            time.sleep(0.2)

    def judge(self):
        """After the guest: is everything what it should be?"""
        if self.process.poll() is not None:
            raise Failed(f"vtld ended by itself with {self.process.returncode}")
        cartridges = [c for c in json.loads(self.lractl("--json", "cartridge", "list").stdout)
                      if not c["barcode"].startswith("ADM")]
        free = [f"slot {n}" for n in range(1, SLOTS + 1) if all(c["place"] != f"slot {n}" for c in cartridges)]
        for cartridge in cartridges:
            if cartridge["place"].startswith("drive"):
                moved = self.lractl("cartridge", "move", cartridge["barcode"], free.pop())
                if moved.returncode != 0:
                    raise Failed(f"lractl cartridge move {cartridge['barcode']}: {moved.stdout}")
            self.check(cartridge["barcode"])
        status = self.end(signal.SIGTERM)
        if status != 0:
            raise Failed(f"vtld ended with {status} after SIGTERM")


def answer_asks(library, share):
    for ask in sorted(share.glob("ask.*")):
        if ask.suffix in (".new", ".answer", ".writing"):
            continue
        words = ask.read_bytes().decode().split("\0")[:-1]
        ask.unlink()
        print(f"# library {' '.join(words)}", flush=True)
        try:
            status, text = library.do(*words)
        except (Failed, subprocess.TimeoutExpired) as trouble:
            status, text = 1, f"{trouble}\n"
        writing = share / f"{ask.name}.writing"
        writing.write_text(f"{status}\n{text}")
        writing.rename(share / f"{ask.name}.answer")


def bring_in(script, bin_dir, programs):
    """What the scenario wants to run in the guest ("# programs: lrad lractl"), with the libraries the guest may not have."""
    wanted = re.findall(r"^# programs: (.+)$", script.read_text(), re.MULTILINE)
    libraries = programs / "lib"
    for name in " ".join(wanted).split():
        libraries.mkdir(parents=True, exist_ok=True)
        subprocess.run(["strip", "--strip-debug", "-o", programs / name, bin_dir / name], check=True)
        linked = subprocess.run(["ldd", bin_dir / name], stdout=subprocess.PIPE, text=True, check=True).stdout
        for library in re.findall(r"=> (/\S+)", linked):
            if not re.match(r"(libc|libm|libpthread)\.so", Path(library).name):  # go with the guest's own loader
                shutil.copy(library, libraries)


def run(options, folder):
    script = Path(options.scenario if "/" in options.scenario else HERE / "scenarios" / f"{options.scenario}.sh")
    library = Library(options.bin, folder, with_lrad="\n# outside: lrad\n" in script.read_text())
    share = folder / "share"
    shutil.copytree(HERE / "scenarios", share)
    guest = None
    try:
        shutil.copy(options.bin / "vtl-rsh", share)
        bring_in(script, options.bin, share / "programs")
        library.start()
        if library.with_lrad:
            library.start_lrad()
        environment = dict(os.environ, VM_DIR=str(options.images), VM_FWD=f"{library.port} {library.rmt_port}",
                           VM_TIMEOUT=str(options.timeout), VM_SMP=os.environ.get("VM_SMP", "1"))
        guest = subprocess.Popen([HERE / "vm-run", script, share, f"{library.port} {PREFIX} {library.rmt_port}"],
                                 env=environment, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + options.timeout + 30
        while guest.poll() is None:
            answer_asks(library, share)
            if time.monotonic() > deadline:
                raise Failed("vm-run did not end at its own time limit")
            time.sleep(0.05)
        if guest.returncode != 0:
            reasons = {124: f"the guest needed more than {options.timeout} s", 125: "the guest died"}
            raise Failed(reasons.get(guest.returncode, f"scenario {options.scenario} failed in the guest"))
        library.judge()
    except Failed:
        print(f"---- vtld.log, its end ----\n{library.log()[-4000:]}", file=sys.stderr)
        raise
    finally:
        if guest is not None and guest.poll() is None:
            guest.terminate()  # vm-run ends the machine
            guest.wait()
        if library.lrad is not None:
            library.lrad.kill()
            library.lrad.wait()
        if library.process is not None and library.process.poll() is None:
            library.process.kill()
            library.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenario", help="its name in scenarios/, or the path of a script")
    parser.add_argument("--bin", type=Path, required=True, help="where vtld, lractl and vtl-rsh are")
    parser.add_argument("--images", type=Path, default=HERE.parents[1] / "build/vm", help="what vm-build made")
    parser.add_argument("--timeout", type=int, default=150, help="seconds the guest may take")
    parser.add_argument("--keep", action="store_true", help="leave the library's folder and say where it is")
    options = parser.parse_args()
    for program, package in NEEDED.items():
        if shutil.which(program) is None:
            sys.exit(f"run.py: no program {program} here: install the package {package}")
    if not (options.images / "made-of").exists():
        sys.exit(f"run.py: no image in {options.images}: run {HERE / 'vm-build'} {options.images}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("run.py: told to end"))
    # Short, since the path of a Unix socket holds 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="vtld-kernel-"))
    try:
        run(options, folder)
    except Failed as trouble:
        sys.exit(f"run.py: {options.scenario}: {trouble}")
    finally:
        if options.keep:
            print(f"run.py: kept {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
