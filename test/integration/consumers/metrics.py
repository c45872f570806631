"""GET /metrics and /healthz of real daemons, read as strictly as Prometheus would. metrics.py BIN-FOLDER"""

import json
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from rig import Failed, Rig, free_ports, wait_until  # noqa: E402

D1 = "VT00000001"
SAMPLE = re.compile(r'([a-z_:][a-z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*)\})? (-?[0-9]+(?:\.[0-9]+)?)')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def check(condition, words):
    if not condition:
        raise Failed(words)
    print(f"ok    {words}", flush=True)


class MeasuredRig(Rig):
    def _write_configurations(self):
        super()._write_configurations()
        self.ports = dict(zip(("lrad", "vtld", "host-a"), free_ports(3, socket.SOCK_STREAM)))
        self._measure("vtld.json", "vtld")
        self._measure("dsad-host-a.json", "host-a")

    def _write_lrad(self):
        super()._write_lrad()
        self._measure("lrad.json", "lrad")

    def _measure(self, file, name):
        configuration = json.loads(self.path(file).read_text())
        configuration["metrics"] = {"listen": f"tcp:127.0.0.1:{self.ports[name]}"}
        self._write(file, configuration)

    def get(self, path, daemon="lrad"):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[daemon]}{path}", timeout=10) as answer:
            return answer.read().decode(), answer.headers["Content-Type"]

    def samples(self, daemon="lrad"):
        """{(name, labels): value}; each family announced once, before its samples, and no sample twice."""
        text, kind = self.get("/metrics", daemon)
        check("version=0.0.4" in kind, "the answer has the type of Prometheus' text format")
        families, found, current = set(), {}, ""
        for line in text.splitlines():
            if line.startswith("# HELP "):
                current = line.split()[2]
                if current in families:
                    raise Failed(f"{current} is announced twice")
                families.add(current)
            elif not line.startswith("# TYPE "):
                match = SAMPLE.fullmatch(line)
                if match is None or match[1] != current:
                    raise Failed(f"not a sample of {current}: {line}")
                key = (match[1], tuple(sorted(LABEL.findall(match[2] or ""))))
                if key in found:
                    raise Failed(f"twice: {line}")
                found[key] = float(match[3])
        self.families = families
        return found


def value(samples, name, **labels):
    matching = [v for (n, have), v in samples.items() if n == name and set(labels.items()) <= set(have)]
    return matching[0] if len(matching) == 1 else matching


def families_read(path, pattern):
    """Names of metrics that a file of packaging/ reads."""
    names = set()
    for found in re.findall(pattern, path.read_text()):
        names.update(re.findall(r"\b(?:lra|hw|process)_[a-z0-9_]+", found))
    return names


def metrics_of_a_pair(root):
    """What only a node of a pair tells, by the page of all metrics."""
    return set(re.findall(r"\blra_pair_[a-z0-9_]+", (root / "docs/METRICS.md").read_text()))


def check_integrations(families):
    root = Path(__file__).resolve().parents[3]
    packaging = root / "packaging"
    families = families | metrics_of_a_pair(root)
    for path, pattern in ((packaging / "zabbix/lra.json", r'"parameters": \[([^\]]*)\]'), (packaging / "prometheus/lra.rules.yml", r"expr: (.*)")):
        names = families_read(path, pattern)
        missing = names - families
        check(len(names) > 5 and not missing, f"{path.name} reads {len(names)} metrics and all of them exist" + (f", but {missing}" if missing else ""))


def check_with_promtool(rig):
    """Prometheus' own judge, where it is installed."""
    promtool = shutil.which("promtool")
    if promtool is None:
        print("      promtool is not installed: the rules and metrics are not judged by it", flush=True)
        return
    rules = Path(__file__).resolve().parents[3] / "packaging/prometheus/lra.rules.yml"
    judged = rig.run([promtool, "check", "rules", str(rules)], check=False)
    check(judged.returncode == 0, f"promtool takes the rules {judged.stderr}")
    for daemon in ("lrad", "host-a", "vtld"):
        judged = subprocess.run([promtool, "check", "metrics"], input=rig.get("/metrics", daemon)[0], capture_output=True, text=True,
                                timeout=30)
        check(judged.returncode == 0 and not judged.stderr, f"promtool takes the metrics of {daemon} {judged.stderr}")


