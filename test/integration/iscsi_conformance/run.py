#!/usr/bin/env python3
"""Runs the tests of iscsi-test-cu that apply to a tape drive and to a changer against a vtld of its own, one process each.

A test passes when it ran and nothing in it failed or was skipped: the tool itself counts skips as passes. Exit
status 0: all passed. With --table FILE the result is written as docs/CONFORMANCE.md.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

# In the words of iscsi-test-cu 1.19: suite, and the tests of it that make sense for a sequential-access device.
APPLICABLE = {
    "TestUnitReady": ["Simple"],
    "Inquiry": ["Standard", "AllocLength", "EVPD", "SupportedVPD", "VersionDescriptors"],
    "ModeSense6": ["AllPages", "Control", "Residuals"],
    "PrinReadKeys": ["Simple", "Truncate"],
    "PrinServiceactionRange": ["Range"],
    "PrinReportCapabilities": ["Simple"],
    "ProutRegister": ["Simple"],
    "ProutReserve": ["Simple", "OwnershipEA", "OwnershipWE", "OwnershipEARO", "OwnershipWERO",
                     "OwnershipEAAR", "OwnershipWEAR"],
    "ProutClear": ["Simple"],
    "ProutPreempt": ["RemoveRegistration"],
    "ReportSupportedOpcodes": ["Simple", "OneCommand", "RCTD", "SERVACTV"],
    "Reserve6": ["Simple", "2Initiators", "Logout", "ITNexusLoss", "TargetColdReset", "TargetWarmReset",
                 "LUNReset"],
    "StartStopUnit": ["Simple"],
    "iSCSIcmdsn": ["iSCSICmdSnTooHigh", "iSCSICmdSnTooLow"],
    # Needs no disk: the transport judges the Data-Out PDU before anybody looks at the opcode.
    "iSCSIdatasn": ["iSCSIDataSnInvalid"],
}
# Written for disks with READ(10) and WRITE(10), meant for every device: asked in the words of a tape (access.cpp).
TRANSLATED = {
    "ProutReserve": ["AccessEA", "AccessWE", "AccessEARO", "AccessWERO", "AccessEAAR", "AccessWEAR"],
}
# About the transport, but written with READ(10) and WRITE(10) and their like, which no tape or changer has: asked of a disk in
# memory behind the same iSCSI server (ram_disk.cpp).
TRANSPORT = {
    "Read10": ["Async"],
    "Write10": ["Async"],
    "iSCSIdatasn": ["iSCSIDataSnInvalid"],
    "iSCSIResiduals": ["Read10Invalid", "Read10Residuals", "Read12Residuals", "Read16Residuals",
                       "Write10Residuals", "Write12Residuals", "Write16Residuals",
                       "WriteVerify10Residuals", "WriteVerify12Residuals", "WriteVerify16Residuals"],
    # LUNResetSimpleAsync can not pass in libiscsi 1.19: it asserts what only a later callback of its own sets.
    "iSCSITMF": ["AbortTaskSimpleAsync"],
}
# START STOP UNIT's operation code opens and closes the import/export element of a changer (SMC-3 6.6).
NOT_FOR_A_CHANGER = ["StartStopUnit.Simple"]
SERIAL = "VT00000001"
TEST_SECONDS = 15


class Vtld:
    """A vtld with one drive, on a port of its own."""

    def __init__(self, program, folder):
        self.socket = os.path.join(folder, "vtld.sock")
        configuration = os.path.join(folder, "vtld.json")
        with open(configuration, "w", encoding="utf-8") as out:
            json.dump({"drives": [{"serial": SERIAL}],
                       "iscsi": {"listen": "127.0.0.1:0", "target_prefix": "iqn.2026-01.example.conformance"},
                       "control": {"socket": self.socket}, "metrics": {"listen": "off"},
                       "state_dir": os.path.join(folder, "state")}, out)
        self.log_file = os.path.join(folder, "vtld.log")
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen([program, "--config", configuration], stderr=log)

    def call(self, method):
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(5)
            control.connect(self.socket)
            control.sendall(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method}).encode() + b"\n")
            return json.loads(control.makefile().readline())["result"]

    def url(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                return self.call("drive.list")[0]["url"]
            except (OSError, KeyError, ValueError):
                time.sleep(0.02)
        raise SystemExit("vtld did not start:\n" + self.log())

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as log:
            return log.read()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


class Disk:
    """A disk in memory behind the iSCSI server of vtld."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdout=subprocess.PIPE, text=True)

    def url(self):
        return self.process.stdout.readline().strip()

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return self.process.returncode


