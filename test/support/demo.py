"""The story that ./demo tells. Each step is observed, not assumed; the first that is not ends it with status 1."""

import shutil
import signal
import sys
import textwrap
import time
from pathlib import Path

from rig import ROOT, Failed, Rig, wait_until

D1, D2 = "VT00000001", "VT00000002"
NAMES = {"host-a": "A", "host-b": "B", "host-c": "C"}
BOLD, FAINT, PLAIN = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")
step_number = 0


def chapter(title, words=""):
    global step_number
    step_number += 1
    print(f"\n{BOLD}{step_number}. {title}{PLAIN}", flush=True)
    if words:
        print(textwrap.fill(words, 100), flush=True)


def seen(words):
    print(f"   [seen] {words}", flush=True)


def show(rig, name, *words):
    """A command as a person would type it, with what it prints."""
    print(f"{FAINT}   $ lractl {' '.join(words)}{PLAIN}")
    done = rig.lractl(name, *words)
    if done.returncode != 0:
        raise Failed(f"lractl {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}")
    print(textwrap.indent(done.stdout.rstrip(), "     "), flush=True)


def applications(rig, expected, drive, limit=5):
    took = rig.await_shown(expected, drive)
    if took > limit:
        raise Failed(f"it took {took:.1f} s until the applications showed {expected}")
    states = ", ".join(f"{h}: {rig.shown(h, drive)}" for h in rig.hosts)
    seen(f"drive {drive} in the three backup applications: {states}  ({took * 1000:.0f} ms)")


def by_iscsi(rig):
    chapter("A host reserves drive 1 over iSCSI with RESERVE(6)",
            "host-a logs in to the drive as any initiator does. lrad hears of it on the drive event channel, looks at "
            "the drive, and tells all three agents by SNMPv3 informs; each decides for itself and confirms.")
    host = rig.scsi_host("host-a", D1)
    if host.reserve6() != 0:
        raise Failed("RESERVE(6) was refused")
    applications(rig, {"host-a": "online", "host-b": "offline", "host-c": "offline"}, D1)
    wait_until("all three confirmations", lambda: rig.ask("lrad", "handshake", "list") == [])
    seen("all three agents have confirmed")
    show(rig, "lrad", "drive", "show", D1)
    other = rig.scsi_host("host-b", D1)
    if other.sense_of("000000000000") != "conflict":
        raise Failed("TEST UNIT READY of another host should end with RESERVATION CONFLICT")
    seen("another host that tries it anyway gets RESERVATION CONFLICT")
    host.release6()
    applications(rig, dict.fromkeys(rig.hosts, "online"), D1)

    chapter("The same with a persistent reservation (exclusive access)")
    host.pr_register(0xABC)
    if host.pr_reserve(0xABC) != 0:
        raise Failed("PERSISTENT RESERVE OUT was refused")
    applications(rig, {"host-a": "online", "host-b": "offline", "host-c": "offline"}, D1)
    host.pr_release(0xABC)
    host.pr_unregister(0xABC)
    applications(rig, dict.fromkeys(rig.hosts, "online"), D1)
    host.log_out()
    other.log_out()


def by_fibre_channel(rig):
    chapter("A fibre channel port reserves drive 2",
            "A virtual FC port of the library: no standard command tells a third party who holds a RESERVE, so the "
            "port's WWPN is known from the drive's own event.")
    show(rig, "vtld", "port", "reserve", D2, f"fc:{rig.wwpn['host-b']}", "--kind", "reserve6")
    applications(rig, {"host-a": "offline", "host-b": "online", "host-c": "offline"}, D2)
    show(rig, "lrad", "drive", "list")
    rig.ask("vtld", "port", "release", D2, f"fc:{rig.wwpn['host-b']}", "--kind", "reserve6")
    applications(rig, dict.fromkeys(rig.hosts, "online"), D2)


def clean_stop(rig):
    chapter("A drive sharing agent stops cleanly",
            "It says so, so nobody waits for it; when it comes back it is told the state of every drive before it "
            "counts as started.")
    rig.end("host-c", signal.SIGTERM)
    rig.await_agent("host-c", "stopped")
    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    applications(rig, {"host-a": "online", "host-b": "offline"}, D1)
    wait_until("all that count have confirmed", lambda: rig.ask("lrad", "handshake", "list") == [])
    if rig.drive(D1)["operational_state"] != "online":
        raise Failed("the drive should stay online")
    seen("host-c is not waited for")
    rig.start_dsad("host-c")
    rig.await_agent("host-c", "started")
    applications(rig, {"host-a": "online", "host-b": "offline", "host-c": "offline"}, D1)
    host.release6()
    host.log_out()
    applications(rig, dict.fromkeys(rig.hosts, "online"), D1)


