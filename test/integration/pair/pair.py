"""Two controllers that serve one library, for real: nodes killed and suspended under a load of mounts, shutdowns in every
mode, votes on both sides of the threshold. usage: pair.py BIN_DIR STORY [ROUNDS]"""

import os
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from pair_rig import CLUSTER, NODES, PROGRAMS, SERVING, Failed, PairRig, check, other, signal, wait_until  # noqa: E402
from stops import stopped  # noqa: E402


class Load:
    """Mounts and unmounts volumes one after the other at whichever node serves; remembers what was acknowledged."""

    def __init__(self, rig, volumes, nodes=NODES):
        self.rig, self.volumes, self.nodes = rig, volumes, tuple(nodes)
        self.acknowledged = self.refused = self.requests = 0
        self.last = time.monotonic()
        self.name = f"load-{int(self.last * 1000)}"
        self.longest = 0.0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _once(self, verb, *words):
        """Repeated until it is answered, whoever answers: a mount that is named by its request is one mount, and ends once."""
        while not self.over.is_set():
            for node in self.nodes:
                if node in self.rig.processes and self.rig.ask(node, "volume", verb, *words, quiet=True):
                    now = time.monotonic()
                    self.longest = max(self.longest, now - self.last)
                    self.last = now
                    self.acknowledged += 1
                    return
                self.refused += 1
            time.sleep(0.05)

    def _run(self):
        while not self.over.is_set():
            for volume in self.volumes:
                self.requests += 1
                request = f"{self.name}-{self.requests}"
                self._once("mount", volume, "--request", request)
                self._once("unmount", request)

    def end(self):
        self.over.set()
        self.thread.join(30)


def mounted_now(rig, node):
    """Nothing while the node finds out whether it may serve."""
    claims = rig.ask(node, "claim", "list", quiet=True)
    return None if claims is None else {c["volume"]: c["drive"] for c in claims if c["state"] == "mounted"}


def mounted(rig, node):
    wait_until(f"{node} tells its claims", lambda: mounted_now(rig, node) is not None, 20)
    return mounted_now(rig, node) or {}


def is_offline(rig, node, drive, reason):
    """Forced offline, with its reason and an alarm that names it."""
    shown = rig.ask(node, "drive", "show", drive, quiet=True)
    if not shown or shown["operational_state"] != "forced_offline" or reason not in (shown["offline_reason"] or ""):
        return False
    return any(a["kind"] == "drive_forced_offline" and a["drive"] == drive and reason in a["text"]
               for a in rig.ask(node, "alarm", "list"))


def is_online(rig, node, drive):
    shown = rig.ask(node, "drive", "show", drive, quiet=True)
    return shown and shown["operational_state"] == "online" and not any(
        a["kind"] == "drive_forced_offline" and a["drive"] == drive for a in rig.ask(node, "alarm", "list"))


def as_shown(rig, node):
    """The pair by alarms, the MIB, notifications: a node that serves alone."""
    wait_until("an alarm says that it serves alone", lambda: ("pair_alone", "") in rig.alarms(node), 30)
    wait_until("the MIB", lambda: "primaryAlone" in rig.mib(node, "snmpget", "-Oqv", "tlrPairState.0"), 30)
    check(rig.mib(node, "snmpget", "-Oqv", "tlrPairActs.0").strip() == "true", "an alarm and the MIB say that it serves alone")
    table = rig.mib(node, "snmptable", "-Cf", ";", "-Ci", "tlrPairTable")
    rows = [line.split(";") for line in table.splitlines() if line.count(";") > 4]
    check(len(rows) == 3 + len(rig.hosts) and sum("voter" in row for row in rows) == len(rig.hosts),
          f"tlrPairTable has both nodes and {len(rig.hosts)} agents")
    wait_until("consumers are told of both", lambda: all(
        word in rig.log_of("snmptrapd") for word in ("tlrPairRoleChanged", "primaryAlone", "tlrPairTrouble ", "pairAlone")), 30)


