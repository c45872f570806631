"""ssh HOST lractl ...: what a script at another host gets, and what a person with a terminal there does. Debian's own sshd on loopback.
over_ssh.py BIN-FOLDER"""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "agentless"))
from rig import Failed, Rig, wait_until  # noqa: E402
from ssh_server import SshServer  # noqa: E402

D1 = "VT00000001"
ESCAPE = "\x1b"


def check(condition, words):
    if not condition:
        raise Failed(words)
    print(f"ok    {words}", flush=True)


class Far:
    """lractl on the host where lrad runs, called from another."""

    def __init__(self, rig, sshd):
        self.ssh = ["ssh", "-F", "none", "-p", str(sshd.port), "-i", str(sshd.key_file), "-o", "IdentitiesOnly=yes", "-o",
                    f"UserKnownHostsFile={sshd.known_hosts}", "-o", "BatchMode=yes"]
        self.where = f"{sshd.user}@127.0.0.1"
        self.lractl = [str(rig.bin / "lractl"), "--socket", rig.sock("lrad")]

    def call(self, *words):
        return subprocess.run([*self.ssh, self.where, *self.lractl, *words], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=60)

    def follow(self):
        return subprocess.Popen([*self.ssh, self.where, *self.lractl, "event", "follow", "--json"], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, text=True)


class Terminal:
    """ssh -t, typed into."""

    def __init__(self, far, term):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = term
            command = [*far.ssh, "-t", far.where, *far.lractl]
            os.execvp(command[0], command)
        self.text, self.seen = "", 0

    def shows(self, wanted, timeout=20):
        deadline = time.monotonic() + timeout
        while wanted not in self.text[self.seen:]:
            if time.monotonic() > deadline:
                raise Failed(f"the terminal does not show {wanted!r}: {self.text[self.seen:][-400:]!r}")
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    self.text += os.read(self.fd, 65536).decode(errors="replace")
                except OSError:
                    raise Failed(f"the session is over before it shows {wanted!r}: {self.text[-400:]!r}") from None
        self.seen += self.text[self.seen:].index(wanted) + len(wanted)

    def has(self, wanted):
        try:
            self.shows(wanted, 0.3)
            return True
        except Failed:
            return False

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def end(self):
        """The session's exit status."""
        deadline = time.monotonic() + 20
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                self.pid = None
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() > deadline:
                raise Failed("the session does not end")
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.fd, 65536).decode(errors="replace")
                except OSError:
                    time.sleep(0.05)

    def kill(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def by_script(far):
    listed = far.call("drive", "list")
    check(listed.returncode == 0 and D1 in listed.stdout, f"ssh host lractl drive list shows the drives {listed.stderr}")
    check(ESCAPE not in listed.stdout and "\r" not in listed.stdout, "without escape codes, since there is no terminal")
    check(max(map(len, listed.stdout.splitlines())) <= 80, "in 80 columns")
    check(len(json.loads(far.call("--json", "drive", "list").stdout)) == 2, "--json is JSON there too")
    unknown = far.call("drive", "show", "NOSUCH")
    check(unknown.returncode == 1 and "NOSUCH" in unknown.stderr, f"errors go to standard error, with lractl's exit status: {unknown.stderr.strip()}")
    check(far.call("drive", "zap").returncode == 2, "wrong usage is exit status 2")


class Events:
    """Something that happens at the far host, again and again until `condition` holds: a follower may begin at any time."""

    def __init__(self, rig):
        self.rig, self.number = rig, 0

    def until(self, words, condition):
        def happen():
            self.rig.lractl("lrad", "drive", ("offline", "clear")[self.number % 2], D1, "--reason", "test")
            self.number += 1
            return condition()
        wait_until(words, happen, 30)


def follows(far, rig, events):
    following = far.follow()
    try:
        events.until("an event comes through", lambda: select.select([following.stdout], [], [], 0.3)[0])
        line = following.stdout.readline()
        check(json.loads(line)["message"].startswith("LRA"), "event follow says each event at once, a line each, though nothing is a terminal")
    finally:
        following.kill()
        following.wait()
    events.until("nothing is left of it on the far host", lambda: not any(is_follow(p, rig) for p in Path("/proc").iterdir()))
    check(True, "and ends there with the next event when ssh has been killed")


def is_follow(process, rig):
    if not process.name.isdigit():
        return False
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return words[0].endswith(b"lractl") and b"follow" in words and rig.sock("lrad").encode() in words


def by_person(far, events):
    for term, colours in (("xterm", True), ("dumb", False)):
        terminal = Terminal(far, term)
        try:
            terminal.shows("lrad> ")
            terminal.type("dri\tshow VT00000001\t\r")
            terminal.shows(D1)
            terminal.shows("lrad> ")
            terminal.type("drive list\r")
            terminal.shows(D1)
            terminal.shows("lrad> ")
            terminal.type("event follow\r")
            events.until("an event is shown", lambda: terminal.has("LRA"))
            terminal.type("\x03")
            terminal.shows("lrad> ")
            terminal.type("quit\r")
            check(terminal.end() == 0, f"ssh -t: a session on a terminal of kind {term}, with Tab and Ctrl-C")
            check((ESCAPE in terminal.text) == colours, f"{'with' if colours else 'without'} colours and other escape codes")
        finally:
            terminal.kill()


def main():
    with Rig(sys.argv[1], hosts=()) as rig:
        sshd = SshServer(rig.path("sshd"), key_options="")
        try:
            sshd.start()
            rig.start()
            far = Far(rig, sshd)
            by_script(far)
            events = Events(rig)
            follows(far, rig, events)
            by_person(far, events)
        finally:
            sshd.stop()


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        print(f"FAILED {failure}", flush=True)
        sys.exit(1)
