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
                       "control": {"socket": self.socket},
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


def write_table(path, devices):
    with open(path, "w", encoding="utf-8") as out:
        out.write("# Conformance of a virtual library\n\n"
                  "Generated by `test/integration/iscsi_conformance/run.py --table docs/CONFORMANCE.md`: do not edit.\n\n"
                  "`iscsi-test-cu` of libiscsi 1.19 against a drive and the changer of `vtld`, one process for each "
                  "test, with `-d`. Listed are the\ntests that apply to the device as they are, the one transport "
                  "test that needs no disk, and, for the drive, the six access tests\nwhose READ(10) and WRITE(10) "
                  "are asked as READ(6) and WRITE(6). A skipped test counts as not passed.\n")
        for device, results in devices.items():
            out.write(f"\n## {device.capitalize()}\n\n**{passed_of(results)} of {len(results)} pass.**\n\n"
                      "| test | result |\n|---|---|\n")
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
    arguments.add_argument("--only", help="one SUITE or SUITE.TEST")
    arguments.add_argument("--table", help="write the result as Markdown")
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
    for device, results in devices.items():
        print(f"{device}: {passed_of(results)} of {len(results)} pass")
    if options.table:
        write_table(options.table, devices)
    good = all(passed_of(results) == len(results) for results in devices.values())
    return 0 if good and status == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
