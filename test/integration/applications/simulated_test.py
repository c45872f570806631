"""Proprietary applications, each played by a simulator and operated by its shipped profile, on one drive that another
host reserves: real lrad, real dsad, real notices. simulated_test.py BIN-FOLDER STORY"""

import json
import signal
import sys
from pathlib import Path

from stage import PROFILES, Stage, check, wait_until
import simulated_drives

SIMULATORS = Path(simulated_drives.__file__).parent
D1 = "VT00000001"

# host: profile, its program, the simulator, the application's name of the drive, settings, what its drives begin with
APPLICATIONS = {
    "sp": ("ibm-sp", "dsmadmc", "dsmadmc_simulator.py", "DRV01",
           {"parameters": {"library": "LIB1", "server": "SP1", "user": "LRA"}, "credentials_in_argv": True}, {}),
    "nbu": ("netbackup", "vmoprcmd", "vmoprcmd_simulator.py", "IBM.ULT3580-TD8.000", {"parameters": {"host": "media1"}},
            {"hosts": {"media1": {"{4,0,1,0}": "TLD", "/dev/nst0": "TLD"}, "media2": {"/dev/nst4": "TLD"}}}),
    "cta": ("cta", "cta-admin", "cta_admin_simulator.py", "IBMLIB1.F02C1", {}, {}),
    "nsr": ("networker", "nsradmin", "nsradmin_simulator.py", "rd=node1:/dev/nst0", {"parameters": {"server": "nsr1"}}, {}),
    "cv": ("commvault", "qoperation", "qoperation_simulator.py", "IBM ULT3580 1", {}, {}),
    "veeam": ("veeam", "powershell", "powershell_simulator.py", "Tape Drive 1", {}, {}),
    "bareos": ("bareos", "bconsole", "bareos_console_simulator.py", "Drive-1", {"parameters": {"storage": "Tape"}}, {}),
}


class Simulated(Stage):
    def __init__(self, bin_dir, hosts):
        super().__init__(bin_dir, hosts, [D1])
        for host in hosts:
            self.set_up(host)

    def set_up(self, host):
        profile, program, simulator, name, settings, drive = APPLICATIONS[host]
        state = self.file(host)
        other = name.replace(".", "x") + "9"  # a drive that a careless pattern would take for it
        simulated_drives.make(state, [name, other], **drive)
        settings = dict(settings)
        if host == "sp":
            settings["credentials"] = {"password": {"file": self.secret("sp.password", "secret of lra")}}
        if host == "cv":
            settings["parameters"] = {"library": "LIB 1", "token_file": self.secret("token", "a login token")}
        settings["programs"] = {program: self.wrapper(
            program, [sys.executable, "-B", str(SIMULATORS / simulator), state])}
        self.run_application(host, profile, {D1: name}, drain_poll_ms=500, **settings)

    def file(self, host):
        return str(self.path(f"{host}.drives"))

    def change(self, host, **more):
        """In the application, by its own means: a job, an operator."""
        with simulated_drives.state_of(self.file(host)) as state:
            state["drives"][APPLICATIONS[host][3]].update(more)

    def fault(self, host, fault):
        with simulated_drives.state_of(self.file(host)) as state:
            state["fault"] = fault

    def kept_drives(self, host):
        return json.loads(Path(self.file(host)).read_text())["drives"]

    def calls(self, host):
        return json.loads(Path(self.file(host)).read_text())["calls"]


def every_application(bin_dir):
    """Offline everywhere when another host reserves, back when it releases; draining where a job runs."""
    hosts = list(APPLICATIONS)
    with Simulated(bin_dir, hosts) as stage:
        stage.start()
        for host in hosts:
            seen = stage.ask(host, "application", "check")
            check(seen["ok"] and seen["drives"][0]["application_state"] == "online",
                  f"{host}: application check reads the state: {seen['drives'][0]['understood_from'][:70]}")
        before = {host: stage.kept_drives(host) for host in hosts}
        holder = stage.scsi_host("holder", D1)
        check(holder.reserve6() == 0, "another host reserves the drive")
        for host in hosts:
            stage.await_result(host, D1, "set_offline")
            check(stage.state(host, D1) == "offline", f"{host}: the drive is offline in the application")
            name = APPLICATIONS[host][3]
            others = {n: d for n, d in stage.kept_drives(host).items() if n != name}
            check(others == {n: d for n, d in before[host].items() if n != name}, f"{host}: no other drive was touched")
        check(stage.kept_drives("nbu")["IBM.ULT3580-TD8.000"]["hosts"]["media2"] == {"/dev/nst4": "TLD"},
              "nbu: the other media server's state is its own")
        wait_until("all confirmed", lambda: stage.ask("lrad", "handshake", "list") == [], 20)
        holder.release6()
        for host in hosts:
            stage.await_result(host, D1, "set_online")
            check(stage.state(host, D1) == "online", f"{host}: it is online again")

        draining = ["sp", "cta", "veeam", "bareos", "nsr"]
        for host in draining:
            stage.change(host, job=True)
        holder.reserve6()
        for host in draining:
            stage.await_result(host, D1, "draining")
            check(True, f"{host}: a job runs, the drive drains")
        for host in draining:
            stage.change(host, job=False)
        for host in draining:
            stage.await_result(host, D1, "set_offline")
            check(True, f"{host}: offline when the job has ended")
        holder.release6()
        for host in hosts:
            stage.await_result(host, D1, "set_online")
        check("secret of lra" not in stage.log_of("sp") and '"-password=***"' in stage.log_of("sp"),
              "sp: the password is in no log")
        check(b"secret of lra" not in stage.path("sp", "state", "dsad.db").read_bytes(), "sp: nor in the audit trail")