def takeover(rig, rounds):
    """Kills the primary under a load of mounts, again and again. Returns the node that is the primary in the end."""
    primary = "lra-a"
    claim = rig.mount("lra-b", rig.volumes[0], "--request", "asked-at-b")
    check(claim["state"] == "mounted" and claim["node"] == "lra-a", "what is asked of the standby is done by the other node")
    again = rig.mount("lra-a", rig.volumes[0], "--request", "asked-at-b")
    check(again["claim"] == claim["claim"] and again["drive"] == claim["drive"], "and the same request there is the same mount")
    status, data, _ = rig.refused("lra-b", "volume", "mount", rig.volumes[0])
    check(status == 10 and data["reason"], "a refusal comes back as it was given")
    check(rig.unmount("lra-b", rig.volumes[0])["ending"] == "unmounted", "it is unmounted by the standby, too")
    times = []
    kept = rig.drives[3]
    for _ in range(rounds):
        standby = other(primary)
        held = {v: rig.mount(primary, v)["drive"] for v in rig.volumes[:2]}
        load = Load(rig, rig.volumes[2:4], (standby, primary))
        wait_until("mounts are acknowledged", lambda: load.acknowledged >= 2, 30)
        ordered = len(rig.orders(kept))
        rig.ask(primary, "drive", "offline", kept, "--reason", "spare parts are late")
        begin = time.monotonic()
        rig.kill(primary)
        rig.await_state(standby, "primary_alone")
        times.append(time.monotonic() - begin)
        before = load.acknowledged
        wait_until("mounts are acknowledged again", lambda: load.acknowledged > before + 1, 40)
        load.end()
        as_shown(rig, standby)
        check(is_offline(rig, standby, kept, "spare parts are late"), f"{standby} keeps the drive offline that {primary} forced offline")
        wait_until("its order", lambda: (standby, "offline") in rig.orders(kept)[ordered:], 30)
        check("online" not in [action for _, action in rig.orders(kept)[ordered:]], "and nobody has brought it back in between")
        rig.ask(standby, "drive", "clear", kept, "--reason", "replaced")
        check(is_online(rig, standby, kept), "an administrator clears it there")
        check(held.items() <= mounted(rig, standby).items(), f"{standby} has every volume that was mounted, in its drive")
        for volume in mounted(rig, standby):  # the load's own among them
            rig.unmount(standby, volume)
        rig.start_node(primary)
        rig.await_pair(standby)
        wait_until(f"{primary} learns that it was cleared", lambda: is_online(rig, primary, kept), 30)
        wait_until("the alarm is over", lambda: ("pair_alone", "") not in rig.alarms(standby), 30)
        shown = rig.show(primary)["replication"]
        check(shown["copy"] == "in_sync" and shown["lag_bytes"] is not None, f"the standby tells how far it is: {shown}")
        check(is_online(rig, standby, kept), "which the other node hears of, and does not undo")
        check(True, f"{primary} is the standby of {standby} when it is back; "
                    f"taken over in {times[-1]:.1f} s, without an answer for {load.longest:.1f} s, "
                    f"{load.acknowledged} requests served")
        primary = standby
        rig.await_mounting(primary)
    print(f"     taken over after kill -9: {', '.join(f'{t:.1f}' for t in times)} s", flush=True)
    return primary


def suspended(rig, primary):
    """Two servers that take writes at the same time, and a node that does not know that it was replaced."""
    standby = other(primary)
    held = {v: rig.mount(primary, v)["drive"] for v in rig.volumes[:2]}
    process = rig.processes.pop(primary)
    process.send_signal(signal.SIGSTOP)
    begin = time.monotonic()
    try:
        rig.await_state(standby, "primary_alone")
        print(f"     taken over after SIGSTOP: {time.monotonic() - begin:.1f} s", flush=True)
        rig.await_mounting(standby)
        check(held.items() <= mounted(rig, standby).items(), "the claims of the suspended node are the other one's")
        volume = rig.volumes[2]
        drive = rig.mount(standby, volume)["drive"]
    finally:
        process.send_signal(signal.SIGCONT)
        rig.processes[primary] = process
    # As soon as it stands by it passes requests on; it does nothing by itself.
    asked = rig.lractl(primary, "--json", "volume", "mount", rig.volumes[3])
    there = mounted(rig, standby)
    check(asked.returncode == 5 or rig.volumes[3] in there, "the node that was resumed mounts nothing by itself")
    if asked.returncode == 0:
        rig.unmount(standby, rig.volumes[3])
    rig.await_pair(standby)
    check(rig.show(primary)["acts"] is False, "it ends as the standby")
    check(mounted(rig, standby).get(volume) == drive, "what the other one did meanwhile stands")
    for name in (*held, volume):
        rig.unmount(standby, name)


