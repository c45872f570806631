"""Debian's own sshd on a free port of loopback, as the user of the test: own host keys, own authorized key, nothing of
the machine's configuration. Ended by process id."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from rig import Failed, free_ports, wait_until  # noqa: E402


class SshServer:
    def __init__(self, folder, key_options="restrict"):
        self.program = shutil.which("sshd") or "/usr/sbin/sshd"
        if not Path(self.program).exists():
            raise Failed("sshd is missing: apt-get install openssh-server")
        self.folder = Path(folder)
        self.folder.mkdir(mode=0o700)
        self.user = getpass.getuser()
        self.port = free_ports(1, socket.SOCK_STREAM)[0]
        self.process = None
        self._keygen("client")
        self._keygen("host")
        self._keygen("other_host")
        self.key_file = self.folder / "client"
        self.known_hosts = self.folder / "known_hosts"
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} " + (self.folder / "host.pub").read_text())
        self.allow(key_options)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)

    def _keygen(self, name):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(self.folder / name)],
                       check=True)

    def allow(self, key_options="restrict"):
        prefix = key_options + " " if key_options else ""
        (self.folder / "authorized_keys").write_text(prefix + (self.folder / "client.pub").read_text())

    def start(self, host_key="host"):
        configuration = self.folder / "sshd_config"
        # Debian's bash reads ~/.bashrc when sshd starts it: whatever the tester has in his is none of this test's business.
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        configuration.write_text("\n".join([
            f"SetEnv HOME={home}",
            f"Port {self.port}", "ListenAddress 127.0.0.1", f"HostKey {self.folder / host_key}", "PidFile none",
            "UsePAM no", f"AuthorizedKeysFile {self.folder / 'authorized_keys'}", "StrictModes no",
            "PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin prohibit-password",
            "Banner none", "PrintMotd no", "LogLevel VERBOSE", ""]))
        log = open(self.folder / "sshd.log", "ab")
        self.process = subprocess.Popen([self.program, "-D", "-e", "-f", str(configuration)], stdin=subprocess.DEVNULL,
                                        stdout=log, stderr=log, start_new_session=True)
        log.close()
        wait_until("sshd listens", self._answers, 10)

    def _answers(self):
        if self.process.poll() is not None:
            raise Failed("sshd ended at once: " + self.log()[-800:])
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self):
        return (self.folder / "sshd.log").read_text(errors="replace")

    def descendants(self):
        """Process ids of the connections' sshd and of all they run."""
        parents = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                after_name = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if after_name[0] != "Z":
                parents.setdefault(int(after_name[1]), []).append(int(entry.name))
        found, ahead = [], [self.process.pid] if self.process else []
        while ahead:
            for child in parents.get(ahead.pop(), []):
                found.append(child)
                ahead.append(child)
        return found

    def connections(self):
        """Process ids of the connections' own sshd (the privileged halves)."""
        return [pid for pid in self.descendants() if self._parent(pid) == self.process.pid]

    @staticmethod
    def _parent(pid):
        try:
            return int((Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            return -1

    def drop_connections(self):
        """As a cable that is pulled, seen from the client: the far side is gone without a word. Each is halted before any
        is ended, so that none has a child that nobody knows of."""
        dropped = set()
        while found := set(self.descendants()) - dropped:
            self._signal(found, signal.SIGSTOP)
            dropped |= found
        self._signal(dropped, signal.SIGKILL)
        return len(dropped)

    @staticmethod
    def _signal(pids, number):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def stop(self):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGSTOP)  # takes no connection any more
        self.drop_connections()
        self.process.kill()
        self.process.wait(10)
        self.process = None
