"""A pair whose drive table is in a database of the site's, which neither node starts or promotes.
usage: external.py BIN_DIR"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "mounts"))
from database import Database, is_installed  # noqa: E402
from pair import Load, mounted  # noqa: E402
from pair_rig import CLUSTER, NODES, SERVING, PairRig, check, other, play, signal, wait_until  # noqa: E402


class SiteRig(PairRig):
    def __init__(self, bin_dir, database):
        self.database_of_site = database
        super().__init__(bin_dir)

    def _write_node(self, node):
        super()._write_node(node)
        configuration = json.loads(self.path(f"{node}.json").read_text())
        configuration["pair"]["database"] = {
            "mode": "external", "servers": ["host=/nonexistent", self.database_of_site.address]}
        self._write(f"{node}.json", configuration)

    def start(self):
        self.start_vtld()
        for node in NODES:
            self._write_node(node)
        for host in self.voters:
            self.start_dsad(host)
        self.start_node("lra-a")
        wait_until("the first node has made the record of the first epoch", lambda: self.show("lra-a")["data"]["epoch"] == 1, 30)
        self.ask("lra-a", "pair", "enrol", "--found", CLUSTER, "--reason", "first start")
        for host in self.voters:
            wait_until(f"{host} is enrolled", lambda h=host: self.ask(h, "pair", "show")["enrolled"], 10)
        self.start_node("lra-b")
        self.await_pair("lra-a")
        self.await_mounting("lra-a")

    def stop(self):
        super().stop()
        self.database_of_site.end()


def taken_over(rig, primary, how, gone, back):
    """The other node serves, with every claim; who was gone stands by when it is back."""
    standby = other(primary)
    held = {v: rig.mount(primary, v)["drive"] for v in rig.volumes[:2]}
    epoch = rig.show(primary)["data"]["epoch"]
    load = Load(rig, rig.volumes[2:4], (standby,))
    wait_until("mounts are acknowledged", lambda: load.acknowledged >= 2, 30)
    begin = time.monotonic()
    gone()
    rig.await_state(standby, *SERVING)
    took = time.monotonic() - begin
    before = load.acknowledged
    wait_until("mounts are acknowledged again", lambda: load.acknowledged > before + 1, 40)
    load.end()
    check(held.items() <= mounted(rig, standby).items(), f"{primary} is {how}: {standby} has every volume, in its drive")
    check(rig.show(standby)["data"]["epoch"] > epoch, "under a later epoch")
    back()
    rig.await_pair(standby)
    check(mounted(rig, standby).keys() >= held.keys(), f"{primary} stands by when it is back; taken over in {took:.1f} s")
    for volume in mounted(rig, standby):
        rig.unmount(primary, volume)  # passed on
    check(not mounted(rig, standby), "and what is asked of it is done by the other one")
    return standby


def external(rig):
    rig.start()
    claim = rig.mount("lra-b", rig.volumes[0], "--request", "asked-at-b")
    check(claim["node"] == "lra-a", "what is asked of the standby is done by the other node")
    rig.unmount("lra-a", rig.volumes[0])
    primary = taken_over(rig, "lra-a", "killed", lambda: rig.kill("lra-a"), lambda: rig.start_node("lra-a"))
    process = rig.processes[primary]
    primary = taken_over(rig, primary, "suspended", lambda: process.send_signal(signal.SIGSTOP),
                         lambda: process.send_signal(signal.SIGCONT))
    drive = rig.mount(primary, rig.volumes[4])["drive"]
    rig.database_of_site.stop()
    wait_until("nobody serves without the database", lambda: not any(rig.state(n) in SERVING for n in NODES), 40)
    rig.database_of_site.start()
    serving, _ = wait_until("one of them serves again", lambda: next((n for n in NODES if rig.state(n) in SERVING), None), 60)
    rig.await_pair(serving)
    check(mounted(rig, serving).get(rig.volumes[4]) == drive, "the site's database ends and is back: nothing is lost")


def main():
    if not is_installed():
        print("PostgreSQL is not installed")
        return 77
    return play("external", SiteRig(sys.argv[1], Database()), external)


if __name__ == "__main__":
    sys.exit(main())
