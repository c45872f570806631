"""Who holds a drive that is polled only and reserved by RESERVE(6)? Real processes, real SNMPv3, real SCSI over iSCSI.
One story a run: holder.py BIN-FOLDER STORY"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from rig import Failed, Rig, wait_until  # noqa: E402

D1 = "VT00000001"
ONLINE_EVERYWHERE = {"host-a": "online", "host-b": "online", "host-c": "online"}
OFFLINE_BUT_FOR_A = {"host-a": "online", "host-b": "offline", "host-c": "offline"}


def check(condition, words):
    if not condition:
        raise Failed(words)
    print(f"ok    {words}", flush=True)


class PolledRig(Rig):
    """The drive sends no events, so that nothing but the hosts can tell who holds it by RESERVE."""

    def __init__(self, bin_folder, poll_ms=200):
        super().__init__(bin_folder, poll_ms=poll_ms,
                         drive_options={D1: {"events": False, "offline": {"actuator": "alarm"},
                                             "poll_fast_ms": poll_ms, "poll_busy_ms": poll_ms}})
        self.open_in = {}
        # Says that it was asked, and waits until somebody has given the drive back.
        self.path("release").write_text('#!/bin/sh\ntouch "$0.asked"\nfor i in 1 2 3 4 5 6 7 8 9 10; do\n'
                                        '  [ -e "$0.done" ] && exit 0\n  sleep 1\ndone\nexit 1\n')
        self.path("release").chmod(0o700)
        for host in self.hosts:
            # A plain file stands for the drive's node on that host.
            self.node(host).touch()
            configuration = json.loads(self.path(f"dsad-{host}.json").read_text())
            configuration["drives"][0]["device"] = str(self.node(host))
            if host == "host-a":
                configuration["application"]["release"] = [str(self.path("release")), "{serial}"]
            self._write(f"dsad-{host}.json", configuration)

    def node(self, host):
        return self.path(host, "nst0")

    def _write_lrad(self):
        super()._write_lrad()
        configuration = json.loads(self.path("lrad.json").read_text())
        configuration["reservation"] = {"holder_inquiry_ms": 3000, "holder_inquiry_repeat_ms": 1000}
        if self.poll_ms > 10000:  # nothing but a library's trap makes it look in time
            configuration["snmp"]["users"].append(self._user("library"))
            configuration["snmp"]["hints"] = [
                {"library": "v2c", "address": "127.0.0.1", "version": "2c", "community": "silo", "allow_insecure": True},
                {"library": "v3", "address": "127.0.0.2", "user": "library"}]
            configuration["snmp"]["listen"] = f"udp:0.0.0.0:{self.lrad_port}"
        self._write("lrad.json", configuration)

    def open_node(self, host):
        with open(self.node(host), "rb") as node:
            self.open_in[host] = subprocess.Popen(["sleep", "600"], stdin=node)

    def close_node(self, host):
        process = self.open_in.pop(host)
        process.kill()
        process.wait()

    def __exit__(self, *details):
        for host in list(self.open_in):
            self.close_node(host)
        return super().__exit__(*details)

    def events(self):
        return [e["message"] for e in self.ask("lrad", "event", "list", "--drive", D1)]


def evidence_is(evidence):
    return lambda d: d["reservation"]["state"] == "reserved" and d["reservation"]["evidence"] == evidence


def host_says_so(rig):
    rig.start()
    rig.open_node("host-a")
    host = rig.scsi_host("host-a", D1)
    check(host.reserve6() == 0, "host-a reserves the drive by RESERVE(6), and a program there has its node open")
    drive, took = rig.await_drive(D1, evidence_is("host_asserted"), "its holder known by host-a's word")
    check({h["domain"] for h in drive["reservation"]["holders"]} == {"application-host-a"},
          f"the holder is host-a's application, as its agent says ({took * 1000:.0f} ms)")
    rig.await_shown(OFFLINE_BUT_FOR_A, D1)
    check(True, "the others keep off, the holder's own drive is not touched")
    shown = json.dumps(rig.ask("lrad", "drive", "show", D1)["holder_search"])
    check("sleep" in shown and "conflict_list" in shown, "drive show has the rungs, and which program it is")
    events = rig.events()
    check("LRA1040" in events and "LRA1041" in events and "LRA1004" not in events, "the event log tells how it is known")
    check("LRA3001" not in events, "nothing was forced")

    rig.close_node("host-a")
    host.release6()
    rig.await_shown(ONLINE_EVERYWHERE, D1)
    check(rig.drive(D1)["reservation"]["state"] == "free", "after the release it is free, and online everywhere")


def hosts_contradict(rig):
    rig.start()
    rig.open_node("host-a")
    rig.open_node("host-b")
    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    wait_until("the contradiction is told", lambda: "LRA1043" in rig.events(), 20)
    drive, _ = rig.await_drive(D1, lambda d: d["reservation"]["state"] == "reserved", "reserved")
    check(drive["reservation"]["holders"] == [], "two hosts claim the drive, so nobody is named")
    check("LRA1004" in rig.events(), "the policy for unknown holders follows: an alarm")
    candidates = drive["holder_search"]["candidates"]
    probable = [c for c in candidates if c["evidence"] == "conflict_list"]
    check(probable and rig.iqn["host-a"] in probable[0]["port"],
          "the drive's log page 11h points at host-a's port, and that is shown as probable")
    wait_until("all have confirmed", lambda: rig.ask("lrad", "handshake", "list") == [], 10)
    check(all(rig.shown(h, D1) == "online" for h in rig.hosts), "no application was told anything")

    rig.close_node("host-b")
    drive, _ = rig.await_drive(D1, evidence_is("host_asserted"), "known when only one host says so", 20)
    rig.await_shown(OFFLINE_BUT_FOR_A, D1)
    check(True, "when host-b's program has ended the next question names host-a")
    check("LRA1005" in rig.events(), "and the alarm is over")


def nobody_says_so(rig):
    rig.start()
    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    wait_until("the alarm", lambda: "LRA1004" in rig.events(), 20)
    drive = rig.drive(D1)
    check(drive["reservation"]["holders"] == [] and drive["reservation"]["evidence"] == "none",
          "no host says that it is its own: nobody is named, though log page 11h points at somebody")
    check("LRA1042" in rig.events(), "whom it points at stands in the event log")
    check(all(rig.shown(h, D1) == "online" for h in rig.hosts), "no application was told anything")

    # A drive event of a later day, or here: the reservation goes away and comes back with a host's word.
    host.release6()
    rig.await_drive(D1, lambda d: d["reservation"]["state"] == "free", "free")
    rig.open_node("host-a")
    host.reserve6()
    rig.await_drive(D1, evidence_is("host_asserted"), "known by host-a's word")
    rig.await_shown(OFFLINE_BUT_FOR_A, D1)
    rig.close_node("host-a")
    rig.await_drive(D1, evidence_is("none"), "unknown again when host-a takes its word back", 20)
    check("LRA1046" in rig.events(), "a host that takes its word back is believed")


def application_or_probe_says_so(rig):
    def configure(host, **application):
        configuration = json.loads(rig.path(f"dsad-{host}.json").read_text())
        configuration["application"].update(application)
        rig._write(f"dsad-{host}.json", configuration)

    configure("host-a", in_use=["^drive {drive} is online$"])
    rig.start()
    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    rig.await_drive(D1, evidence_is("host_asserted"), "known by the application of host-a")
    shown = json.dumps(rig.ask("lrad", "drive", "show", D1)["holder_search"])
    check("drive-1 is online" in shown, "drive show has the line of the query that said so")
    rig.await_shown(OFFLINE_BUT_FOR_A, D1)
    host.release6()
    rig.await_shown(ONLINE_EVERYWHERE, D1)

    # A program of the site that ends with what it was told: 0 on host-a, 1 everywhere else.
    for name in rig.hosts:
        probe = rig.path(name, "probe")
        probe.write_text(f"#!/bin/sh\necho \"$1\" >>\"$0.ran\"\nexit {0 if name == 'host-a' else 1}\n")
        probe.chmod(0o700)
        configure(name, in_use=[], holder_probe=[str(probe), "{serial}"])
        rig.processes[name].send_signal(signal.SIGHUP)
        wait_until(f"{name} reads it", lambda n=name: "configuration read again" in rig.log_of(n), 10)
    host.reserve6()
    rig.await_drive(D1, evidence_is("host_asserted"), "known by the probe of host-a")
    rig.await_shown(OFFLINE_BUT_FOR_A, D1)
    check(all(D1 in rig.path(n, "probe.ran").read_text() for n in rig.hosts), "the probe of each host was asked about this drive")
    host.release6()
    rig.await_drive(D1, lambda d: d["reservation"]["state"] == "free", "free")
    rig.open_node("host-b")
    rig.path("host-b", "probe.ran").unlink()  # only now: nobody asks about a free drive
    host.reserve6()
    wait_until("the contradiction is told", lambda: "LRA1043" in rig.events(), 20)
    check(not rig.path("host-b", "probe.ran").exists(), "it does not run where a program has the drive open")


def asked_to_release(rig):
    rig.start()
    rig.open_node("host-a")
    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    rig.await_drive(D1, evidence_is("host_asserted"), "known by host-a's word")
    release = subprocess.Popen(
        [str(rig.bin / "lractl"), "--socket", rig.sock("lrad"), "--json", "drive", "release", D1, "--reason", "test"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        wait_until("host-a runs the program that gives drives back", rig.path("release.asked").exists, 15)
        host.release6()
        rig.path("release.done").touch()
        out, errors = release.communicate(timeout=40)
    finally:
        if release.poll() is None:
            release.kill()
            release.wait()
    check(release.returncode == 0, "lractl drive release ends well: " + errors.strip())
    done = json.loads(out)
    check(done["result"] == "free" and [s["name"] for s in done["steps"]] == ["ask_holder"],
          "the holder's own agent has released it: " + json.dumps(done["steps"]))
    check("asked to release it" in rig.log_of("host-a"), "which stands in the journal of that host")
    rig.await_shown(ONLINE_EVERYWHERE, D1)


DRIVE_STATUS_CHANGED = "1.3.6.1.4.1.14851.3.1.16.0.8"  # SNIA SML
DRIVE_ONLINE_STATE_CHANGE = "1.3.6.1.4.1.3764.1.10.10.0.117"  # Quantum, in version 1
DRIVE_STATE_CHANGE = "1.3.6.1.4.1.3697.1.10.15.0.109"  # Quantum


def snmptrap(rig, from_address, trap, *security, text="IBM ULT3580-TD8 " + D1):
    """Debian's own."""
    state = rig.path("snmptrap")
    state.mkdir(mode=0o700, exist_ok=True)
    # Version 1 has enterprise, agent, generic trap, specific trap and time in place of time and snmpTrapOID.
    enterprise, number = trap.rsplit(".0.", 1)
    what = [enterprise, "192.0.2.60", "6", number, "4711"] if "1" in security[:2] else ["4711", trap]
    done = subprocess.run(
        ["snmptrap", *security, "-m", "", f"--clientaddr={from_address}", f"127.0.0.1:{rig.lrad_port}", *what,
         "1.3.6.1.4.1.14851.3.1.6.2.1.3.1", "s", text], capture_output=True, text=True, timeout=20,
        env={**os.environ, "SNMP_PERSISTENT_DIR": str(state), "MIBS": ""})
    if done.returncode != 0:
        raise Failed(f"snmptrap ended with {done.returncode}: {done.stderr.strip()}")