def killed_agent(rig):
    chapter("A drive sharing agent dies without a word",
            "kill -9. Nobody knows whether its application still uses the drive: the next reservation is told to it "
            "again, to it alone, and when its time is spent the drive is forced offline for everyone.")
    rig.end("host-c", signal.SIGKILL)
    host = rig.scsi_host("host-a", D1)
    host.reserve6()
    _, took = rig.await_drive(D1, lambda d: d["operational_state"] == "forced_offline", "forced offline", 30)
    seen(f"forced offline after {took:.1f} s ({rig.retries} retry, {rig.timeout_ms} ms each)")
    show(rig, "lrad", "agent", "list")
    other = rig.scsi_host("host-b", D1)
    for who, cdb, more, expected, words in (
            (host, "000000000000", {}, "04/44/00", "TEST UNIT READY from the holder"),
            (other, "080200000100", {"data_in": 512}, "04/44/00", "READ(6) from another host"),
            (other, "120000006000", {"data_in": 96}, "good", "INQUIRY"),
            (other, "030000001200", {"data_in": 18}, "good", "REQUEST SENSE"),
            (other, "a00000000000000010000000", {"data_in": 4096}, "good", "REPORT LUNS"),
            (other, "4d004000000000010000", {"data_in": 256}, "good", "LOG SENSE")):
        got = who.sense_of(cdb, **more)
        if got != expected:
            raise Failed(f"{words}: {got} and not {expected}")
        seen(f"{words}: {got}")
    host.release6()
    if host.sense_of("5e01000000000000ff00", data_in=255) != "good":
        raise Failed("PERSISTENT RESERVE IN should work")
    seen("PERSISTENT RESERVE IN: good")
    wait_until("snmptrapd prints the alarm", lambda: "tlrDriveForcedOffline" in rig.log_of("snmptrapd"), 20)
    line = next(x for x in rig.log_of("snmptrapd").splitlines() if "tlrDriveForcedOffline" in x)
    seen("Debian's snmptrapd prints:")
    print(textwrap.indent(textwrap.fill(line, 96), "     "))

    chapter("It stays so across a restart of lrad, until somebody clears it")
    rig.end("lrad", signal.SIGKILL)
    rig.start_lrad()
    if rig.drive(D1)["operational_state"] != "forced_offline" or other.sense_of("000000000000") != "04/44/00":
        raise Failed("the drive should still be forced offline")
    seen("kill -9 and restart of lrad: still forced offline")
    show(rig, "lrad", "drive", "why", D1)
    show(rig, "lrad", "drive", "clear", D1, "--reason", "host-c is switched off, nothing there uses the drive")
    rig.await_drive(D1, lambda d: d["operational_state"] == "online", "online")
    wait_until("TEST UNIT READY is good", lambda: other.sense_of("000000000000") == "good")
    seen("the drive works again")
    rig.start_dsad("host-c")
    rig.await_agent("host-c", "started")
    applications(rig, dict.fromkeys(rig.hosts, "online"), D1)
    host.log_out()
    other.log_out()


def by_snmp(rig):
    chapter("The same to a management station: snmpwalk of the drive table")
    mibs = f"{ROOT / 'snmp_mib'}:{ROOT / 'test/support/smi'}"
    argv = ["snmpwalk", "-v3", "-l", "authPriv", "-u", "noc", "-a", "SHA-256", "-A", rig.passphrase("noc.auth"), "-x",
            "AES", "-X", rig.passphrase("noc.priv"), "-M", mibs, "-m", "TAPE-LIBRARY-RESERVATION-MIB", "-Oqs",
            f"udp:127.0.0.1:{rig.mib_port}", "TAPE-LIBRARY-RESERVATION-MIB::tlrDriveTable"]
    done, _ = wait_until("lra-mibd answers",
                         lambda: (lambda d: d if d.returncode == 0 and D1 in d.stdout else None)(rig.run(argv, check=False)), 20)
    print(textwrap.indent("\n".join(x for x in done.stdout.splitlines() if "Serial" in x or "State" in x), "     "))
    seen("both drives are in tlrDriveTable")


def main():
    bin_folder = Path(sys.argv[1]).resolve()
    keep = "--keep" in sys.argv[2:]
    began = time.monotonic()
    rig = Rig(bin_folder, consumer=True, mib=True)
    try:
        chapter("Starting a library with two drives, its controller, and three hosts",
                "vtld is the library, lrad its reservation agent, each host has a dsad of its own and a sample backup "
                "application; all are ordinary processes on loopback.")
        rig.start()
        seen("three agents were told the state of both drives, confirmed it, and count as started")
        show(rig, "lrad", "agent", "list")
        by_iscsi(rig)
        by_fibre_channel(rig)
        clean_stop(rig)
        killed_agent(rig)
        by_snmp(rig)
    except Failed as failure:
        print(f"\nNOT SEEN: {failure}\n\nlogs: {rig.folder}", file=sys.stderr, flush=True)
        rig.stop()
        return 1
    print(f"\n{BOLD}Every step was seen, in {time.monotonic() - began:.0f} s.{PLAIN}")
    if keep:
        pids = " ".join(str(p.pid) for p in rig.processes.values())
        lractl = rig.bin / "lractl"
        print(f"\nStill running in {rig.folder}. Look around:\n"
              f"  {lractl} --socket {rig.sock('lrad')}                      # a shell; try: help, drive why {D1}\n"
              f"  {lractl} --socket {rig.sock('lrad')} event follow\n"
              f"  {lractl} --socket {rig.sock('vtld')} port reserve {D1} fc:{rig.wwpn['host-a']} --kind reserve6\n"
              f"  {lractl} --socket {rig.sock('host-b')} application list\n"
              f"Stop it:\n  kill {pids}; rm -rf {rig.folder}")
        return 0
    rig.stop()
    shutil.rmtree(rig.folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