def operators(bin_dir):
    """What an operator did in the application is left to the operator."""
    hosts = ["cta", "nsr", "nbu"]
    with Simulated(bin_dir, hosts) as stage:
        stage.start()
        holder = stage.scsi_host("holder", D1)
        holder.reserve6()
        for host in hosts:
            stage.await_result(host, D1, "set_offline")
        # Taken over while the drive was reserved: marked by the operator's own reason, or disabled for good.
        stage.change("cta", reason="broken, ticket 17")
        stage.change("nsr", enabled="No")
        stage.change("nbu", hosts={"media1": {"{4,0,1,0}": "DISABLED", "/dev/nst0": "DISABLED"}})
        holder.release6()
        for host in hosts:
            stage.await_result(host, D1, "left_to_operator")
            check(stage.state(host, D1) == "offline", f"{host}: what the operator has taken over stays offline")
            check(stage.row(host, D1)["ledger"] is None, f"{host}: and is no longer counted as taken by the agent")


def troubles(bin_dir):
    """Programs that fail, lie and hang are no confirmation, and the drive is dealt with when they work again."""
    with Simulated(bin_dir, ["nbu", "cta"]) as stage:
        for host in ("nbu", "cta"):
            path = stage.path(f"dsad-{host}.json")
            configuration = json.loads(path.read_text())
            configuration["application"]["timeout_ms"] = 1500
            path.write_text(json.dumps(configuration))
        stage.start()
        holder = stage.scsi_host("holder", D1)
        stage.fault("nbu", "lie")
        stage.fault("cta", "unreachable")
        holder.reserve6()
        stage.await_result("nbu", D1, "failed")
        check(True, "nbu: success that changed nothing is found out by reading back")
        stage.await_result("cta", D1, "failed")
        check("Could not connect to the front end" in stage.log_of("cta"), "cta: the application's words are in the log")
        stage.fault("nbu", "hang")
        check(stage.lractl("nbu", "application", "query", D1).returncode != 0, "nbu: a hanging program is ended in time")
        for host in ("nbu", "cta"):
            stage.fault(host, "")
        for host in ("nbu", "cta"):
            stage.await_result(host, D1, "set_offline", 40)
            check(True, f"{host}: offline as soon as the application works again")


def settings(bin_dir):
    """What is filled in wrongly is a configuration error that says where; nothing is run."""
    with Simulated(bin_dir, ["sp", "cta"]) as stage:
        path = stage.path("dsad-sp.json")
        good = json.loads(path.read_text())

        def mistake(words, change):
            configuration = json.loads(json.dumps(good))
            change(configuration["application"])
            path.write_text(json.dumps(configuration, indent=2))
            done = stage.run([str(stage.bin / "dsad"), "--config", str(path), "--check-config"], check=False)
            check(done.returncode == 42 and words in done.stderr and done.stderr.startswith(f"{path}:"),
                  f"{words}: {done.stderr.strip().split(': ', 1)[1][:100]}")

        mistake("application.parameters.library: is missing", lambda a: a["parameters"].pop("library"))
        mistake("application.parameters.libary", lambda a: a["parameters"].update(libary="L"))
        mistake("is not of the form", lambda a: a["parameters"].update(library="LIB1 online=yes"))
        mistake("application.profile: there is no profile", lambda a: a.update(profile="tivoli"))
        mistake("application.credentials.password: is missing", lambda a: a.pop("credentials"))
        mistake("as an argument only", lambda a: a.pop("credentials_in_argv"))
        mistake("application.offline", lambda a: a.update(offline=["/bin/true"]))
        stage.path("sp.password").chmod(0o644)
        mistake("chmod 600", lambda a: None)
        stage.path("sp.password").chmod(0o600)
        text = Path(PROFILES, "cta.json").read_text().replace('"drive", "down"', '"drive", "down", "{drvie}"')
        stage.path("cta.json").write_text(text)
        mistake("{drvie} is not known", lambda a: a.update(profile=str(stage.path("cta.json"))))
        check(stage.calls("sp") == [], "nothing was run")
        listed = stage.run([str(stage.bin / "dsad"), "--config", str(path), "--list-profiles"])
        check("bacula" in listed.stdout or "ibm-sp" in listed.stdout, "--list-profiles lists them")
        shown = stage.run([str(stage.bin / "dsad"), "--config", str(path), "--print-profile", f"{PROFILES}/ibm-sp.json"])
        check(shown.stdout == Path(PROFILES, "ibm-sp.json").read_text(), "--print-profile prints the file as it is")

        path.write_text(json.dumps(good))
        stage.start()
        own = stage.path("dsad-cta.json")
        configuration = json.loads(own.read_text())
        configuration["application"]["profile"] = str(stage.path("cta.json"))
        own.write_text(json.dumps(configuration))
        stage.processes["cta"].send_signal(signal.SIGHUP)
        wait_until("the mistake is told", lambda: "{drvie} is not known" in stage.log_of("cta"))
        check(stage.ask("cta", "application", "check")["profile"]["name"] == "cta", "a profile with a mistake is not taken up by SIGHUP")
        stage.path("cta.json").write_text(Path(PROFILES, "cta.json").read_text().replace("[lra] reserved", "[lra] taken"))
        stage.processes["cta"].send_signal(signal.SIGHUP)
        wait_until("it is taken up", lambda: "[lra] taken" in
                   stage.ask("cta", "application", "check")["drives"][0]["offline_would_run"])
        check(True, "the mended copy is")
        names = {p["name"]: p["verified"] for p in stage.ask("cta", "application", "profiles")}
        check(names.get("bacula") is True and names.get("veeam") is False, "application profiles says which are verified")


def main():
    bin_dir, story = sys.argv[1:3]
    {"every_application": every_application, "operators": operators, "troubles": troubles, "settings": settings}[story](bin_dir)


main()
