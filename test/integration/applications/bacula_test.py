"""The real Bacula, operated by its shipped profile: a director with SQLite, a storage daemon with a file autochanger of
two drives, a file daemon and bconsole, on loopback. bacula_test.py BIN-FOLDER BACULA-ROOT"""

import os
import signal
import sys
import time

from stage import Failed, Stage, check, wait_until
from bacula import Bacula

D1, D2 = "VT00000001", "VT00000002"


def record_of(bacula, drive):
    """What `status storage` says of a drive."""
    text = bacula.ask("status storage=File")
    begin = [line for line in text.splitlines() if line.startswith("Device ") and f'"{drive}" (' in line]
    if not begin:
        raise Failed(f"Bacula does not list {drive}: {text}")
    return text[text.index(begin[0]):].split("\n==", 1)[0]


def jobs(bacula, job, status, timeout=30):
    """Waits until the director shows that many jobs of this name with this status."""
    return wait_until(f"job {job} is {status}", lambda: any(
        job in line and status in line for line in bacula.ask("status dir").splitlines()), timeout)


def run(bacula, job):
    answer = bacula.ask(f"run job={job} yes")
    return answer.split("JobId=")[1].split()[0]


def ended(bacula, job_id, timeout=40):
    """How a job has ended."""
    def look():
        for line in bacula.ask(f"llist jobid={job_id}").splitlines():
            if line.strip().lower().startswith("jobstatus:"):
                status = line.split(":")[1].strip()
                return status if status in "TEfWA" else None
        return None
    return wait_until(f"job {job_id} has ended", look, timeout)[0]


def offline_and_back(stage, bacula, holder):
    check(holder.reserve6() == 0, f"another host reserves {D1}")
    stage.await_result("backup", D1, "set_offline")
    check("Device is disabled" in record_of(bacula, "FileDrive-0"), "`status storage` shows the drive disabled")
    check("disabled" not in record_of(bacula, "FileDrive-1"), "the other drive is as it was")
    job = run(bacula, "backup")
    check(ended(bacula, job) == "T", "a backup uses the other drive meanwhile, and is good")
    check('Using Device "FileDrive-1"' in bacula.outputs(), "on FileDrive-1, says Bacula's log")
    holder.release6()
    stage.await_result("backup", D1, "set_online")
    check("disabled" not in record_of(bacula, "FileDrive-0"), "after the release the drive is enabled again")


def both_drives_reserved(stage, bacula, holder, other):
    holder.reserve6()
    other.reserve6()
    stage.await_result("backup", D1, "set_offline")
    stage.await_result("backup", D2, "set_offline")
    job = run(bacula, "backup")
    jobs(bacula, "backup", "waiting on Storage")
    check(True, "with both drives reserved elsewhere a backup waits")
    other.release6()
    stage.await_result("backup", D2, "set_online")
    holder.release6()
    stage.await_result("backup", D1, "set_online")
    bacula.ask(f"cancel jobid={job} yes")
    ended(bacula, job)


def running_job(stage, bacula, holder):
    job = run(bacula, "slow")
    wait_until("the job writes", lambda: "mounted with" in record_of(bacula, "FileDrive-0"), 30)
    holder.reserve6()
    stage.await_result("backup", D1, "draining")
    check(True, "a running job makes the drive draining")
    check("Device is disabled" not in record_of(bacula, "FileDrive-0"), "Bacula is not told to disable it under the job")
    stage.end("backup", signal.SIGKILL)
    stage.start_dsad("backup")
    stage.await_result("backup", D1, "draining")
    check(True, "dsad is killed and started again, and goes on")
    with open(f"{bacula.folder}/fifo", "w") as data:
        data.write("the end of the backup\n")
    check(ended(bacula, job) == "T", "the job ends well")
    stage.await_result("backup", D1, "set_offline")
    check("Device is disabled" in record_of(bacula, "FileDrive-0"), "and then the drive goes offline")
    holder.release6()
    stage.await_result("backup", D1, "set_online")


def operator_by_lractl(stage, bacula):
    """An operator's wish that the application refuses is refused, and not carried out behind his back."""
    job = run(bacula, "slow")
    wait_until("the job writes", lambda: "mounted with" in record_of(bacula, "FileDrive-0"), 30)
    refused = stage.lractl("backup", "application", "offline", D1)
    check(refused.returncode == 5 and "say it again" in refused.stderr, f"busy: {refused.stderr.strip()[-100:]}")
    with open(f"{bacula.folder}/fifo", "w") as data:
        data.write("the end of the backup\n")
    check(ended(bacula, job) == "T", "the job ends well")
    check(stage.lractl("backup", "application", "offline", D1).returncode == 0, "said again it works")
    check("Device is disabled" in record_of(bacula, "FileDrive-0"), "Bacula shows it disabled")
    check(stage.lractl("backup", "application", "online", D1).returncode == 0, "and online again")


def operator_wins(stage, bacula, holder):
    bacula.ask("disable storage=File drive=0")
    holder.reserve6()
    stage.await_result("backup", D1, "already_offline")
    holder.release6()
    stage.await_result("backup", D1, "left_to_operator")
    check("Device is disabled" in record_of(bacula, "FileDrive-0"), "a drive that the operator took off stays off")
    bacula.ask("enable storage=File drive=0")


def misspelt_storage(stage, bacula):
    """The director takes the only storage it has for one it does not know; nothing may be changed on its word."""
    stage.run_application("misled", "bacula", {D1: "FileDrive-0"},
                          parameters={"storage": "Flie", "console_configuration": f"{bacula.folder}/bconsole.conf"},
                          programs={"bconsole": stage.bconsole}, observe_only=True)


def main():
    bin_dir, root = sys.argv[1:3]
    if not os.access(f"{root}/usr/sbin/bacula-sd", os.X_OK):
        print("Bacula's packages can not be had")
        return
    stage = Stage(bin_dir, ["backup", "misled"], [D1, D2])
    stage.path("bacula").mkdir()
    bacula = Bacula(root, str(stage.path("bacula")))
    with stage:
        stage.bconsole = stage.wrapper(
            "bconsole", ["env", f"LD_LIBRARY_PATH={bacula.environment['LD_LIBRARY_PATH']}", bacula.program("bconsole")])
        stage.run_application(
            "backup", "bacula", {D1: "FileDrive-0", D2: "FileDrive-1"},
            parameters={"storage": "File", "console_configuration": f"{bacula.folder}/bconsole.conf"},
            drive_parameters={D2: {"index": "1"}}, programs={"bconsole": stage.bconsole})
        misspelt_storage(stage, bacula)
        try:
            begin = time.monotonic()
            bacula.start()
            stage.start()
            check(True, f"Bacula and the library are up ({time.monotonic() - begin:.1f} s)")
            seen = stage.ask("backup", "application", "check")
            check(seen["ok"] and [d["application_state"] for d in seen["drives"]] == ["online", "online"],
                  "application check reads both drives' states")
            check(stage.lractl("misled", "application", "check").returncode == 3,
                  "a misspelt storage is found out by application check")
            holder, other = stage.scsi_host("holder", D1), stage.scsi_host("holder", D2)
            stage.end("misled")
            for story in (lambda: offline_and_back(stage, bacula, holder), lambda: running_job(stage, bacula, holder),
                          lambda: operator_by_lractl(stage, bacula), lambda: operator_wins(stage, bacula, holder),
                          lambda: both_drives_reserved(stage, bacula, holder, other)):
                begin = time.monotonic()
                story()
                print(f"      {time.monotonic() - begin:.1f} s", flush=True)
            audit = stage.log_of("backup")
            check('["unmount storage=\\"File\\" drive=0","quit"]' in audit and "understood as busy" in audit,
                  "the log has what the console was told, and how its answer was understood")
        except Exception:
            print(bacula.outputs()[-4000:], file=sys.stderr)
            raise
        finally:
            bacula.stop()


main()