def check_rule_about_strangers(rig):
    """What the rule LraMessagesRefused adds up, read as Prometheus would, sees who is no agent of ours and sends garbage."""
    rules = (Path(__file__).resolve().parents[3] / "packaging/prometheus/lra.rules.yml").read_text()
    rule = re.search(r"alert: LraMessagesRefused\s+expr: sum by \(instance, (\w+)\) \(increase\((\w+)(\{[^}]*\})?\[", rules)
    matcher = re.fullmatch(r'\{(\w+)=~"(.*)"\}', rule[3] or '{' + rule[1] + '=~".*"}')

    def added_up():
        return sum(v for (name, labels), v in rig.samples().items()
                   if name == rule[2] and re.fullmatch(matcher[2], dict(labels)[matcher[1]]))
    before = added_up()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for _ in range(12):
            stranger.sendto(b"\x30\x82\xff\xff garbage", ("127.0.0.1", rig.lrad_port))
    wait_until("the rule sees them", lambda: added_up() >= before + 12, 10)
    print("ok    the rule LraMessagesRefused sees who sends garbage", flush=True)


def check_host_and_library(rig):
    """A drive that is forced offline and reserved by host-a, as the others see it."""
    for daemon in ("host-a", "vtld"):
        check(rig.get("/healthz", daemon)[0] == "ok\n", f"{daemon} is healthy")
    host = rig.samples("host-a")
    check(value(host, "dsa_agent_info", agent="host-a") == 1 and value(host, "dsa_controller_answering", controller="lra") == 1
          and value(host, "dsa_drive_application_state", drive=D1, state="online") in (0, 1), "dsad tells its drives and its controller")
    library = rig.samples("vtld")
    check(value(library, "vtl_drive_reserved", drive=D1) == 1 and value(library, "vtl_drive_forced_offline", drive=D1) == 1
          and value(library, "vtl_events_connected", agent=f"unix:{rig.sock('events')}") == 1, "vtld tells its drives and the way to its controller")


def main():
    with MeasuredRig(sys.argv[1]) as rig:
        rig.start()
        check(rig.get("/healthz")[0] == "ok\n", "lrad is healthy")
        before = rig.samples()
        check_integrations(rig.families)
        check(value(before, "lra_drive_reserved", drive=D1) == 0 and value(before, "lra_agent_state", agent="host-a", state="started") == 1,
              "a free drive, and agents that have started")
        host = rig.scsi_host("host-a", D1)
        host.reserve6()
        rig.await_drive(D1, lambda d: d["reservation"]["state"] == "reserved", "reserved")
        wait_until("all confirmed", lambda: rig.ask("lrad", "handshake", "list") == [], 10)
        after = rig.samples()
        check(value(after, "lra_drive_reserved", drive=D1) == 1 and value(after, "lra_drive_holder_info", drive=D1, domain="application-host-a") == 1,
              "a reservation shows, with its holder's domain")
        check(value(after, "lra_confirmations_received_total") >= value(before, "lra_confirmations_received_total") + 3, "three confirmations are counted")
        rig.lractl("lrad", "drive", "offline", D1, "--reason", "test")
        rig.await_drive(D1, lambda d: d["operational_state"] == "forced_offline", "forced offline")
        forced = rig.samples()
        check(value(forced, "hw_status", hw_id=D1, hw_state="degraded") == 1 and value(forced, "lra_alarm", kind="drive_forced_offline", drive=D1) == 1,
              "a drive that is forced offline is degraded, and its alarm is there")
        check_host_and_library(rig)
        check_rule_about_strangers(rig)
        check_with_promtool(rig)
        try:
            rig.get("/nothing")
            raise Failed("/nothing was answered")
        except urllib.error.HTTPError as error:
            check(error.code == 404, "anything else is 404")
        taken = rig.run([str(rig.bin / "lrad"), "--config", str(rig.path("lrad.json"))], check=False)
        check(taken.returncode == 1, "a second lrad on the same configuration ends with 1: " + taken.stderr.strip().splitlines()[-1][-120:])


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        print(f"FAILED {failure}", flush=True)
        sys.exit(1)
