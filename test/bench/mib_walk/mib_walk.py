#!/usr/bin/env python3
"""What does it cost to walk a large table? Processor time of lra-mibd for each row, by GETBULK and by GETNEXT, standalone
and as a subagent of Debian's snmpd, which is the peer in the same run.

    test/bench/mib_walk/mib_walk.py BUILD-FOLDER

Needs snmp_feeder_process (target of the tests) and lra-mibd. Prints, never fails.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from rig import free_ports  # noqa: E402

MIB = ".1.3.6.1.4.1.8072.9999.9999.8433"
SECRET = "correct horse battery"


def ticks(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Served:
    def __init__(self, build, folder, agentx=None):
        key = folder / "key"
        key.write_text(f"passphrase {SECRET}\n")
        key.chmod(0o600)
        state = folder / ("subagent" if agentx else "alone")
        state.mkdir()
        self.process = subprocess.Popen([build / "tests/snmp_feeder_process", build / "bin/lra-mibd", state, key] + ([agentx] if agentx else []),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.snapshots = 0
        self.wait(1)

    def wait(self, snapshots):
        while True:
            words = self.process.stdout.readline().split()
            if words and words[0] == "status":
                self.pid, self.port, self.snapshots = int(words[1]), words[2], int(words[3])
                if self.snapshots >= snapshots and (self.port != "0" or words[-1] == "master"):
                    return

    def drives(self, count):
        self.process.stdin.write(f"drives {count}\n")
        self.wait(self.snapshots + 1)

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)


def walk(tool, port, *options):
    done = subprocess.run([tool, "-v3", "-u", "reader", "-l", "authPriv", "-a", "SHA-256", "-A", SECRET, "-x", "AES", "-X", SECRET, "-On", "-m", "",
                           "-t", "20", *options, f"127.0.0.1:{port}", MIB + ".1.2.1"], capture_output=True, text=True, env={**os.environ, "MIBDIRS": "/nowhere"})
    return done.stdout.count(" = ")


def measure(name, served, port, rows):
    served.drives(rows)
    time.sleep(1.5)
    for tool, options in (("snmpbulkwalk", ["-Cr50"]), ("snmpwalk", [])):
        if tool == "snmpwalk" and rows > 1000:
            continue
        before, begin = ticks(served.pid), time.monotonic()
        values = walk(tool, port, *options)
        took = time.monotonic() - begin
        print(f"{name:11} {tool:13} {rows:5} rows {values:6} values  {took:6.2f} s  lra-mibd {1e6 * (ticks(served.pid) - before) / max(values, 1):6.1f} us a value")


def main():
    build = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        conf = folder / "snmpd.conf"
        conf.write_text(f'createUser reader SHA-256 "{SECRET}" AES "{SECRET}"\nrouser reader authpriv\nmaster agentx\n')
        (folder / "snmpd").mkdir()
        port = free_ports(1)[0]
        snmpd = subprocess.Popen(["/usr/sbin/snmpd", "-f", "-C", "-c", conf, "-x", f"unix:{folder}/master", "-Lf", "/dev/null",
                                  "-I", "-smux,mteTrigger,mteTriggerConf", f"udp:127.0.0.1:{port}"],
                                 env={**os.environ, "SNMP_PERSISTENT_DIR": str(folder / "snmpd"), "MIBS": ""})
        alone, subagent = Served(build, folder), Served(build, folder, f"unix:{folder}/master")
        try:
            for rows in (250, 1000, 4000):
                measure("standalone", alone, alone.port, rows)
                measure("AgentX", subagent, port, rows)
        finally:
            alone.end()
            subagent.end()
            snmpd.terminate()
            snmpd.wait(20)


if __name__ == "__main__":
    main()
