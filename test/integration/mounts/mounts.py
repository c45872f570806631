"""Stories about mounting volumes, with real processes, a real changer and real drives over iSCSI."""

import json
import random
import signal
import sys
import time

from database import Database, is_installed
from mount_rig import DRIVES, Failed, MountRig, check, wait_until


def for_hosts(rig):
    rig.start()
    volumes = rig.ask("lrad", "volume", "list")
    check({v["barcode"] for v in volumes} >= set(rig.all_volumes) and all(v["place"] == "slot" for v in volumes),
          "every volume is known, with its slot")
    claim = rig.mount("VT0001L8", "--host", "host-a", "--request", "job-1")
    serial = claim["drive"]
    check(claim["state"] == "mounted" and claim["host"] == "host-a", f"VT0001L8 is mounted in {serial} for host-a")
    check(rig.where("VT0001L8") == f"drive {serial}", "the library itself says so")
    check(rig.drive(serial)["mount"]["volume"] == "VT0001L8", "`drive list` shows it")
    again = rig.mount("VT0001L8", "--host", "host-a", "--request", "job-1")
    check(again["claim"] == claim["claim"] and again["drive"] == serial, "the same request again is the same mount")
    check(rig.refused("mount", "VT0001L8")[:2] == (10, {"reason": "in_another_drive"}),
          "another request for the volume is told that it is in use")

    host = rig.scsi_host("host-a", serial)
    check(host.sense_of("000000000000") == "good", "the drive is ready for the host")
    check(host.pr_register(0xaa) == 0 and host.pr_reserve(0xaa) == 0, "and carries no reservation of the controller's")
    status, data, words = rig.refused("unmount", "VT0001L8")
    check((status, data["reason"]) == (3, "drive_in_use") and "00000000000000aa" in words,
          "it is not unmounted while the host holds it")
    check(rig.row(serial)["state"] == "mounted", "and stays mounted")
    host.pr_release(0xaa)
    host.pr_unregister(0xaa)
    done = rig.ask("lrad", "unmount", "job-1")
    check((done["state"], done["ending"]) == ("ended", "unmounted"), "unmounted by its request")
    check(rig.where("VT0001L8").startswith("slot") and rig.row(serial)["state"] == "free",
          "the cartridge is in its slot, the drive is free")
    check(rig.ask("lrad", "unmount", str(claim["claim"]))["ending"] == "unmounted", "unmounting twice is harmless")

    others = [rig.mount(v)["drive"] for v in ("VT0002L8", "VT0003L8", "VT0004L8")]
    check(len(set(others)) == 3 and serial not in others, "the drive that was used last comes last")
    reservations = [e for e in rig.ask("lrad", "event", "list", "--limit", "200") if e["message"] in ("LRA1001", "LRA1003")]
    check(all("library-controller" not in e["text"] for e in reservations), "the controller's own reservation is no host's")
    mounted = [e for e in rig.ask("lrad", "event", "list", "--limit", "200") if e["message"] == "LRA1100"]
    check(len(mounted) == 4, "each mount is in the event log")