def databases(rig):
    """The servers end, one and then the other, and the nodes go on."""
    primary = next(n for n in NODES if rig.state(n) == "primary")
    standby = other(primary)
    volume = rig.volumes[4]
    drive = rig.mount(primary, volume)["drive"]
    before = rig.kill_database(standby)
    wait_until("the standby's server runs again", lambda: rig.database_process(standby) not in (None, before), 40)
    wait_until("its copy confirms again", lambda: rig.show(primary)["data"]["standby"] == "in_sync", 40)
    rig.await_pair(primary)
    check(mounted(rig, primary).get(volume) == drive, "the standby's database ends, and the pair is one again")
    rig.kill_database(primary)
    serving, _ = wait_until("one of them serves again", lambda: next(
        (n for n in NODES if rig.state(n) in SERVING and (mounted_now(rig, n) or {}).get(volume) == drive), None), 60)
    rig.await_pair(serving)
    check(rig.ask(serving, "volume", "unmount", volume) is not None, "the primary's database ends, and no claim is lost")


def nodes(rig, rounds):
    rig.start()
    suspended(rig, takeover(rig, rounds))
    databases(rig)


def shutdowns(rig):
    rig.mount("lra-a", rig.volumes[0])
    key = rig.ask("host-b", "pair", "shutdown", "second", "--reason", "new disks")
    rig.await_state("lra-b", "shut_down")
    rig.await_state("lra-a", "primary_alone")
    check(True, "a command given to one agent takes the second node out of service, the first serves alone")
    for host in rig.hosts:
        wait_until(f"{host} has the key", lambda h=host: [
            k for k in rig.ask(h, "pair", "keys") if k["key"] == key["key"] and k["nodes"][0]["out"]], 10)
    check(True, "every agent keeps the same key, which says that it left")
    before = rig.ask("host-a", "pair", "keys")
    rig.kill("host-a")
    rig.start_dsad("host-a")
    check(rig.ask("host-a", "pair", "keys") == before, "an agent that was killed keeps it")
    status, _, words = rig.refused("lra-a", "pair", "shutdown", "first", "--mode", "quickly", "--reason", "x")
    check(status == 2 and "normal, expedite, immediate or forced" in words, "an unknown mode is refused")
    wait_until("host-a is heard", lambda: all(a["answers"] for a in rig.show("lra-a")["agents"]), 15)
    rig.ask("lra-a", "pair", "shutdown", "first", "--mode", "immediate", "--reason", "power")
    check(rig.await_state("lra-a", "shut_down"), "the first node leaves at once although a volume is mounted")
    status, data, _ = rig.refused("lra-a", "volume", "mount", rig.volumes[1])
    check(data["reason"] == "shutting_down", "nothing is mounted any more")
    rig.lractl("lra-b", "pair", "recover", "second")
    rig.await_state("lra-b", "offline")
    votes = rig.ask("lra-b", "pair", "show")
    check(not votes["acts"], "the one that left first does not serve when it comes back alone")
    rig.lractl("lra-a", "pair", "recover", "first")
    rig.await_state("lra-a", *SERVING)
    rig.await_pair("lra-a")
    rig.await_mounting("lra-a")
    check(rig.volumes[0] in mounted(rig, "lra-a"), "the one that served last has the volume that was mounted; a pair again")
    rig.unmount("lra-a", rig.volumes[0])