def judge(output):
    """pass, skip, fail or abort from what one test printed."""
    summary = re.search(r"tests\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)", output)
    if not summary:
        return "abort"
    # What the tool does after the test, to clear keys, is not the test's.
    body = output.split("  Test: ", 1)[-1].split("Run Summary")[0]
    body = re.split(r"\n?passed|\nFAILED", body)[0]
    if int(summary.group(4)) > 0 or int(summary.group(2)) != 1:
        return "fail"
    return "skip" if "[SKIPPED]" in body else "pass"


def names_of(suites):
    return [f"{suite}.{test}" for suite, tests in suites.items() for test in tests]


def run_test(name, url, preloaded):
    environment = dict(os.environ, LD_PRELOAD=" ".join(preloaded))
    began = time.monotonic()
    try:
        done = subprocess.run(["iscsi-test-cu", "-d", "-V", "-t", "ALL." + name, url], capture_output=True,
                              env=environment, timeout=TEST_SECONDS, check=False)
        output = (done.stdout + done.stderr).decode(errors="replace")
        verdict = judge(output)
    except subprocess.TimeoutExpired as late:
        output = ((late.stdout or b"") + (late.stderr or b"")).decode(errors="replace")
        verdict = "time-out"
    return verdict, output, time.monotonic() - began


