"""A library, a controller and some hosts as real processes on loopback, for tests, benchmarks and the demo.

Everything lives in one folder and on ports that were free a moment ago; whatever was started is ended by process id.
"""

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Failed(Exception):
    """What was expected did not happen; the text says what did."""


def free_ports(count, kind=socket.SOCK_DGRAM):
    """Ports of loopback that nobody has now, below those that the kernel gives out by itself (from 32768 on): until they are
    used nobody else comes by them but another test's choice out of thousands."""
    held = []
    while len(held) < count:
        s = socket.socket(socket.AF_INET, kind)
        try:
            s.bind(("127.0.0.1", random.SystemRandom().randrange(12_000, 32_000)))
            held.append(s)
        except OSError:
            s.close()
    ports = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return ports


def wait_until(what, condition, timeout=10.0):
    """The first true value of condition(); Failed when there is none in time. Says how long it took."""
    begin = time.monotonic()
    last = None
    while time.monotonic() - begin < timeout:
        last = condition()
        if last:
            return last, time.monotonic() - begin
        time.sleep(0.02)
    raise Failed(f"{what}: not within {timeout:.0f} s")


class ScsiHost:
    """A host logged in to a drive over iSCSI (test/support/scsi_host)."""

    def __init__(self, program, url, name, isid):
        self.name = name
        self.process = subprocess.Popen(
            [program, "iscsi", url, name, str(isid)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def command(self, cdb, data_in=0, data_out=""):
        line = cdb + (f" in {data_in}" if data_in else f" out {data_out}" if data_out else "")
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise Failed(f"host {self.name} has gone")
        answer = json.loads(answer)
        if "error" in answer:
            raise Failed(f"host {self.name}: {answer['error']}")
        return answer

    def insist(self, cdb, **more):
        """Repeats what a unit attention has eaten, as any driver does."""
        for _ in range(10):
            answer = self.command(cdb, **more)
            if answer["status"] == 2 and int(answer["sense"][4:6], 16) & 15 == 6:
                continue
            return answer
        return answer

    def reserve6(self):
        return self.insist("160000000000")["status"]

    def release6(self):
        return self.insist("170000000000")["status"]

    def pr_out(self, action, key=0, action_key=0, kind=0):
        parameters = f"{key:016x}{action_key:016x}0000000000000000"
        return self.insist(f"5f{action:02x}{kind:02x}00000000001800", data_out=parameters)["status"]

    def pr_register(self, key):
        return self.pr_out(6, 0, key)

    def pr_unregister(self, key):
        return self.pr_out(0, key, 0)

    def pr_reserve(self, key, kind=3):
        return self.pr_out(1, key, 0, kind)

    def pr_release(self, key, kind=3):
        return self.pr_out(2, key, 0, kind)

    def sense_of(self, cdb, **more):
        """"KEY/ASC/ASCQ" of a command, or "good", or "conflict"."""
        answer = self.insist(cdb, **more)
        if answer["status"] == 0:
            return "good"
        if answer["status"] == 0x18:
            return "conflict"
        sense = bytes.fromhex(answer["sense"])
        return f"{sense[2] & 15:02x}/{sense[12]:02x}/{sense[13]:02x}"

    def log_out(self):
        self.process.stdin.close()
        self.process.wait(10)


class Rig:
    """Folders, keys, configurations and processes of one library with its hosts."""

    def __init__(self, bin_dir, folder=None, hosts=("host-a", "host-b", "host-c"), drives=("VT00000001", "VT00000002"),
                 timeout_ms=1500, retries=1, consumer=False, mib=False, poll_ms=500, drive_options=None):
        self.bin = Path(bin_dir)
        self.own_folder = folder is None
        # Short, since the path of a Unix socket holds 107 bytes.
        self.folder = Path(folder or tempfile.mkdtemp(prefix="lra-"))
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.hosts = list(hosts)
        self.drives = list(drives)
        self.timeout_ms, self.retries, self.poll_ms = timeout_ms, retries, poll_ms
        self.drive_options = drive_options or {}
        ports = free_ports(len(self.hosts) + 3)
        self.lrad_port, self.trap_port, self.mib_port = ports[:3]
        self.host_ports = dict(zip(self.hosts, ports[3:]))
        self.with_consumer, self.with_mib = consumer, mib
        self.processes = {}
        self.scsi_hosts = []
        # Each host has a fibre channel port and an iSCSI name.
        self.wwpn = {h: f"2100000e1e09a1b{i}" for i, h in enumerate(self.hosts)}
        self.iqn = {h: f"iqn.2026-01.example:{h}" for h in self.hosts}
        self._write_configurations()

    # ---- configuration -------------------------------------------------------------------------------------------

    def path(self, *names):
        return self.folder.joinpath(*names)

    def sock(self, name):
        return str(self.path(f"{name}.sock"))

    def _write(self, name, value):
        path = self.path(name)
        if "control" in value:
            value.setdefault("metrics", {"listen": "off"})
        path.write_text(json.dumps(value, indent=2) + "\n")
        return path

    def _key(self, name):
        path = self.path("keys", f"{name}.key")
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
            os.write(fd, f"passphrase {os.urandom(12).hex()}\n".encode())
            os.close(fd)
        return str(path)

    def _user(self, name):
        return {"name": name, "auth": {"protocol": "SHA-256", "key_file": self._key(f"{name}.auth")},
                "priv": {"protocol": "AES-128", "key_file": self._key(f"{name}.priv")}}

    def passphrase(self, name):
        return Path(self._key(name)).read_text().split()[1]

    def _write_configurations(self):
        self._write("vtld.json", {
            "library": {"vendor": "LRA", "product": "VIRTUAL-LIB", "serial": "VTL0000001"},
            "drives": [{"serial": s} for s in self.drives],
            "iscsi": {"listen": "127.0.0.1:0", "target_prefix": "iqn.2026-01.example.library"},
            "events": {"connect": f"unix:{self.sock('events')}"},
            "virtual_ports": {h: f"fc:{self.wwpn[h]}" for h in self.hosts},
            "state_dir": str(self.path("vtld")),
            "control": {"socket": self.sock("vtld")}})
        for host in self.hosts:
            state = self.path(host, "application.json")
            state.parent.mkdir(mode=0o700, exist_ok=True)
            application = [str(self.bin / "sample-backup-application"), "--state", str(state)]
            self._write(f"dsad-{host}.json", {
                "agent": {"name": host, "state_dir": str(self.path(host, "state")), "domain": f"application-{host}"},
                "control": {"socket": self.sock(host)},
                "controllers": [{"name": "lra", "address": f"udp:127.0.0.1:{self.lrad_port}", "user": host}],
                "snmp": {"listen": f"udp:127.0.0.1:{self.host_ports[host]}", "users": [self._user(host)]},
                "drives": [{"serial": s, "application_name": f"drive-{i + 1}"} for i, s in enumerate(self.drives)],
                "ports": [f"fc:{self.wwpn[host]}", f"iscsi:{self.iqn[host]}"],
                "application": {
                    "profile": "generic", "observe_only": False,
                    "offline": application + ["drive", "offline", "{drive}"],
                    "online": application + ["drive", "online", "{drive}"],
                    "query": application + ["drive", "status", "{drive}"],
                    "states": {"online": ["^drive {drive} is online$"], "offline": ["^drive {drive} is offline$"],
                               "draining": ["^drive {drive} is draining "]}}})
            for i in range(len(self.drives)):
                self.run(application + ["drive", "add", f"drive-{i + 1}"])

    def _write_lrad(self):
        snmp = {"listen": f"udp:127.0.0.1:{self.lrad_port}",
                "users": [self._user(h) for h in self.hosts] + [self._user("noc")]}
        if self.with_mib:
            snmp["mib_listen"] = f"udp:127.0.0.1:{self.mib_port}"
        if self.with_consumer:
            snmp["consumers"] = [{"address": f"udp:127.0.0.1:{self.trap_port}", "version": "3", "user": "noc"}]
        drives = []
        for i, serial in enumerate(self.drives):
            drive = {"serial": serial, "shared": True, "poll_ms": self.poll_ms, "element_address": 256 + i,
                     "interface": {"type": "iscsi", "url": self.url(serial),
                                   "initiator_name": "iqn.2026-01.example:library-controller"},
                     "offline": {"actuator": "drive"}}
            drive.update(self.drive_options.get(serial, {}))
            drives.append({k: v for k, v in drive.items() if v is not None})
        self._write("lrad.json", {
            "controller": {"id": "lra", "state_dir": str(self.path("lrad"))},
            "control": {"socket": self.sock("lrad")},
            "events": {"listen": f"unix:{self.sock('events')}"},
            "drives": drives,
            "agents": [{"name": h, "address": f"udp:127.0.0.1:{self.host_ports[h]}", "user": h,
                        "domain": f"application-{h}"} for h in self.hosts],
            "domains": [{"name": f"application-{h}", "ports": [f"fc:{self.wwpn[h]}", f"iscsi:{self.iqn[h]}"]}
                        for h in self.hosts],
            "handshake": {"timeout_ms": self.timeout_ms, "retries": self.retries, "on_missing": "force_offline"},
            "snmp": snmp})

    # ---- processes -----------------------------------------------------------------------------------------------

    def run(self, argv, check=True, timeout=60, env=None):
        done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, env={**os.environ, **(env or {})})
        if check and done.returncode != 0:
            raise Failed(f"{' '.join(map(str, argv))} ended with {done.returncode}: {done.stderr.strip()}")
        return done

    def spawn(self, name, argv, env=None, errors=None):
        """What it says goes to its log; what it says as errors to the file `errors`, when there is one."""
        log = open(self.path(f"{name}.log"), "ab")
        environment = dict(os.environ)
        environment.pop("NOTIFY_SOCKET", None)
        environment.update(env or {})
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=errors or log, env=environment,
                                   start_new_session=True)
        log.close()
        self.processes[name] = process
        return process

    def log_of(self, name):
        path = self.path(f"{name}.log")
        return path.read_text(errors="replace") if path.exists() else ""

    def _ready(self, name, answers):
        def look():
            if self.processes[name].poll() is not None:
                raise Failed(f"{name} ended at once:\n{self.log_of(name)[-2000:]}")
            return answers()
        wait_until(f"{name} answers at its control socket", look, 20)

    def start_vtld(self):
        self.spawn("vtld", [str(self.bin / "vtld"), "--config", str(self.path("vtld.json"))])
        self._ready("vtld", lambda: self.ask("vtld", "library", "status", quiet=True))
        self.urls = {d["serial"]: d["url"] for d in self.ask("vtld", "drive", "list")}

    def start_vtld_again(self):
        """After a kill: at the address it had, since lrad's configuration names it."""
        address = self.urls[self.drives[0]].split("/")[2]
        configuration = json.loads(self.path("vtld.json").read_text())
        configuration["iscsi"]["listen"] = address
        self._write("vtld.json", configuration)
        self.start_vtld()

    def start_lrad(self):
        self._write_lrad()
        self.spawn("lrad", [str(self.bin / "lrad"), "--config", str(self.path("lrad.json"))])
        self._ready("lrad", lambda: self.ask("lrad", "status", "show", quiet=True))

    def start_dsad(self, host):
        self.spawn(host, [str(self.bin / "dsad"), "--config", str(self.path(f"dsad-{host}.json"))])
        self._ready(host, lambda: self.ask(host, "drive", "list", quiet=True) is not None)

    def start_trap_receiver(self):
        """Debian's own snmptrapd, as a management station would run it."""
        conf = self.path("snmptrapd.conf")
        conf.write_text(
            f"createUser noc SHA-256 {self.passphrase('noc.auth')} AES {self.passphrase('noc.priv')}\n"
            "authUser log noc priv\n"
            "format2 %V %v\\n\n")
        conf.chmod(0o600)
        state = self.path("snmptrapd")
        state.mkdir(mode=0o700, exist_ok=True)
        mibs = f"{ROOT / 'snmp_mib'}:{ROOT / 'test/support/smi'}"
        self.spawn("snmptrapd", [shutil.which("snmptrapd") or "/usr/sbin/snmptrapd", "-f", "-Lo", "-C", "-c", str(conf),
                                 "-M", mibs, "-m", "TAPE-LIBRARY-RESERVATION-MIB", "-Oqs", f"udp:127.0.0.1:{self.trap_port}"],
                   env={"SNMP_PERSISTENT_DIR": str(state), "MIBS": "TAPE-LIBRARY-RESERVATION-MIB", "MIBDIRS": mibs})
        wait_until("snmptrapd listens", lambda: self._udp_taken(self.trap_port), 20)

    @staticmethod
    def _udp_taken(port):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            s.bind(("127.0.0.1", port))
            return False
        except OSError:
            return True
        finally:
            s.close()

    def start(self):
        self.start_vtld()
        if self.with_consumer:
            self.start_trap_receiver()
        self.start_lrad()
        for host in self.hosts:
            self.start_dsad(host)
        for host in self.hosts:
            self.await_agent(host, "started")
        for drive in self.drives:
            self.await_drive(drive, lambda d: d["reservation"]["state"] == "free" and d["operational_state"] == "online",
                             "free and online")

    def end(self, name, how=signal.SIGTERM, timeout=15):
        process = self.processes.pop(name, None)
        if process is None:
            return None
        if process.poll() is None:
            process.send_signal(how)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed(f"{name} did not end within {timeout} s after signal {how}")

    def stop(self):
        for host in self.scsi_hosts:
            if host.process.poll() is None:
                host.process.kill()
                host.process.wait()
        self.scsi_hosts = []
        for name in [n for n in self.hosts if n in self.processes] + ["lrad", "vtld", "snmptrapd"]:
            process = self.processes.pop(name, None)
            if process is None:
                continue
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            for name in ("lrad", "vtld", *self.hosts):
                tail = self.log_of(name)[-3000:]
                print(f"---- {name}.log, its end ----\n{tail}", file=sys.stderr)
        self.stop()
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    # ---- asking ---------------------------------------------------------------------------------------------------

    def lractl(self, name, *words):
        """Whatever a person at a shell would get: a completed process."""
        return self.run([str(self.bin / "lractl"), "--socket", self.sock(name), *words], check=False)

    def ask(self, name, *words, quiet=False):
        done = self.lractl(name, "--json", *words)
        if done.returncode != 0:
            if quiet:
                return None
            raise Failed(f"lractl {' '.join(words)} at {name} ended with {done.returncode}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def url(self, serial):
        return self.urls[serial]

    def drive(self, serial):
        return next(d for d in self.ask("lrad", "drive", "list") if d["serial"] == serial)

    def agent(self, name):
        return next(a for a in self.ask("lrad", "agent", "list") if a["name"] == name)

    def await_drive(self, serial, condition, words, timeout=15):
        def look():
            drive = self.drive(serial)
            return drive if condition(drive) else None
        return wait_until(f"drive {serial} is {words}", look, timeout)

    def await_agent(self, name, state, timeout=20):
        """In that state, and not being told the state of the drives any more."""
        def there():
            agent = self.agent(name)
            return agent["state"] == state and not agent["starting"]
        return wait_until(f"agent {name} is {state}", there, timeout)

    def application(self, host, *words, check=True):
        return self.run([str(self.bin / "sample-backup-application"), "--state",
                         str(self.path(host, "application.json")), *words], check=check).stdout.strip()

    def shown(self, host, serial):
        """What the backup application on that host says of the drive: online, draining, offline."""
        number = self.drives.index(serial) + 1
        return self.application(host, "drive", "status", f"drive-{number}").split(" is ")[1].split()[0]

    def await_shown(self, expected, serial, timeout=10):
        """`expected`: {host: state}. Returns how long it took."""
        def look():
            return all(self.shown(h, serial) == s for h, s in expected.items())
        try:
            return wait_until("", look, timeout)[1]
        except Failed:
            now = {h: self.shown(h, serial) for h in expected}
            raise Failed(f"drive {serial}: the applications should show {expected} and show {now}") from None

    def scsi_host(self, host, serial):
        connected = ScsiHost(str(self.bin / "scsi-host"), self.url(serial), self.iqn[host], self.hosts.index(host) + 1)
        self.scsi_hosts.append(connected)
        return connected
