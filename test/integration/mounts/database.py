"""A PostgreSQL server of Debian's in a folder of its own, on a Unix socket only."""

import os
import pwd
import shutil
import subprocess
import tempfile

PROGRAMS = "/usr/lib/postgresql/15/bin"


def is_installed():
    return os.path.exists(f"{PROGRAMS}/initdb")


class Database:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="lra-pg-")
        self.user = None
        if os.geteuid() == 0:  # the server refuses to run as root
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self.user = "postgres"
        self._run("initdb", "-D", f"{self.folder}/data", "-U", "lra", "-A", "trust", "--no-sync", "--no-locale")
        self.start()

    def _run(self, program, *words, check=True):
        subprocess.run([f"{PROGRAMS}/{program}", *words], check=check, user=self.user, cwd="/", timeout=90,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self):
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-w", "-t", "60", "-l", f"{self.folder}/log",
                  "-o", f"-k {self.folder} -c listen_addresses='' -c fsync=off -c jit=off", "start")

    def stop(self, mode="immediate"):
        self._run("pg_ctl", "-D", f"{self.folder}/data", "-m", mode, "-w", "stop", check=False)

    def end(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def address(self):
        return f"host={self.folder} user=lra dbname=postgres"
