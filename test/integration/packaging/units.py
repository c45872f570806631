"""The systemd units, read by systemd itself: units.py BIN-FOLDER; 77 where it is not installed."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGING = Path(__file__).resolve().parents[3] / "packaging"
UNITS = PACKAGING / "systemd"
SYSUSERS = PACKAGING / "sysusers" / "library-reservation-agent.conf"
# What every unit of a daemon here has to say.
WANTED = ("Type=notify", "RestartPreventExitStatus=42", "NoNewPrivileges=yes", "WatchdogSec=", "ProtectSystem=",
          "CapabilityBoundingSet=", "Restart=on-failure", "ExecReload=/bin/kill -HUP $MAINPID")


def users_made():
    """What systemd-sysusers makes of our file, on an empty machine: names of users and groups."""
    with tempfile.TemporaryDirectory(prefix="lra-users-") as root:
        Path(root, "etc").mkdir()
        done = subprocess.run(["systemd-sysusers", f"--root={root}", str(SYSUSERS)], capture_output=True, text=True, timeout=30)
        if done.returncode != 0:
            print(f"FAIL  systemd-sysusers: {done.stderr.strip()}")
            return set(), set()
        return [{line.split(":")[0] for line in Path(root, "etc", file).read_text().splitlines()} for file in ("passwd", "group")]


def main():
    if shutil.which("systemd-analyze") is None:
        print("skip  no systemd-analyze")
        sys.exit(77)
    bad = 0
    users, groups = users_made()
    for unit in sorted(UNITS.glob("*.service")):
        text = unit.read_text()
        unknown = set(re.findall(r"^User=(.+)$", text, re.M)) - users - {"root"}
        unknown |= set(re.findall(r"^Group=(.+)$", text, re.M)) - groups
        if unknown:
            print(f"FAIL  {unit.name} needs {', '.join(sorted(unknown))}, which {SYSUSERS.name} does not make")
            bad = 1
    with tempfile.TemporaryDirectory(prefix="lra-units-") as folder:
        for unit in sorted(UNITS.glob("*.service")):
            text = unit.read_text()
            for line in WANTED:
                if not any(one.startswith(line) for one in text.splitlines()):
                    print(f"FAIL  {unit.name} has no line {line}")
                    bad = 1
            # Programs where they were built, an instance in place of a template, users of this machine.
            name = unit.name.replace("@.", "@catalogue.")
            text = text.replace("ExecStart=/usr/bin/", f"ExecStart={Path(sys.argv[1]).resolve()}/")
            Path(folder, name).write_text(text)
        names = sorted(str(p) for p in Path(folder).iterdir())
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *names],
                              capture_output=True, text=True, timeout=60)
        ours = [line for line in done.stderr.splitlines() if folder in line or "Failed" in line]
        for line in ours:
            print(f"FAIL  {line}")
        if done.returncode != 0 or ours:
            print(done.stderr, file=sys.stderr)
            bad = 1
        else:
            print(f"ok    systemd reads {', '.join(Path(n).name for n in names)} without a word")
    sys.exit(bad)


main()