def wait_until_ready(url, gate):
    """The tool gives up when the first thing it hears is that the tape is still being loaded."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and "NOT READY" in run_test("TestUnitReady.Simple", url, [gate])[1]:
        time.sleep(0.05)


def passed_of(results):
    return sum(1 for verdict in results.values() if verdict == "pass")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Peer:
    """Another target with a tape, started for one test at a time: some of them do not survive a test."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None

    def begin(self, argv, port):
        with open(os.path.join(self.folder, "peer.log"), "ab") as log:
            self.process = subprocess.Popen(argv, stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise OSError(f"{argv[0]} did not start")

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class Tgt(Peer):
    """tgt of Linux: tape at LUN 1."""

    programs = ("tgtd", "tgtadm", "tgtimg")

    def start(self):
        port = free_port()
        control = str(20000 + os.getpid() % 10000)
        medium = os.path.join(self.folder, "tgt.tape")
        if not os.path.exists(medium):
            subprocess.run(["tgtimg", "--op=new", "--device-type=tape", "--barcode=VRES01L8", "--size=64", "--type=data",
                            "--file=" + medium], check=True, capture_output=True)
        self.begin(["tgtd", "-f", "-C", control, "--iscsi", f"portal=127.0.0.1:{port}"], port)
        name = "iqn.2026-01.example.peer:tape"
        for words in (["--mode", "target", "--op", "new", "--tid", "1", "-T", name],
                      ["--mode", "logicalunit", "--op", "new", "--tid", "1", "--lun", "1", "--device-type", "tape",
                       "--bstype", "ssc", "-b", medium],
                      ["--mode", "target", "--op", "bind", "--tid", "1", "-I", "ALL"]):
            subprocess.run(["tgtadm", "-C", control, "--lld", "iscsi", *words], check=True, capture_output=True, timeout=10)
        return f"iscsi://127.0.0.1:{port}/{name}/1"


class Istgt(Peer):
    """istgt: tape at LUN 0. Its authentication file is needed, and empty."""

    programs = ("istgt",)
    target = "tape"

    def unit(self):
        return f"""UnitType Tape
  QueueDepth 0
  LUN0 Removable rw {self.folder}/istgt.tape 200MB"""

    def start(self):
        port = free_port()
        configuration = os.path.join(self.folder, "istgt.conf")
        authentication = os.path.join(self.folder, "istgt.auth")
        open(authentication, "w", encoding="utf-8").close()
        with open(configuration, "w", encoding="utf-8") as out:
            out.write(f"""[Global]
  NodeBase "iqn.2026-01.example.peer"
  PidFile {self.folder}/istgt.pid
  AuthFile {authentication}
  LogFacility "local7"
  MediaDirectory {self.folder}
  Timeout 30
  NopInInterval 20
  DiscoveryAuthMethod None
  MaxSessions 16
  MaxConnections 4
[UnitControl]
  AuthMethod None
  Portal UC1 127.0.0.1:{free_port()}
  Netmask 127.0.0.1
[PortalGroup1]
  Portal DA1 127.0.0.1:{port}
[InitiatorGroup1]
  InitiatorName "ALL"
  Netmask 127.0.0.0/8
[LogicalUnit1]
  TargetName {self.target}
  Mapping PortalGroup1 InitiatorGroup1
  AuthMethod None
  {self.unit()}
""")
        self.begin(["istgt", "-c", configuration, "-p", self.folder + "/istgt.pid", "-D", "-q"], port)
        return f"iscsi://127.0.0.1:{port}/iqn.2026-01.example.peer:{self.target}/0"


PEERS = {"tgt": Tgt, "istgt": Istgt}


def test_peer(kind, names, options):
    """Verdict of each test, every one on a process of its own; None when the peer is not installed or does not start."""
    if not all(shutil.which(program) for program in PEERS[kind].programs):
        return None
    results = {}
    for name in names:
        with tempfile.TemporaryDirectory(prefix="peer-") as folder:
            peer = PEERS[kind](folder)
            try:
                url = peer.start()
                preloaded = [options.access, options.gate] if name in names_of(TRANSLATED) else [options.gate]
                results[name] = run_test(name, url, preloaded)[0]
            except (OSError, subprocess.SubprocessError) as error:
                print(f"{kind}: {error}", flush=True)
                return None
            finally:
                peer.stop()
        print(f"{results[name]:9} {kind:8} {name}", flush=True)
    return results


def peers_of_before(path):
    """What the document tells about the peers: they need not be installed where it is written anew."""
    found = {}
    if not os.path.exists(path):
        return found
    with open(path, encoding="utf-8") as document:
        for line in document:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if len(cells) == 2 + len(PEERS) and "." in cells[0]:
                for kind, verdict in zip(PEERS, cells[2:]):
                    found.setdefault(kind, {})[cells[0]] = verdict
    return found


def write_table(path, devices, peers):
    known = peers_of_before(path)
    peers = {kind: peers.get(kind) or known.get(kind, {}) for kind in PEERS}
    with open(path, "w", encoding="utf-8") as out:
        out.write("# Conformance of a virtual library\n\n"
                  "Generated by `test/integration/iscsi_conformance/run.py --table docs/CONFORMANCE.md`: do not edit.\n\n"
                  "`iscsi-test-cu` of libiscsi 1.19 against a drive and the changer of `vtld`, one process for each "
                  "test, with `-d`. Listed are the\ntests that apply to the device as they are, the one transport "
                  "test that needs no disk, and, for the drive, the six access tests\nwhose READ(10) and WRITE(10) "
                  "are asked as READ(6) and WRITE(6). A skipped test counts as not passed. Beside the drive stand\n"
                  "the tapes of tgt and istgt in the same run, `--peers`, where they are installed; else what they did "
                  "the last time. Four of istgt's passes are empty: its RESERVE(6) is GOOD and reserves nothing.\n")
        for device, results in devices.items():
            if device == "transport":
                write_transport(out, results)
                continue
            beside = PEERS if device == "drive" and any(peers.values()) else {}
            out.write(f"\n## {device.capitalize()}\n\n**{passed_of(results)} of {len(results)} pass.**")
            for kind in beside:
                out.write(f" {kind}: {sum(1 for name in results if peers[kind].get(name) == 'pass')}.")
            out.write("\n\n| test | result |" + "".join(f" {kind} |" for kind in beside))
            out.write("\n|---|---|" + "---|" * len(beside) + "\n")
            for name, verdict in results.items():
                others = "".join(f" {peers[kind].get(name, 'not run')} |" for kind in beside)
                out.write(f"| {name} | {verdict} |{others}\n")


def write_transport(out, results):
    out.write("\n## Transport\n\nThese judge the transport with READ(10), WRITE(10) and their like, which no tape has: asked of a disk "
              "in memory behind the same\niSCSI server, built for tests only. "
              f"**{passed_of(results)} of {len(results)} pass.** `test/unit/iscsi` and `test/integration/iscsi` test the same with "
              "tape\ncommands.\n\n| test | result |\n|---|---|\n")
    for name, verdict in results.items():
        out.write(f"| {name} | {verdict} |\n")


def test_device(device, names, url, options):
    translated = names_of(TRANSLATED)
    results = {}
    for name in names:
        if options.only and options.only not in (name, name.split(".")[0]):
            continue
        preloaded = [options.access, options.gate] if name in translated else [options.gate]
        results[name], output, seconds = run_test(name, url, preloaded)
        print(f"{results[name]:9} {device:8} {name:45} {seconds:5.2f} s", flush=True)
        if results[name] != "pass":
            print(output if options.verbose else output[-2500:], flush=True)
    return results


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--vtld", required=True)
    arguments.add_argument("--gate", required=True)
    arguments.add_argument("--access", required=True, help="the module that asks the access tests as a tape's")
    arguments.add_argument("--disk", required=True, help="the program that serves a disk in memory")
    arguments.add_argument("--only", help="one SUITE or SUITE.TEST")
    arguments.add_argument("--table", help="write the result as Markdown")
    arguments.add_argument("--peers", action="store_true", help="run tgt and istgt too, where they are installed")
    arguments.add_argument("--verbose", action="store_true", help="print what failing tests said")
    options = arguments.parse_args()
    if not shutil.which("iscsi-test-cu"):
        sys.exit("iscsi-test-cu is missing; packaging/install-dependencies brings libiscsi-bin")

    devices = {}
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        vtld = Vtld(options.vtld, folder)
        try:
            drive = vtld.url()
            changer = drive.replace("drive-" + SERIAL, "changer")
            wait_until_ready(drive, options.gate)
            applicable = names_of(APPLICABLE)
            devices["drive"] = test_device("drive", applicable + names_of(TRANSLATED), drive, options)
            devices["changer"] = test_device(
                "changer", [name for name in applicable if name not in NOT_FOR_A_CHANGER], changer, options)
        finally:
            status = vtld.stop()
        if status != 0:
            print(f"vtld ended with {status}:\n{vtld.log()}")
    disk = Disk(options.disk)
    try:
        devices["transport"] = test_device("transport", names_of(TRANSPORT), disk.url(), options)
    finally:
        disk.stop()
    for device, results in devices.items():
        print(f"{device}: {passed_of(results)} of {len(results)} pass")
    if options.table:
        peers = {}
        if options.peers:
            peers = {kind: test_peer(kind, list(devices["drive"]), options) for kind in PEERS}
        write_table(options.table, devices, peers)
    good = all(passed_of(results) == len(results) for results in devices.values())
    return 0 if good and status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
