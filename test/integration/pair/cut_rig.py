"""The pair and its agents as hosts with addresses of their own, which can be kept from hearing each other in one direction
or both: packets are sent to an address that no card has, and nobody is told. The library's network is never touched."""

import json
import socket
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hosts"))
from namespaces import Network, NotPermitted, may_make_namespaces  # noqa: E402
from pair_rig import NODES, Failed, PairRig, other, wait_until  # noqa: E402

NOWHERE = "02:00:00:00:00:fe"
PRIVATE = {"lra-a": "203.0.113.1", "lra-b": "203.0.113.2"}  # a wire between the nodes and nobody else


class CutRig(PairRig):
    """Everybody on one network, the nodes on a second one too; the databases use the second."""

    def __init__(self, bin_dir, network, **more):
        self.network = network
        super().__init__(bin_dir, **more)
        self.node_ports = dict.fromkeys(NODES, 1162)
        self.database_ports = dict.fromkeys(NODES, 5432)
        self.silenced = set()
        self._change("vtld.json", lambda c: c["iscsi"].update(listen=f"{network.address['controller']}:3260"))
        for host in self.hosts:
            self._change(f"dsad-{host}.json", lambda c, h=host: self._place_voter(c, h))
        first, second = (network.namespaces[node] for node in NODES)
        first.run("ip", "link", "add", "private", "type", "veth", "peer", "name", "private", "netns", str(second.holder.pid))
        for node, namespace in zip(NODES, (first, second)):
            namespace.run("ip", "address", "add", f"{PRIVATE[node]}/24", "dev", "private")
            namespace.run("ip", "link", "set", "private", "up")

    # ---- configuration

    def _change(self, name, change):
        configuration = json.loads(self.path(name).read_text())
        change(configuration)
        self._write(name, configuration)

    def _place_voter(self, configuration, host):
        address = self.network.address
        configuration["snmp"]["listen"] = f"udp:{address[host]}:1163"
        for node in configuration["controllers"]:
            node["address"] = f"udp:{address[node['name']]}:1162"
        for agent in configuration["pair"]["agents"]:
            agent["address"] = f"udp:{address[agent['name']]}:1163"

    def _write_node(self, node):
        super()._write_node(node)
        self._change(f"{node}.json", lambda c: self._place_node(c, node))

    def _place_node(self, configuration, node):
        peer = other(node)
        configuration["snmp"]["listen"] = "udp:0.0.0.0:1162"
        for agent in configuration["agents"]:
            agent["address"] = f"udp:{self.network.address[agent['name']]}:1163"
        pair = configuration["pair"]
        pair["peer"]["addresses"] = [f"udp:{self.network.address[peer]}:1162", f"udp:{PRIVATE[peer]}:1162"]
        pair["database"].update(listen=[PRIVATE[node]], peer_address=PRIVATE[peer])

    # ---- processes

    def spawn(self, name, argv, env=None, errors=None):
        place = name if name in self.network.namespaces else "controller"
        return super().spawn(name, self.network.enter(place, argv), env, errors)

    def run(self, argv, check=True, timeout=60, env=None):
        if "--init-pair" in argv:
            node = Path(argv[-1]).stem
            argv = self.network.enter(node, argv)
        return super().run(argv, check=check, timeout=timeout, env=env)

    def stop(self):
        for host in self.hosts:  # each would wait for controllers that are gone
            if host in self.processes:
                self.kill(host)
        super().stop()

    def start_trap_receiver(self):
        """Consumers are another story."""

    # ---- the network

    def _wires(self, sender, receiver):
        yield "wire", self.network.address[receiver]
        if sender in NODES and receiver in NODES:
            yield "private", PRIVATE[receiver]

    def silence(self, sender, receiver, wire=None):
        """What `sender` says does not come to `receiver`; the other way round it does."""
        for device, address in self._wires(sender, receiver):
            if wire not in (None, device):
                continue
            self.network.namespaces[sender].run("ip", "neigh", "replace", address, "lladdr", NOWHERE, "dev", device,
                                                "nud", "permanent")
            self.silenced.add((sender, device, address))

    def part(self, some, others, wire=None):
        """Neither side hears the other."""
        for one in some:
            for another in others:
                self.silence(one, another, wire)
                self.silence(another, one, wire)

    def heal(self):
        for sender, device, address in self.silenced:
            self.network.namespaces[sender].run("ip", "neigh", "del", address, "dev", device)
        self.silenced.clear()


class BothAct(threading.Thread):
    """Looks all the time whether both nodes have the right to command devices at the same moment."""

    def __init__(self, rig):
        super().__init__(daemon=True)
        self.rig, self.over, self.looks, self.seen = rig, threading.Event(), 0, None
        self.connections = {}
        self.start()

    def _acts(self, node):
        try:
            if node not in self.connections:
                connection = socket.socket(socket.AF_UNIX)
                connection.settimeout(5)
                connection.connect(self.rig.sock(node))
                self.connections[node] = connection.makefile("rw")
            stream = self.connections[node]
            stream.write('{"jsonrpc":"2.0","id":1,"method":"pair.show"}\n')
            stream.flush()
            return json.loads(stream.readline())["result"]["acts"]
        except (OSError, ValueError, KeyError):
            self.connections.pop(node, None)
            return False

    def run(self):
        while not self.over.is_set():
            # The first again at the end: the right may have gone from one to the other in between.
            first, second = NODES
            if self._acts(first) and self._acts(second) and self._acts(first):
                self.seen = time.monotonic()
                return
            self.looks += 1
            time.sleep(0.02)

    def end(self):
        self.over.set()
        self.join(10)
        if self.seen:
            raise Failed("both nodes had the right to command devices at the same moment")
        return self.looks


__all__ = ["BothAct", "CutRig", "Network", "NotPermitted", "may_make_namespaces", "wait_until"]