def library_traps(rig):
    rig.start()
    counts = lambda: {k: v for k, v in rig.ask("lrad", "status", "show")["snmp"].items() if k.startswith("hints_")}
    host = rig.scsi_host("host-a", D1)
    reserved = lambda: rig.drive(D1)["reservation"]["state"] == "reserved"
    v2c = ("-v", "2c", "-c", "silo")
    v3 = ("-v", "3", "-u", "library", "-l", "authPriv", "-a", "SHA-256", "-A", rig.passphrase("library.auth"), "-x", "AES",
          "-X", rig.passphrase("library.priv"), "-e", "0x80001f8804746170656c6962")
    rig.open_node("host-a")
    check(host.reserve6() == 0, "host-a reserves a drive that is asked once in 30 s")
    snmptrap(rig, "127.0.0.1", DRIVE_STATUS_CHANGED, "-v", "2c", "-c", "public")
    snmptrap(rig, "127.0.0.1", "1.3.6.1.4.1.14851.3.1.16.0.3", *v2c)
    snmptrap(rig, "127.0.0.3", DRIVE_STATUS_CHANGED, *v2c)
    wait_until("both are counted", lambda: counts() == {"hints_taken": 0, "hints_ignored": 1, "hints_refused": 1}, 10)
    time.sleep(1.5)
    check(not reserved(), "a wrong community, a trap about something else and a stranger's trap change nothing")
    snmptrap(rig, "127.0.0.1", DRIVE_STATUS_CHANGED, *v2c)
    _, took = wait_until("the reservation is seen", reserved, 10)
    check(took < 5, f"the library's trap makes lrad look at once ({took * 1000:.0f} ms)")
    check(f"drive {D1} is looked at" in rig.log_of("lrad"), "at the drive that it names by its serial number")

    host.release6()
    time.sleep(1.2)  # the next look for a hint may come a second after the last
    wrong_key = list(v3)
    wrong_key[wrong_key.index("-A") + 1] = "not the right passphrase"
    snmptrap(rig, "127.0.0.2", DRIVE_STATE_CHANGE, *wrong_key, text="drive 1")
    wait_until("a wrong key is counted", lambda: counts()["hints_refused"] == 2, 10)
    check(reserved(), "a trap with a wrong key changes nothing")
    for number in range(20):  # more than the engines that are ever learnt of one library
        wrong_key[wrong_key.index("-e") + 1] = f"0x80001f88046661{number:02x}"
        snmptrap(rig, "127.0.0.2", DRIVE_STATE_CHANGE, *wrong_key, text="drive 1")
    wait_until("all are counted", lambda: counts()["hints_refused"] == 22, 10)
    snmptrap(rig, "127.0.0.2", DRIVE_STATE_CHANGE, *v3, text="drive 1")
    wait_until("the release is seen", lambda: not reserved(), 10)
    check("all of them are looked at" in rig.log_of("lrad"),
          "an SNMPv3 trap that names no drive makes it look at all, however many engines strangers have invented before")

    # Informs end well only when they are answered; a reservation or release behind each shows that lrad has looked.
    inform_v3 = ("-Ci", "-v", "3", "-u", "library", "-l", "authPriv", "-a", "SHA-256", "-A", rig.passphrase("library.auth"),
                 "-x", "AES", "-X", rig.passphrase("library.priv"))
    looks = [("a version 1 trap, as older libraries send,", "127.0.0.1", ("-v", "1", "-c", "silo"), DRIVE_ONLINE_STATE_CHANGE),
             ("a version 2c inform, which is answered,", "127.0.0.1", ("-Ci", *v2c), DRIVE_STATUS_CHANGED),
             ("a version 3 inform, which is answered,", "127.0.0.2", inform_v3, DRIVE_STATE_CHANGE)]
    for number, (name, address, security, trap) in enumerate(looks):
        before = counts()["hints_taken"]
        time.sleep(1.2)
        wanted = number % 2 == 0
        check((host.reserve6() if wanted else host.release6()) == 0, f"the drive is {'reserved' if wanted else 'released'}")
        snmptrap(rig, address, trap, *security)
        wait_until("that is seen", lambda w=wanted: reserved() == w, 10)
        check(counts()["hints_taken"] == before + 1, f"{name} makes lrad look")
    stranger = list(inform_v3)
    stranger[stranger.index("-A") + 1] = "not the right passphrase"
    try:
        snmptrap(rig, "127.0.0.2", DRIVE_STATE_CHANGE, "-r", "0", *stranger)
        raise Failed("an inform with a wrong key was answered as if it were believed")
    except Failed as trouble:
        check("snmptrap ended" in str(trouble), "an inform with a wrong key is not")
    check(rig.ask("lrad", "status", "show")["snmp"]["refused_wrong_key"] > 0, "and counted")


STORIES = {f.__name__: f for f in (host_says_so, hosts_contradict, nobody_says_so, application_or_probe_says_so, asked_to_release, library_traps)}

def with_processes_of_its_own():
    """A host says "not mine" only when it could look into every process; around a test there may be some that nobody may."""
    if "HOLDER_HAS_ITS_OWN" in os.environ:
        return
    for more in ([], ["--map-root-user"]):
        unshare = ["unshare", *more, "--pid", "--fork", "--kill-child", "--mount-proc"]
        if subprocess.run([*unshare, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
            os.execvpe("unshare", [*unshare, sys.executable, *sys.argv], dict(os.environ, HOLDER_HAS_ITS_OWN="1"))


if __name__ == "__main__":
    with_processes_of_its_own()
    bin_folder, story = sys.argv[1:3]
    try:
        with PolledRig(bin_folder, 30000 if story == "library_traps" else 200) as scene:
            STORIES[story](scene)
    except Failed as failure:
        print(f"FAILED {failure}", flush=True)
        sys.exit(1)
