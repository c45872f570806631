"""Hosts as network namespaces: each with an address of its own, on one switch, over wires that lose and delay.

Nothing is left behind: a namespace lives as long as the process that holds it, and its interfaces with it. Needs root."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


class NotPermitted(Exception):
    """This machine lets nobody make network namespaces; the text says what it said."""


def _run(argv):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20)
    if done.returncode != 0:
        raise NotPermitted(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


class Namespace:
    def __init__(self, name):
        self.name = name
        # Says a line when it is inside, and ends with its standard input.
        self.holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up && echo inside && cat"],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline() != "inside\n":
            raise NotPermitted(f"unshare --net: {self.holder.stderr.read().strip()}")

    def enter(self, argv):
        """An argv that runs in here; the process keeps its id."""
        return ["nsenter", "--target", str(self.holder.pid), "--net", "--", *map(str, argv)]

    def run(self, *argv):
        return _run(self.enter(argv))

    def end(self):
        self.holder.stdin.close()
        self.holder.wait(10)
        self.holder.stdout.close()
        self.holder.stderr.close()


class Network:
    """A controller with a switch at 198.51.100.1, and hosts at .11, .12 ... on it."""

    def __init__(self, hosts):
        for tool in ("ip", "unshare", "nsenter"):
            if shutil.which(tool) is None:
                raise NotPermitted(f"no program {tool}")
        self.namespaces, self.wires = {}, {}
        self.frames_lost = 0  # by wire.py, known at the end
        self.address = {"controller": "198.51.100.1"}
        self.address.update({h: f"198.51.100.{11 + i}" for i, h in enumerate(hosts)})
        try:
            self._add("controller")
            controller = self.namespaces["controller"]
            controller.run("ip", "link", "add", "switch", "type", "bridge")
            controller.run("ip", "address", "add", "198.51.100.1/24", "dev", "switch")
            controller.run("ip", "link", "set", "switch", "up")
            for host in hosts:
                self._add(host)
        except Exception:
            self.end()
            raise

    def _add(self, name):
        self.namespaces[name] = Namespace(name)

    def enter(self, name, argv):
        return self.namespaces[name].enter(argv)

    def _up(self, host):
        inside, controller = self.namespaces[host], self.namespaces["controller"]
        inside.run("ip", "address", "add", f"{self.address[host]}/24", "dev", "wire")
        inside.run("ip", "link", "set", "wire", "up")
        controller.run("ip", "link", "set", f"to-{host}", "master", "switch")
        controller.run("ip", "link", "set", f"to-{host}", "up")

    def connect(self, host, loss_percent=0, delay_ms=0):
        """A plain wire, or a bad one: the kernel's netem where it has it, else a program between two taps."""
        inside, controller = self.namespaces[host], self.namespaces["controller"]
        if loss_percent or delay_ms:
            if not self._netem_is_there():
                self._wire_program(host, loss_percent, delay_ms)
                self._up(host)
                return "wire.py"
        controller.run("ip", "link", "add", f"to-{host}", "type", "veth", "peer", "name", "wire",
                       "netns", str(inside.holder.pid))
        self._up(host)
        if not loss_percent and not delay_ms:
            return "veth"
        for namespace, device in ((inside, "wire"), (controller, f"to-{host}")):
            namespace.run("tc", "qdisc", "add", "dev", device, "root", "netem",
                          "loss", f"{loss_percent}%", "delay", f"{delay_ms}ms")
        return "netem"

    def _netem_is_there(self):
        inside = self.namespaces["controller"]
        inside.run("ip", "link", "add", "probe", "type", "veth", "peer", "name", "probe-end")
        try:
            inside.run("tc", "qdisc", "add", "dev", "probe", "root", "netem", "loss", "1%")
            return True
        except (NotPermitted, FileNotFoundError):
            return False
        finally:
            inside.run("ip", "link", "del", "probe")

    def _wire_program(self, host, loss_percent, delay_ms):
        wire = subprocess.Popen(
            [sys.executable, str(HERE / "wire.py"), str(self.namespaces[host].holder.pid), "wire",
             str(self.namespaces["controller"].holder.pid), f"to-{host}", str(loss_percent), str(delay_ms)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.wires[host] = wire
        if wire.stdout.readline() != "up\n":
            raise NotPermitted(f"wire.py: {wire.stderr.read().strip()}")

    def cut(self, host):
        self.namespaces["controller"].run("ip", "link", "set", f"to-{host}", "down")

    def mend(self, host):
        self.namespaces["controller"].run("ip", "link", "set", f"to-{host}", "up")

    def end(self):
        for wire in self.wires.values():
            wire.stdin.close()
            self.frames_lost += int(wire.stdout.readline() or 0)
            wire.wait(10)
            wire.stdout.close()
            wire.stderr.close()
        for namespace in self.namespaces.values():
            namespace.end()


def may_make_namespaces():
    return os.geteuid() == 0
