"""A pair of controllers, a library and three hosts, each a machine with the Debian package, configured as the documentation
says: files in /etc/lra, keys of mode 0600, the ports that are usual."""

import json
import secrets
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from machines import Failed, run, wait_until  # noqa: E402

NODES = {"lra-a": "first", "lra-b": "second"}
HOSTS = ("host-a", "host-b", "host-c")
DRIVES = ("VT00000001", "VT00000002")
VOLUMES = tuple(f"VT{number:04}L8" for number in range(1, 5))
CLUSTER = "library-1"
ADDRESS = {"library": "192.0.2.1", "lra-a": "192.0.2.11", "lra-b": "192.0.2.12",
           "host-a": "192.0.2.21", "host-b": "192.0.2.22", "host-c": "192.0.2.23"}
# The hosts' three agents are instances on one machine.
MACHINES = {**{name: [ADDRESS[name]] for name in ("library", "lra-a", "lra-b")}, "hosts": [ADDRESS[host] for host in HOSTS]}
PREFIX = "iqn.2026-01.example.library"


def other(node):
    return "lra-b" if node == "lra-a" else "lra-a"


class Library:
    def __init__(self, machines, programs):
        self.machines, self.programs = machines, Path(programs)

    # ---- what an administrator does

    def configure(self):
        machines = self.machines
        users = {"nodes": NODES, "voters": ["hosts"], "noc": NODES, **{host: [*NODES, "hosts"] for host in HOSTS}}
        for user, places in users.items():
            for part in ("auth", "priv"):
                self._share_key(f"{user}.{part}", places)
        secret = secrets.token_urlsafe(24)
        self._share_certificates(("library", *NODES))
        for node in NODES:
            machines[node].run("install", "-m", "600", "-o", "lra", "/dev/null", "/etc/lra/database.key")
            machines[node].path("etc/lra/database.key").write_text(secret + "\n")
            self._write(node, "lrad", self._node(node))
        self._write("library", "vtld", self._vtld())
        for host in HOSTS:
            self._write("hosts", f"dsad-{host}", self._agent(host))
        shutil.copy(self.programs / "sample-backup-application", machines["hosts"].path("usr/local/bin"))
        for host in HOSTS:
            for number in range(len(DRIVES)):
                machines["hosts"].run(*self._application(host), "drive", "add", f"drive-{number + 1}")

    def _write(self, machine, name, configuration):
        self.machines[machine].write(f"etc/lra/{name}.json", json.dumps(configuration, indent=2) + "\n")

    def _share_key(self, name, places):
        """Made on one machine, copied to the others; whoever runs the daemon owns it."""
        first = None
        for place in places:
            machine = self.machines[place]
            path = machine.path(f"etc/lra/{name}.key")
            if first is None:
                machine.run("lractl", "key", "create", f"/etc/lra/{name}.key")
                first = path
            else:
                shutil.copyfile(first, path)
                path.chmod(0o600)
            if place in NODES:
                machine.run("chown", "lra:lra", f"/etc/lra/{name}.key")

    def _share_certificates(self, names):
        """As docs/DRIVE_INTERFACE.md has it: an authority, and a certificate for each end of the drive event channel."""
        keys = Path(self.machines.folder)
        new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "825"]
        authority = ["-CA", keys / "authority.crt", "-CAkey", keys / "authority.key"]
        run([*new, "-subj", "/CN=drive events of library-1", "-keyout", keys / "authority.key", "-out", keys / "authority.crt"])
        for name in names:
            run([*new, "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:FALSE", "-addext",
                 f"subjectAltName=DNS:{name},IP:{ADDRESS[name]}", *authority, "-keyout", keys / "events.key", "-out", keys / "events.crt"])
            for file in ("authority.crt", "events.crt", "events.key"):
                shutil.copyfile(keys / file, self.machines[name].path(f"etc/lra/{file}"))
            self.machines[name].path("etc/lra/events.key").chmod(0o600)
            self.machines[name].run("chown", "lra:lra", "/etc/lra/events.key")

    @staticmethod
    def _tls(peers):
        return {"certificate_file": "events.crt", "certificate_key_file": "events.key", "authority_file": "authority.crt",
                "peers": peers}

    @staticmethod
    def _user(name):
        return {"name": name, "auth": {"protocol": "SHA-256", "key_file": f"/etc/lra/{name}.auth.key"},
                "priv": {"protocol": "AES-128", "key_file": f"/etc/lra/{name}.priv.key"}}

    @staticmethod
    def _application(host):
        return ["/usr/local/bin/sample-backup-application", "--state", f"/var/lib/{host}.json"]

    def _vtld(self):
        return {"library": {"vendor": "LRA", "product": "VIRTUAL-LIB", "serial": "VTL0000001"},
                "drives": [{"serial": serial} for serial in DRIVES],
                "iscsi": {"listen": f"{ADDRESS['library']}:3260", "target_prefix": PREFIX},
                "events": {"connect": [f"tcp:{ADDRESS[node]}:8434" for node in NODES], "tls": self._tls(list(NODES))},
                "cartridges": {"folders": ["/var/lib/lra-vtl/one", "/var/lib/lra-vtl/two"], "capacity_mb": 16,
                               "barcodes": list(VOLUMES)}}

    def _node(self, node):
        peer = other(node)
        initiator = f"iqn.2026-01.example:{node}"
        portal = f"iscsi://{ADDRESS['library']}:3260/{PREFIX}"
        return {"controller": {"id": node},
                "events": {"listen": f"tcp:{ADDRESS[node]}:8434", "tls": self._tls(["library"])},
                "drives": [{"serial": serial, "shared": True, "element_address": 256 + number,
                            "interface": {"type": "iscsi", "url": f"{portal}:drive-{serial.lower()}/0",
                                          "initiator_name": initiator},
                            "offline": {"actuator": "drive"}} for number, serial in enumerate(DRIVES)],
                "agents": [{"name": host, "address": f"udp:{ADDRESS[host]}:1162", "user": host,
                            "domain": f"application-{host}"} for host in HOSTS],
                "domains": [{"name": f"application-{host}", "ports": [f"iscsi:iqn.2026-01.example:{host}"]} for host in HOSTS],
                # The port of SNMP itself, which a user without rights may not open.
                "snmp": {"listen": f"udp:{ADDRESS[node]}:1162", "mib_listen": f"udp:{ADDRESS[node]}:161",
                         "users": [self._user(name) for name in (*HOSTS, "noc", "nodes")]},
                "mounts": {"changer": {"type": "iscsi", "url": f"{portal}:changer/0", "initiator_name": initiator}},
                "pair": {"node": NODES[node], "cluster": CLUSTER, "voters": list(HOSTS),
                         "peer": {"name": peer, "addresses": [f"udp:{ADDRESS[peer]}:1162"], "user": "nodes"},
                         "database": {"listen": [ADDRESS[node]], "peer_address": ADDRESS[peer],
                                      "password_file": "database.key"}}}

    def _agent(self, host):
        application = self._application(host)
        return {"agent": {"name": host, "state_dir": f"/var/lib/lra-dsa/{host}", "domain": f"application-{host}"},
                "control": {"socket": f"/run/lra/dsad-{host}.sock"},
                "metrics": {"listen": "off"},
                "controllers": [{"name": node, "address": f"udp:{ADDRESS[node]}:1162", "user": host} for node in NODES],
                "snmp": {"listen": f"udp:{ADDRESS[host]}:1162", "users": [self._user(host), self._user("voters")]},
                "drives": [{"serial": serial, "application_name": f"drive-{number + 1}"} for number, serial in enumerate(DRIVES)],
                "ports": [f"iscsi:iqn.2026-01.example:{host}"],
                "pair": {"cluster": CLUSTER, "first": "lra-a", "second": "lra-b",
                         "agents": [{"name": h, "address": f"udp:{ADDRESS[h]}:1162", "user": "voters"} for h in HOSTS if h != host]},
                "application": {
                    "profile": "generic", "observe_only": False,
                    "offline": application + ["drive", "offline", "{drive}"], "online": application + ["drive", "online", "{drive}"],
                    "query": application + ["drive", "status", "{drive}"],
                    "states": {"online": ["^drive {drive} is online$"], "offline": ["^drive {drive} is offline$"],
                               "draining": ["^drive {drive} is draining "]}}}

    # ---- what an operator sees

    def ask(self, machine, *words, socket=None, check=True):
        """The answer of `lractl --json` on a machine; None when there is none and `check` is off."""
        argv = ["lractl", "--json", *(["--socket", f"/run/lra/{socket}.sock"] if socket else []), *words]
        done = self.machines[machine].run(*argv, check=False)
        if done.returncode == 0:
            return json.loads(done.stdout) if done.stdout.strip() else {}
        if check:
            raise Failed(f"{machine}: {' '.join(argv)} ended with {done.returncode}: {done.stderr.strip()}")
        return None

    def state(self, node):
        shown = self.ask(node, "pair", "show", check=False)
        return shown["state"] if shown else "gone"

    def await_pair(self, timeout=90):
        """Which node serves; the other one stands by."""
        return wait_until("a pair", lambda: next(
            (n for n in NODES if self.state(n) == "primary" and self.state(other(n)) == "standby"), None), timeout)[0]

    def await_mount(self, node, volume, timeout=60):
        return wait_until(f"{node} mounts {volume}", lambda: self.ask(node, "volume", "mount", volume, check=False), timeout)[0]

    def in_drives(self, node):
        claims = self.ask(node, "claim", "list")
        return {c["volume"]: c["drive"] for c in claims if c["state"] not in ("released", "ended") and c["drive"]}


__all__ = ["CLUSTER", "DRIVES", "HOSTS", "MACHINES", "NODES", "VOLUMES", "Failed", "Library", "other", "run", "wait_until"]
