"""The real Bacula on loopback: director with SQLite, storage daemon with a file autochanger of two drives, file daemon,
console; all below one folder, on free ports, without root.
"""

import os
import random
import socket
import subprocess
import time

LIBRARIES = "/usr/lib/bacula"


def free_ports(count):
    """Ports that nobody listens on now. Below the range that the kernel gives to clients."""
    found = []
    while len(found) < count:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


class Bacula:
    """`root` is where Debian's packages are unpacked: "/" when they are installed."""

    DRIVES = ("FileDrive-0", "FileDrive-1")

    def __init__(self, root, folder):
        self.root = root.rstrip("/")
        self.folder = folder
        self.processes = []
        for name in ("work", "volumes", "restored"):
            os.makedirs(f"{folder}/{name}", exist_ok=True)
        self.environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": folder,
            "LC_ALL": "C",
            "LD_LIBRARY_PATH": f"{self.root}{LIBRARIES}",
        }
        self.ports = dict(zip(("dir", "fd", "sd"), free_ports(3)))
        self._write_settings()

    def program(self, name):
        return f"{self.root}/usr/sbin/{name}"

    def _write(self, name, text):
        path = f"{self.folder}/{name}"
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o600)
        return path

    def _write_settings(self):
        home, ports = self.folder, self.ports
        work = f"{home}/work"
        self._write(
            "dir.conf",
            f"""
Director {{ Name = director; DirAddress = 127.0.0.1; DirPort = {ports["dir"]}; WorkingDirectory = {work}
  QueryFile = {home}/query.sql; PidDirectory = {work}; Password = secret; Messages = log; Maximum Concurrent Jobs = 8 }}
Catalog {{ Name = catalogue; DbName = bacula; DbUser = bacula; DbPassword = "" }}
Client {{ Name = client; Address = 127.0.0.1; FdPort = {ports["fd"]}; Catalog = catalogue; Password = secret
  Maximum Concurrent Jobs = 8 }}
Autochanger {{ Name = File; Address = 127.0.0.1; SdPort = {ports["sd"]}; Password = secret; Device = FileChanger
  Media Type = File; Autochanger = File; Maximum Concurrent Jobs = 8 }}
Pool {{ Name = Default; Pool Type = Backup; Label Format = "Vol-"; Maximum Volume Jobs = 1; Recycle = no }}
FileSet {{ Name = files; Include {{ Options {{ Signature = MD5 }}; File = {home}/files }} }}
FileSet {{ Name = slow; Include {{ Options {{ ReadFifo = yes }}; File = {home}/fifo }} }}
Job {{ Name = backup; Type = Backup; Level = Full; Client = client; FileSet = files; Storage = File; Pool = Default
  Messages = log; Maximum Concurrent Jobs = 4 }}
Job {{ Name = slow; Type = Backup; Level = Full; Client = client; FileSet = slow; Storage = File; Pool = Default
  Messages = log }}
Messages {{ Name = log; Append = {home}/log = all, !skipped; Console = all, !skipped, !saved }}
""",
        )
        drives = "".join(
            f"""
Device {{ Name = {name}; Drive Index = {index}; Media Type = File; Device Type = File; Archive Device = {home}/volumes
  Autochanger = yes; Label Media = yes; Random Access = yes; Automatic Mount = yes; Removable Media = no
  Always Open = no; Maximum Concurrent Jobs = 1 }}"""
            for index, name in enumerate(self.DRIVES)
        )
        self._write(
            "sd.conf",
            f"""
Storage {{ Name = storage; SDAddress = 127.0.0.1; SDPort = {ports["sd"]}; WorkingDirectory = {work}
  Pid Directory = {work}; Plugin Directory = {work}; Maximum Concurrent Jobs = 8 }}
Director {{ Name = director; Password = secret }}
Autochanger {{ Name = FileChanger; Device = {", ".join(self.DRIVES)}; Changer Device = /dev/null; Changer Command = "" }}
{drives}
Messages {{ Name = log; Director = director = all }}
""",
        )
        self._write(
            "fd.conf",
            f"""
FileDaemon {{ Name = client; FDAddress = 127.0.0.1; FDPort = {ports["fd"]}; WorkingDirectory = {work}
  Pid Directory = {work}; Maximum Concurrent Jobs = 8 }}
Director {{ Name = director; Password = secret }}
Messages {{ Name = log; Director = director = all, !skipped, !restored }}
""",
        )
        self._write(
            "bconsole.conf",
            f"Director {{ Name = director; Address = 127.0.0.1; DirPort = {ports['dir']}; Password = secret }}\n",
        )
        self._write("query.sql", "")
        os.makedirs(f"{home}/files", exist_ok=True)
        self._write("files/one", "one\n" * 1000)
        os.mkfifo(f"{home}/fifo")

    def start(self):
        tables = open(f"{self.root}/usr/share/bacula-director/make_sqlite3_tables").read()
        database = f"{self.folder}/work/bacula.db"
        sql = tables.split("<<END-OF-DATA", 1)[1].split("\nEND-OF-DATA", 1)[0]
        sql = sql.split("\n", 1)[1]
        import sqlite3

        with sqlite3.connect(database) as catalogue:
            catalogue.executescript(sql)
        for name in ("sd", "fd", "dir"):
            log = open(f"{self.folder}/{name}.out", "w")
            self.processes.append(
                subprocess.Popen(
                    [self.program(f"bacula-{name}"), "-f", "-c", f"{self.folder}/{name}.conf"],
                    env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                )
            )
        until = time.monotonic() + 30
        for port in self.ports.values():
            self._wait_for_port(port, until)  # a console that comes too early sleeps for 5 s

    def _wait_for_port(self, port, until):
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if time.monotonic() > until:
                    raise RuntimeError("Bacula does not start: " + self.outputs()) from None
                time.sleep(0.02)

    def ask(self, *commands, timeout=30):
        """What the console prints for these commands."""
        return subprocess.run(
            [self.program("bconsole"), "-n", "-c", f"{self.folder}/bconsole.conf"],
            input="\n".join(commands) + "\nquit\n",
            env=self.environment, capture_output=True, text=True, timeout=timeout,
        ).stdout

    def outputs(self):
        text = ""
        for name in ("dir.out", "sd.out", "fd.out", "log"):
            if os.path.exists(f"{self.folder}/{name}"):
                text += f"--- {name}\n" + open(f"{self.folder}/{name}").read()
        return text

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []
