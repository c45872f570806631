"""lractl support bundle with real daemons: everything they say is in it, and no secret. support_bundle.py BIN-FOLDER"""

import json
import shutil
import stat
import sys
import tarfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from rig import Failed, Rig  # noqa: E402


def check(condition, words):
    if not condition:
        raise Failed(words)
    print(f"ok    {words}", flush=True)


def main():
    with Rig(sys.argv[1], hosts=("dsad", "dsad-payroll")) as rig:
        rig.start()
        configuration = rig.path("etc")
        configuration.mkdir()
        for name in ("lrad", "vtld"):
            shutil.copy(rig.path(f"{name}.json"), configuration)
        for name in ("dsad", "dsad-payroll"):
            shutil.copy(rig.path(f"dsad-{name}.json"), configuration / f"{name}.json")
        bundle = rig.path("10:00.tar")  # tar alone would take "10" for a host
        where = ["--sockets", str(rig.folder), "--configuration", str(configuration)]
        words = ["support", "bundle", str(bundle), *where]
        made = rig.lractl("lrad", "--json", *words)
        check(made.returncode == 0, "a bundle is made: " + made.stderr)
        problems = json.loads(made.stdout)["problems"]
        expected = ("journalctl", "no drive of this library is parallel", "this controller has no changer",
                    "has no section \"pair\"")
        check(all(any(e in p for e in expected) for p in problems), "all but the journal of these processes is there: " + "; ".join(problems))
        check(stat.S_IMODE(bundle.stat().st_mode) == 0o600, "its mode is 0600")
        with tarfile.open(bundle) as tar:
            texts = {m.name: tar.extractfile(m).read().decode() for m in tar.getmembers() if m.isfile()}
        expected = ["versions.txt", "lrad/drive.list.json", "lrad/drive.why.VT00000001.json", "lrad/agent.show.dsad.json", "lrad/event.list.json",
                    "lrad/lrad.json", "dsad/host.show.json", "dsad/agent.show.json", "dsad/dsad.json",
                    "dsad-payroll/host.show.json", "dsad-payroll/dsad-payroll.json", "vtld/library.status.json", "vtld/vtld.json"]
        missing = [e for e in expected if "lra-support/" + e not in texts]
        check(not missing, "it holds what was expected" + "".join(" not " + m for m in missing))
        check(json.loads(texts["lra-support/lrad/drive.list.json"])[0]["serial"] == "VT00000001", "answers are those of --json")
        secrets = [rig.passphrase(p.stem) for p in rig.path("keys").iterdir()]
        check(secrets and not any(s in t for s in secrets for t in texts.values()), f"none of {len(secrets)} passphrases is in it")
        again = rig.lractl("lrad", *words)
        check(again.returncode == 1 and "can not be written" in again.stderr, "a file that is there is not written over: " + again.stderr.strip())
        nowhere = rig.run([str(rig.bin / "lractl"), "support", "bundle", str(rig.path("other.tar")), *where], check=False,
                          env={"TMPDIR": str(rig.path("nothing"))})
        check(nowhere.returncode == 1 and "can not be made" in nowhere.stderr and not rig.path("other.tar").exists(),
              "without room to gather in nothing is left behind: " + nowhere.stderr.strip())
        dash = rig.lractl("lrad", "support", "bundle", "-", *where)
        check(dash.returncode == 1 and "name one" in dash.stderr, "a name is needed: " + dash.stderr.strip())


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        print(f"FAILED {failure}", flush=True)
        sys.exit(1)