def votes(rig):
    rig.ask("lra-b", "pair", "shutdown", "both", "--reason", "power work")
    for node in NODES:
        rig.await_state(node, "shut_down")
    check(True, "both leave by one command")
    for host in rig.hosts[1:]:
        rig.end(host)
    rig.lractl("lra-a", "pair", "recover", "first")
    rig.await_state("lra-a", "offline")
    # It tries again every retry_ms, and says meanwhile that it does.
    refused, _ = wait_until("", lambda: next((r for r in [rig.refused("lra-a", "volume", "mount", rig.volumes[0])]
                                              if r[1]["reason"] == "system_offline"), None), 20)
    check(refused[0] == 5, "with exactly the threshold of votes the library stays offline")
    wait_until("which is an alarm", lambda: ("pair_out_of_service", "") in rig.alarms("lra-a"), 30)
    shown = rig.ask("lra-a", "pair", "votes")
    check(shown["yes"] + shown["no"] <= 1 and shown["silent"] == 2, "votes names the two agents that are missing")
    rig.start_dsad(rig.hosts[1])
    rig.await_state("lra-a", "primary_alone", timeout=60)
    rig.await_mounting("lra-a")
    check(rig.mount("lra-a", rig.volumes[0])["state"] == "mounted", "one agent more, and it serves without an operator")
    rig.lractl("lra-b", "pair", "recover", "second")
    rig.await_pair("lra-a")
    rig.unmount("lra-a", rig.volumes[0])
    gone = ("pair_voter_missing", rig.hosts[2])
    wait_until("the agent that is missing is an alarm", lambda: gone in rig.alarms("lra-a"), 30)
    rig.start_dsad(rig.hosts[2])
    wait_until("until it is back", lambda: gone not in rig.alarms("lra-a"), 30)
    check(("pair_out_of_service", "") not in rig.alarms("lra-a"), "alarms end when what they tell of is over")
    rig.ask("lra-a", "pair", "shutdown", "both", "--mode", "immediate", "--reason", "power work")
    check(rig.await_state("lra-a", "shut_down"), "both again")
    rig.await_state("lra-b", "shut_down")
    for host in rig.hosts:
        rig.end(host)
    for node in NODES:
        rig.lractl(node, "pair", "recover", NODES[node])
    rig.await_pair("lra-a", timeout=90)
    check(True, "both back without one agent: the pair as it was, without a vote")
    for host in rig.hosts:
        rig.start_dsad(host)


def power(rig):
    """Everybody ends at once; one node comes back, and nobody has given a command."""
    primary = "lra-a"
    rig.await_mounting(primary)
    volume = rig.volumes[5]
    drive = rig.mount(primary, volume)["drive"]
    for name in (*NODES, *rig.hosts):
        rig.kill(name)
    for host in rig.hosts:
        rig.start_dsad(host)
    rig.start_node(other(primary))
    rig.await_state(other(primary), "primary_alone", timeout=60)
    wait_until("the claim is there", lambda: (mounted_now(rig, other(primary)) or {}).get(volume) == drive, 40)
    check(True, "power is lost everywhere, the standby alone comes back: it has every claim, by the agents' votes")
    rig.start_node(primary)
    rig.await_pair(other(primary))
    rig.unmount(other(primary), volume)
    rig.ask(other(primary), "pair", "shutdown", NODES[other(primary)], "--mode", "expedite", "--reason", "change over")
    rig.await_state(primary, *SERVING)
    rig.ask(other(primary), "pair", "recover", NODES[other(primary)])
    rig.await_pair(primary)
    check(True, "and the roles change by a shutdown of the one that serves")


def commands(rig, rounds):
    rig.start()
    for _ in range(rounds):
        shutdowns(rig)
        votes(rig)
        power(rig)
        stopped(rig, lambda volumes: Load(rig, volumes))


STORIES = {"nodes": nodes, "commands": commands}


def main():
    bin_dir, story = sys.argv[1], sys.argv[2]
    if not os.path.exists(f"{PROGRAMS}/initdb"):
        print("PostgreSQL is not installed")
        return 77
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    begin = time.monotonic()
    with PairRig(bin_dir) as rig:
        try:
            STORIES[story](rig, rounds)
        except Failed as failure:
            print(f"FAILED {failure}", flush=True)
            raise
    print(f"     {story}: {time.monotonic() - begin:.0f} s, cluster {CLUSTER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