def on_the_wire(rig):
    """The order of commands, and who may use the drive meanwhile."""
    rig.start()
    serial = rig.mount("VT0001L8")["drive"]
    sessions = {s["target"].rsplit(":", 1)[1]: s["id"] for s in rig.ask("vtld", "session", "list")}

    def sent(target):
        return rig.ask("vtld", "session", "trace", str(sessions[target]))
    steps = [(c["at_ms"], c["cdb"][:4]) for c in sent(f"drive-{serial}") if c["cdb"].startswith("5f") and c["status"] == 0]
    moves = [c for c in sent("changer") if c["cdb"].startswith("a5")]
    reserved = next(at for at, what in steps if what == "5f01")
    released = next(at for at, what in steps if what == "5f02")
    check(len(moves) == 1 and reserved <= moves[0]["at_ms"], "the drive is reserved before MOVE MEDIUM")
    check(released >= moves[0]["at_ms"] + moves[0]["took_us"] // 1000, "and released when the cartridge is in")
    rig.ask("lrad", "unmount", "VT0001L8")

    for drive in rig.drives:
        rig.ask("vtld", "fault", "inject", drive, "sense", "--sense", "02/04/01", "--opcode", "00")
    client = rig.begin("mount", "VT0002L8", "--host", "host-a", "--request", "slow")
    claim = rig.await_state("slow", lambda c: c["state"] == "loading" and "ready" in (c["step"] or ""), "waits for its drive")
    stranger = rig.scsi_host("host-b", claim["drive"])
    check(stranger.sense_of("010000000000") == "conflict", "until the hand-over a host gets RESERVATION CONFLICT")
    drive = rig.drive(claim["drive"])
    check(drive["reservation"]["state"] == "free" and drive["mount"]["state"] == "loading",
          "to the reservation agent the drive is free, and `drive list` shows the claim")
    rig.ask("vtld", "fault", "clear")
    out, err = client.communicate(timeout=30)
    check(client.returncode == 0 and stranger.sense_of("010000000000") == "good", "and none after it")


def refusals(rig):
    rig.start()
    check(rig.refused("mount", "NOBODYL8")[:2] == (10, {"reason": "unknown"}), "an unknown volume")
    check(rig.refused("mount", "CLN001L1")[:2] == (10, {"reason": "cleaning"}), "a cleaning cartridge")
    check(rig.refused("mount", "VT0009L9")[:2] == (10, {"reason": "wrong_generation"}), "a volume no drive can use")
    rig.ask("lrad", "volume", "disable", "VT0001L8", "--reason", "recalled")
    check(rig.refused("mount", "VT0001L8")[:2] == (10, {"reason": "disabled"}), "a disabled volume")
    rig.ask("lrad", "volume", "enable", "VT0001L8", "--reason", "found")
    check(rig.refused("mount", "VT0001L8", "--host", "host-z")[0] == 2, "a host nobody knows")
    check(rig.refused("mount", "VT0001L8", "--access", "both")[0] == 2, "an access that is none")
    check(rig.refused("mount", "V T")[0] == 2, "a name that is none")
    check(rig.refused("unmount", "VT0001L8")[0] == 1, "what is not claimed can not be unmounted")
    rig.ask("vtld", "cartridge", "move", "VT0002L8", f"drive {DRIVES[3]}")
    rig.ask("lrad", "volume", "scan")
    check(rig.refused("mount", "VT0002L8")[:2] == (10, {"reason": "in_another_drive"}), "a volume in a drive without a claim")
    check(rig.ask("lrad", "claim", "list") == [], "none of them left a claim behind")

    rig.ask("lrad", "drive", "offline", DRIVES[1], "--reason", "test")
    host = rig.scsi_host("host-b", DRIVES[2])
    host.reserve6()
    rig.await_drive(DRIVES[2], lambda d: d["reservation"]["state"] == "reserved", "reserved")
    check(rig.mount("VT0003L8")["drive"] == DRIVES[0], "the one drive that is left is taken")
    status, data, words = rig.refused("mount", "VT0004L8")
    counts = {k: v for k, v in data["drives"].items() if v}
    check((status, counts) == (11, {"fitting": 4, "busy": 2, "offline": 1, "reserved_by_other": 1}), f"no drive: {words}")
    host.release6()


def in_line(rig):
    rig.start()
    first = rig.mount("VT0001L8")
    second = rig.mount("VT0002L8")
    waiting = []
    for volume in ("VT0003L8", "VT0004L8", "VT0005L8"):
        waiting.append(rig.begin("mount", volume, "--wait", "--request", f"wait-{volume}"))
        wait_until(f"{volume} is in line", lambda v=volume: rig.ask("lrad", "claim", "show", f"wait-{v}", quiet=True), 10)
    positions = [rig.ask("lrad", "claim", "show", f"wait-{v}")["position"] for v in ("VT0003L8", "VT0004L8", "VT0005L8")]
    check(positions == [1, 2, 3], "who waits has a place in the line")
    check(rig.refused("mount", "VT0006L8", "--wait")[:2][0] == 11, "the line has an end")
    rig.ask("lrad", "claim", "cancel", "wait-VT0004L8")
    out, err = waiting[1].communicate(timeout=20)
    check(waiting[1].returncode == 13 and json.loads(err)["error"]["data"]["reason"] == "cancelled", "a place can be given up")
    late = rig.begin("mount", "VT0006L8", "--wait", "--deadline", "1")
    late.communicate(timeout=20)
    check(late.returncode == 13, "a deadline ends the waiting")
    rig.ask("lrad", "unmount", first["volume"])
    out, err = waiting[0].communicate(timeout=30)
    check(waiting[0].returncode == 0 and json.loads(out)["drive"] == first["drive"], "the first in line gets the free drive")
    rig.kill_lrad()
    waiting[2].communicate(timeout=20)
    rig.restart_lrad()
    rig.await_serving()
    shown = rig.ask("lrad", "claim", "show", "wait-VT0005L8")
    check((shown["state"], shown["position"]) == ("queued", 1), "a place in the line outlives lrad")
    rig.ask("lrad", "unmount", second["volume"])
    rig.await_state("wait-VT0005L8", lambda c: c["state"] == "mounted", "is mounted")
    check(rig.mount("VT0005L8", "--wait", "--request", "wait-VT0005L8")["state"] == "mounted",
          "and the request, made again, is told of its mount")


# The state of the row when lrad was killed, whether the drive carries the dead key, where the cartridge is; then the
# state of the claim, why it ended, and where the cartridge is in the end.
CRASHES = (
    ("after commit 1, before reserve", "claimed", False, "slot", "ended", "undone", "slot"),
    ("reserve sent, no answer", "claimed", True, "slot", "ended", "undone", "slot"),
    ("after commit 2, before the move", "reserved", True, "slot", "ended", "undone", "slot"),
    ("move not carried out", "loading", True, "slot", "ended", "undone", "slot"),
    ("move carried out", "loading", True, "drive", "mounted", None, "drive"),
    ("mounted, answer lost", "mounted", False, "drive", "mounted", None, "drive"),
    ("mounted, before hand-over", "mounted", True, "drive", "mounted", None, "drive"),
    ("mounted, taken out by hand", "mounted", False, "slot", "ended", "unmounted", "slot"),
    ("unloading, before the move back", "unloading", True, "drive", "ended", "unmounted", "slot"),
    ("unloading, after the move back", "unloading", True, "slot", "ended", "unmounted", "slot"),
    ("unloading, after release", "unloading", False, "slot", "ended", "unmounted", "slot"),
)


def crash_points(rig):
    rig.start()
    for number, (words, state, carries_key, place, then, ending, end_place) in enumerate(CRASHES):
        volume = "VT0001L8"
        request = f"crash-{number}"
        claim = rig.mount(volume, "--request", request)
        serial, home = claim["drive"], rig.ask("lrad", "volume", "show", volume)["home"]
        rig.kill_lrad()
        # The row as it was written at that moment, the wire as it would be.
        (key,), = rig.database("SELECT pr_key FROM drive WHERE serial = ?", serial)
        rig.database("UPDATE claim SET state = ? WHERE request = ?", state, request)
        rig.database("UPDATE drive SET state = ? WHERE serial = ?", state, serial)
        if place == "slot":
            rig.ask("vtld", "cartridge", "move", volume, f"slot {home - 999}")
        if carries_key:
            dead = rig.as_controller(serial)
            if dead.pr_register(key) != 0 or dead.pr_reserve(key) != 0:
                raise Failed("the dead key could not be set")
            dead.log_out()
            rig.scsi_hosts.remove(dead)
        rig.restart_lrad()
        found = rig.await_state(request, lambda c: c["state"] == then and not c["step"], f"is {then}")
        check((found["ending"], rig.where(volume).split()[0]) == (ending, end_place), f"{words}: {then}, in a {end_place}")
        row = rig.row(serial)
        check(row["state"] == ("mounted" if then == "mounted" else "free"), "  and the drive's row says the same")
        host = rig.scsi_host("host-b", serial)
        check(host.pr_register(0xbb) == 0 and host.pr_reserve(0xbb) == 0, "  and the drive carries no key of ours")
        host.pr_release(0xbb)
        host.pr_unregister(0xbb)
        host.log_out()
        rig.scsi_hosts.remove(host)
        again = rig.lractl("lrad", "--json", "mount", volume, "--request", request)
        check(again.returncode == (3 if ending == "unmounted" else 0), "  the same request again is served, or told how it ended")
        if rig.where(volume).startswith("drive"):
            rig.ask("lrad", "unmount", volume)
    # A host was quicker than the dead controller: its key is not touched.
    claim = rig.mount("VT0002L8", "--request", "foreign")
    rig.kill_lrad()
    rig.database("UPDATE claim SET state = 'claimed' WHERE request = 'foreign'")
    rig.database("UPDATE drive SET state = 'claimed' WHERE serial = ?", claim["drive"])
    home = rig.database("SELECT home FROM volume WHERE barcode = 'VT0002L8'")[0][0]
    rig.ask("vtld", "cartridge", "move", "VT0002L8", f"slot {home - 999}")
    host = rig.scsi_host("host-b", claim["drive"])
    check(host.pr_register(0xcc) == 0 and host.pr_reserve(0xcc) == 0, "a host reserves the drive")
    rig.restart_lrad()
    rig.await_state("foreign", lambda c: c["state"] == "ended", "is undone")
    check(host.pr_release(0xcc) == 0 and rig.row(claim["drive"])["state"] == "free", "its reservation stands, the row is free")


def killed(rig):
    """lrad is killed at moments nobody chose, and every request is made again until it is answered."""
    rig.start()
    random.seed(20261121)
    rounds = 12
    for number in range(rounds):
        volume = rig.volumes[number % len(rig.volumes)]
        request = f"kill-{number}"
        client = rig.begin("mount", volume, "--request", request)
        time.sleep(random.uniform(0.02, 0.35))
        rig.kill_lrad()
        client.communicate(timeout=20)
        rig.restart_lrad()

        def answered(volume=volume, request=request):
            done = rig.lractl("lrad", "--json", "mount", volume, "--request", request)
            if done.returncode == 0:
                return json.loads(done.stdout)
            if done.returncode not in (1, 3, 5):
                raise Failed(f"request {request}: {done.stderr}")
            return None
        claim, _ = wait_until(f"request {request} is answered", answered, 40)
        rows = [r for r in rig.ask("lrad", "claim", "drives") if r["volume"] == volume]
        if len(rows) != 1 or rows[0]["serial"] != claim["drive"] or rig.where(volume) != f"drive {claim['drive']}":
            raise Failed(f"{volume} is claimed in {rows} and lies in {rig.where(volume)}")
        rig.ask("lrad", "unmount", request)
    check(True, f"lrad was killed {rounds} times, every request was answered once, no volume was in two drives")
    check(all(r["state"] == "free" for r in rig.ask("lrad", "claim", "drives")), "every drive is free in the end")


def bad_drives(rig):
    """A drive that never gets ready, and one that says it is broken."""
    rig.start()
    first = rig.mount("VT0001L8")
    rig.ask("lrad", "unmount", "VT0001L8")
    order = [d["serial"] for d in sorted(rig.ask("lrad", "claim", "drives"), key=lambda d: (d["last_used"], -d["element_address"]))]
    check(order[-1] == first["drive"], "the drive that was used comes last now")
    rig.ask("vtld", "fault", "inject", order[0], "sense", "--sense", "04/44/00", "--opcode", "00")
    claim = rig.mount("VT0002L8", "--request", "around")
    check(claim["drive"] == order[1] and claim["failed_drive"] == order[0], "another drive is tried once")
    row = rig.row(order[0])
    check(row["state"] == "quarantined" and "44h" in row["reason"], f"a drive with HARDWARE ERROR is quarantined: {row['reason']}")
    check(rig.where("VT0002L8") == f"drive {order[1]}", "the cartridge went on to the other one")
    rig.ask("vtld", "fault", "clear")
    rig.ask("lrad", "claim", "free", order[0], "--reason", "repaired")
    check(rig.row(order[0])["state"] == "free", "an administrator frees it")
    rig.ask("lrad", "unmount", "around")
    for serial in rig.drives:
        rig.ask("vtld", "fault", "inject", serial, "sense", "--sense", "03/30/00", "--opcode", "00")
    status, data, words = rig.refused("mount", "VT0003L8", "--request", "bad-tape")
    check((status, data["reason"]) == (12, "volume_failed"), f"a volume that failed in two drives: {words}")
    check(rig.refused("mount", "VT0003L8", "--request", "bad-tape")[0] == 12, "the same request again gets the same answer")
    check(rig.where("VT0003L8").startswith("slot"), "the cartridge is back in a slot")
    check(rig.refused("mount", "VT0003L8")[:2] == (10, {"reason": "quarantined"}), "and quarantined")
    check(all(r["state"] == "free" for r in rig.ask("lrad", "claim", "drives")), "no drive is to blame for that")


def two_controllers(rig):
    """Two lrad on one PostgreSQL table; either is killed while both are asked."""
    rig.start()
    rig.start_second()
    nodes = ("lrad", "lrad-b")

    def table(node):
        return [{k: d[k] for k in ("serial", "state", "volume", "node", "claim")} for d in rig.ask(node, "claim", "drives")]
    check(table(nodes[0]) == table(nodes[1]) and len(table(nodes[0])) == 4, "both show the same drive table")
    clients = [rig.begin("mount", volume, at=nodes[i % 2]) for i, volume in enumerate(rig.volumes[:4])]
    claims = []
    for client in clients:
        out, err = client.communicate(timeout=60)
        if client.returncode != 0:
            raise Failed(f"a mount at the same time failed: {err}")
        claims.append(json.loads(out))
    check(len({c["drive"] for c in claims}) == 4, "four mounts at the same time got four drives")
    check([c["node"] for c in claims] == ["lra", "lra-b"] * 2, "each is owned by the controller that was asked")
    check(table(nodes[0]) == table(nodes[1]), "and both show all of them")
    for i, claim in enumerate(claims):
        rig.ask(nodes[1 - i % 2], "unmount", claim["volume"])
    check(all(r["state"] == "free" for r in table("lrad")), "each unmounted what the other had mounted")

    random.seed(7)
    rounds = 6
    for number in range(rounds):
        asked = [(nodes[i], rig.volumes[i], f"two-{number}-{i}") for i in (0, 1)]
        clients = [rig.begin("mount", volume, "--request", request, at=node) for node, volume, request in asked]
        time.sleep(random.uniform(0.02, 0.3))
        victim = nodes[number % 2]
        rig.kill_lrad(victim)
        for client in clients:
            client.communicate(timeout=60)
        rig.restart_lrad(victim)
        for node, volume, request in asked:
            def answered(node=node, volume=volume, request=request):
                done = rig.lractl(node, "--json", "mount", volume, "--request", request)
                if done.returncode not in (0, 1, 3, 5):
                    raise Failed(f"request {request}: {done.stderr}")
                return json.loads(done.stdout) if done.returncode == 0 else None
            claim, _ = wait_until(f"request {request} is answered", answered, 60)
            rows = [r for r in table("lrad") if r["volume"] == volume]
            if len(rows) != 1 or rows[0]["serial"] != claim["drive"] or rig.where(volume) != f"drive {claim['drive']}":
                raise Failed(f"{volume} is claimed in {rows} and lies in {rig.where(volume)}")
        for node, volume, request in asked:
            rig.ask(node, "unmount", request)
    check(all(r["state"] == "free" for r in table("lrad")),
          f"one of them was killed {rounds} times: every request was answered, no volume was in two drives")


STORIES = {
    "for_hosts": (for_hosts, {}),
    "on_the_wire": (on_the_wire, {}),
    "refusals": (refusals, {"extra": ("CLN001L1", "VT0009L9")}),
    "in_line": (in_line, {"drives": DRIVES[:2], "queue_max": 3}),
    "crash_points": (crash_points, {}),
    "killed": (killed, {}),
    "bad_drives": (bad_drives, {}),
    "two_controllers": (two_controllers, {"library": "lib"}),
}

if __name__ == "__main__":
    bin_folder, story = sys.argv[1:3]

    def too_late(*_):
        raise Failed("the story did not end in time")
    signal.signal(signal.SIGALRM, too_late)
    signal.alarm(160)
    tell, options = STORIES[story]
    database = None
    if story == "two_controllers":
        if not is_installed():
            print("SKIPPED: postgresql-15 is not installed", flush=True)
            sys.exit(77)
        database = Database()
        options = {**options, "database": ["host=/nonexistent", database.address]}
    try:
        with MountRig(bin_folder, **options) as scene:
            tell(scene)
    except Failed as failure:
        print(f"FAILED {failure}", flush=True)
        sys.exit(1)
    finally:
        if database is not None:
            database.end()
