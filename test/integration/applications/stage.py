"""A library, its controller and hosts as real processes (test/support/rig.py), where hosts run other applications than
the sample one: each by its shipped profile."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "test/support"), str(ROOT / "test/support/applications")]
from rig import Failed, Rig, wait_until  # noqa: E402

PROFILES = str(ROOT / "packaging/profiles")


def check(condition, words):
    if not condition:
        raise Failed(words)
    print(f"ok    {words}", flush=True)


class Stage(Rig):
    """`holder` has the sample application and reserves; the other hosts run what run_application() says."""

    def __init__(self, bin_dir, hosts, drives):
        super().__init__(bin_dir, hosts=["holder", *hosts], drives=drives, timeout_ms=25000)

    def run_application(self, host, profile, names, **settings):
        """Before start(): `names` are what the application calls the drives."""
        path = self.path(f"dsad-{host}.json")
        configuration = json.loads(path.read_text())
        for drive in configuration["drives"]:
            drive.pop("application_name")
        configuration["drives"] = [d for d in configuration["drives"] if d["serial"] in names]
        configuration["application"] = {
            "profile": profile, "profile_dirs": [PROFILES], "observe_only": False, "names": names,
            "timeout_ms": 15000, **settings}
        path.write_text(json.dumps(configuration, indent=2) + "\n")

    def wrapper(self, name, command):
        """A program of its own that runs `command` with the arguments it gets."""
        path = self.path(name)
        path.write_text("#!/bin/sh\nexec " + " ".join(f"'{word}'" for word in command) + ' "$@"\n')
        path.chmod(0o700)
        return str(path)

    def secret(self, name, text):
        path = self.path(name)
        path.write_text(text + "\n")
        path.chmod(0o600)
        return str(path)

    def state(self, host, serial):
        """What dsad reads back from the application now."""
        done = self.lractl(host, "--json", "application", "query", serial)
        return json.loads(done.stdout)["application_state"] if done.returncode == 0 else "unknown"

    def row(self, host, serial):
        return next(d for d in self.ask(host, "drive", "list") if d["serial"] == serial)

    def await_state(self, host, serial, expected, timeout=30):
        try:
            return wait_until("", lambda: self.row(host, serial)["application_state"] == expected, timeout)[1]
        except Failed:
            raise Failed(f"{host}: drive {serial} should be {expected} and is {self.row(host, serial)}; its log ends:\n"
                         + self.log_of(host)[-3000:]) from None

    def await_result(self, host, serial, expected, timeout=30):
        try:
            return wait_until("", lambda: self.row(host, serial)["result"] == expected, timeout)[1]
        except Failed:
            raise Failed(f"{host}: the result for drive {serial} should be {expected} and is {self.row(host, serial)}; "
                         "its log ends:\n" + self.log_of(host)[-3000:]) from None
