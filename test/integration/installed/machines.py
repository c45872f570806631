"""Debian machines that systemd boots, as containers: each with files of its own over one image, on a network that has nothing but
them. Whatever was started is ended by process id, whatever was mounted is unmounted."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from rig import Failed, wait_until  # noqa: E402

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "TERM": "dumb", "LANG": "C.UTF-8"}
# systemd-nspawn takes these away from its containers; a machine's systemd has them to give.
CAPABILITIES = "CAP_SYS_RAWIO"


def run(argv, check=True, timeout=60):
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, timeout=timeout)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(map(str, argv))} ended with {done.returncode}: {done.stdout[-1000:]}{done.stderr[-2000:]}")
    return done


class Network:
    """A segment of its own: a bridge, and for each machine a namespace with addresses on it. Nothing else is reached."""

    def __init__(self, addresses):
        """`addresses`: of each machine, as a list."""
        self.addresses = addresses
        self.bridge = f"lra-{os.getpid()}-bridge"
        self.names = {name: f"lra-{os.getpid()}-{name}" for name in addresses}

    def __enter__(self):
        run(["ip", "netns", "add", self.bridge])
        run(["ip", "-n", self.bridge, "link", "add", "segment", "type", "bridge"])
        run(["ip", "-n", self.bridge, "link", "set", "segment", "up"])
        for number, (machine, name) in enumerate(self.names.items()):
            run(["ip", "netns", "add", name])
            run(["ip", "-n", self.bridge, "link", "add", f"port{number}", "type", "veth", "peer", "name", "eth0", "netns", name])
            run(["ip", "-n", self.bridge, "link", "set", f"port{number}", "master", "segment", "up"])
            for address in self.addresses[machine]:
                run(["ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0"])
            for link in ("lo", "eth0"):
                run(["ip", "-n", name, "link", "set", link, "up"])
        return self

    def __exit__(self, kind, value, trace):
        for name in (*self.names.values(), self.bridge):
            run(["ip", "netns", "delete", name], check=False)

    def path_of(self, machine):
        return f"/run/netns/{self.names[machine]}"


class Machine:
    """One of them. Its files outlive a shutdown, as a machine's do."""

    def __init__(self, name, image, network, folder):
        self.name, self.image, self.network = name, Path(image), network
        self.folder = Path(folder) / name
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir(parents=True)
        # overlayfs shows the upper folder's own owner and mode as those of the machine's root.
        (self.folder / "upper").chmod(0o755)
        self.root = self.folder / "root"
        self.container = None
        run(["mount", "-t", "overlay", "overlay", "-o",
             f"lowerdir={self.image},upperdir={self.folder / 'upper'},workdir={self.folder / 'work'}", self.root])
        self.path("etc/hostname").write_text(f"{name}\n")
        self.path("etc/machine-id").write_text("")
        self.path("var/log/journal").mkdir(exist_ok=True)  # kept over a shutdown

    def path(self, inside):
        return self.root / str(inside).lstrip("/")

    def write(self, inside, text, mode=0o640):
        """A file of root's that the group lra may read, as /etc/lra is."""
        path = self.path(inside)
        path.write_text(text)
        path.chmod(mode)
        group = self.root / "etc/group"
        found = [line.split(":")[2] for line in group.read_text().splitlines() if line.startswith("lra:")]
        os.chown(path, 0, int(found[0]) if found else 0)

    def boot(self):
        log = open(self.folder / "console.log", "ab")
        self.container = subprocess.Popen(
            ["systemd-nspawn", "--quiet", f"--directory={self.root}", f"--machine={self.name}", "--boot", "--register=no",
             "--keep-unit", "--console=pipe", f"--capability={CAPABILITIES}", "--resolv-conf=off", "--timezone=off",
             f"--network-namespace-path={self.network.path_of(self.name)}"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        log.close()
        wait_until(f"{self.name} boots", self._booted, 90)

    def _booted(self):
        if self.container.poll() is not None:
            raise Failed(f"{self.name} ended at once:\n{(self.folder / 'console.log').read_text(errors='replace')[-2000:]}")
        if self._init() is None:
            return False
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state if state in ("running", "degraded") else False

    def _init(self):
        """Process 1 of the machine, as this one numbers it."""
        children = Path(f"/proc/{self.container.pid}/task/{self.container.pid}/children")
        try:
            found = children.read_text().split()
        except OSError:
            return None
        return int(found[0]) if found else None

    def run(self, *argv, check=True, timeout=60):
        """A command of root's on the machine."""
        words = ["nsenter", "--target", self._init(), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "env", "-i",
                 *(f"{name}={value}" for name, value in ENVIRONMENT.items()), *argv]
        return run(words, check=check, timeout=timeout)

    def property_of(self, unit, name):
        return self.run("systemctl", "show", "--value", "--property", name, unit).stdout.strip()

    def main_process(self, unit):
        """As the machine numbers it."""
        return int(self.property_of(unit, "MainPID"))

    def journal(self, unit, lines=40):
        return self.run("journalctl", "--no-pager", "--output=cat", f"--lines={lines}", f"--unit={unit}", check=False).stdout

    def shut_down(self, timeout=120):
        """As `poweroff` does: every service is stopped in order. How long it took."""
        began = time.monotonic()
        self.run("systemctl", "poweroff", check=False)
        try:
            self.container.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} has not shut down within {timeout} s") from None
        self.container = None
        return time.monotonic() - began

    def remove(self):
        if self.container is not None and self.container.poll() is None:
            os.kill(self.container.pid, signal.SIGTERM)
            try:
                self.container.wait(20)
            except subprocess.TimeoutExpired:
                self.container.kill()
                self.container.wait()
        run(["umount", "--lazy", self.root], check=False)


class Machines:
    """Boots them side by side, each with the package installed by dpkg."""

    def __init__(self, image, package, addresses):
        self.image, self.package = Path(image), Path(package)
        self.network = Network(addresses)
        self.folder = Path(tempfile.mkdtemp(prefix="lra-machines-", dir=self.image))
        self.all = {}

    def __enter__(self):
        try:
            self.network.__enter__()
            for name in self.network.names:
                self.all[name] = Machine(name, self.image / "root", self.network, self.folder)
            for machine in self.all.values():
                shutil.copy(self.package, machine.path("root/package.deb"))
                machine.boot()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __getitem__(self, name):
        return self.all[name]

    def __exit__(self, kind, value, trace):
        for machine in self.all.values():
            machine.remove()
        self.network.__exit__(kind, value, trace)
        shutil.rmtree(self.folder, ignore_errors=True)
