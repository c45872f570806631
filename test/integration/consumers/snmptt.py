"""Debian's snmptrapd and snmptt with the configuration that packaging/snmptt makes: what an operator reads of an alarm and its end.
snmptt.py BIN-FOLDER; ends with 77 where snmptt is not installed."""

import json
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "test/support"))
from rig import Failed, Rig, wait_until  # noqa: E402

D1 = "VT00000001"


class SnmpttRig(Rig):
    def _write_lrad(self):
        super()._write_lrad()
        configuration = json.loads(self.path("lrad.json").read_text())
        configuration["snmp"]["heartbeat_s"] = 1
        self._write("lrad.json", configuration)

    def start_trap_receiver(self):
        mib = ROOT / "snmp_mib/TAPE-LIBRARY-RESERVATION-MIB.txt"
        made = self.run([str(ROOT / "packaging/snmptt/make_conf.py"), str(mib)])
        self.path("lra.conf").write_text(made.stdout)
        strange = self.path("strange.txt")
        strange.write_text(mib.read_text().replace("tlrDriveConcern NOTIFICATION-TYPE", "tlrDriveStrange NOTIFICATION-TYPE"))
        refused = self.run([str(ROOT / "packaging/snmptt/make_conf.py"), str(strange)], check=False)
        if refused.returncode == 0 or "tlrDriveStrange" not in refused.stderr:
            raise Failed("a notification whose severity nobody has chosen gets one")
        self.path("spool").mkdir()
        self.path("snmptt.ini").write_text(f"""[General]
mode = standalone
multiple_event = 1
dns_enable = 0
mibs_environment =
[Logging]
stdout_enable = 0
log_enable = 1
log_file = {self.path("snmptt.log")}
log_system_enable = 0
unknown_trap_log_enable = 1
unknown_trap_log_file = {self.path("unknown.log")}
syslog_enable = 0
syslog_system_enable = 0
[TrapFiles]
snmptt_conf_files = <<END
{self.path("lra.conf")}
END
""")
        conf = self.path("snmptrapd.conf")
        ours = (ROOT / "packaging/snmptrapd/snmptrapd.conf").read_text()
        for placeholder, word in (("AUTH-PASSPHRASE", self.passphrase("noc.auth")), ("PRIV-PASSPHRASE", self.passphrase("noc.priv")),
                                  (" nms", " noc"), ("/usr/sbin/snmptt", f"{shutil.which('snmptt')} --ini={self.path('snmptt.ini')}")):
            if placeholder not in ours:
                raise Failed(f"{placeholder} is not in packaging/snmptrapd/snmptrapd.conf any more")
            ours = ours.replace(placeholder, word)
        conf.write_text(ours)
        conf.chmod(0o600)
        state = self.path("snmptrapd")
        state.mkdir(mode=0o700)
        self.spawn("snmptrapd", [shutil.which("snmptrapd") or "/usr/sbin/snmptrapd", "-f", "-Lo", "-On", "-C", "-c", str(conf), "-m", "",
                                 f"udp:127.0.0.1:{self.trap_port}"], env={"SNMP_PERSISTENT_DIR": str(state), "MIBS": ""})
        wait_until("snmptrapd listens", lambda: self._udp_taken(self.trap_port), 20)

    def told(self):
        log = self.path("snmptt.log")
        return log.read_text(errors="replace") if log.exists() else ""


def expect(rig, *words):
    wait_until(" ".join(words), lambda: any(all(w in line for w in words) for line in rig.told().splitlines()), 20)
    line = next(one for one in rig.told().splitlines() if all(w in one for w in words))
    print("ok    " + line, flush=True)


def main():
    if shutil.which("snmptt") is None:
        print("snmptt is not installed")
        return 77
    with SnmpttRig(sys.argv[1], consumer=True, hosts=("host-a",)) as rig:
        try:
            rig.start()
            rig.ask("lrad", "notice", "test")
            expect(rig, ".8433.0.7 ", "Informational", "lra: ")
            rig.lractl("lrad", "drive", "offline", D1, "--reason", "inspection")
            expect(rig, ".8433.0.13 ", "Critical", f"drive {D1}", "inspection")
            rig.lractl("lrad", "drive", "clear", D1, "--reason", "done")
            expect(rig, ".8433.0.14 ", "Normal", "over: ", f"drive {D1}")
            expect(rig, ".8433.0.8 ", "Normal", "lra: ")
            if rig.path("unknown.log").exists() and rig.path("unknown.log").read_text().strip():
                raise Failed("snmptt did not know: " + rig.path("unknown.log").read_text())
        except Failed as failure:
            print(f"FAILED {failure}\n{rig.told()}\n{rig.log_of('snmptrapd')[-2000:]}", flush=True)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
