"""Two controllers that serve one library, for real: nodes killed and suspended under a load of mounts, shutdowns in every
mode, votes on both sides of the threshold. usage: pair.py BIN_DIR STORY [ROUNDS]"""

import os
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from pair_rig import CLUSTER, NODES, PROGRAMS, SERVING, Failed, PairRig, check, other, signal, wait_until  # noqa: E402


class Load:
    """Mounts and unmounts volumes one after the other at whichever node serves; remembers what was acknowledged."""

    def __init__(self, rig, volumes):
        self.rig, self.volumes = rig, volumes
        self.acknowledged = self.refused = self.requests = 0
        self.last = time.monotonic()
        self.longest = 0.0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _once(self, verb, volume):
        self.requests += 1
        # Repeated until it is answered, whoever answers: the same request is one mount.
        words = ("--request", f"load-{self.requests}") if verb == "mount" else ()
        while not self.over.is_set():
            for node in NODES:
                if node in self.rig.processes and self.rig.ask(node, "volume", verb, volume, *words, quiet=True):
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
                self._once("mount", volume)
                self._once("unmount", volume)

    def end(self):
        self.over.set()
        self.thread.join(30)


def mounted(rig, node):
    return {c["volume"]: c["drive"] for c in rig.ask(node, "claim", "list") if c["state"] == "mounted"}


def takeover(rig, rounds):
    rig.start()
    primary = "lra-a"
    status, data, words = rig.refused("lra-b", "volume", "mount", rig.volumes[0])
    check(status == 5 and data["reason"] == "retry_elsewhere" and "lra-a" in words,
          "the standby passes a mount request on to the other node, by name")
    times = []
    for _ in range(rounds):
        standby = other(primary)
        held = {v: rig.mount(primary, v)["drive"] for v in rig.volumes[:2]}
        load = Load(rig, rig.volumes[2:4])
        wait_until("mounts are acknowledged", lambda: load.acknowledged >= 2, 30)
        begin = time.monotonic()
        rig.kill(primary)
        rig.await_state(standby, "primary_alone")
        times.append(time.monotonic() - begin)
        before = load.acknowledged
        wait_until("mounts are acknowledged again", lambda: load.acknowledged > before + 1, 40)
        load.end()
        check(held.items() <= mounted(rig, standby).items(), f"{standby} has every volume that was mounted, in its drive")
        for volume in held:
            rig.unmount(standby, volume)
        rig.start_node(primary)
        rig.await_pair(standby)
        check(True, f"{primary} is the standby of {standby} when it is back; "
                    f"taken over in {times[-1]:.1f} s, without an answer for {load.longest:.1f} s, "
                    f"{load.acknowledged} requests served")
        primary = standby
        rig.await_mounting(primary)
    print(f"     taken over after kill -9: {', '.join(f'{t:.1f}' for t in times)} s", flush=True)


def suspended(rig, rounds):
    rig.start()
    held = {v: rig.mount("lra-a", v)["drive"] for v in rig.volumes[:2]}
    process = rig.processes["lra-a"]
    process.send_signal(signal.SIGSTOP)
    rig.processes.pop("lra-a")
    begin = time.monotonic()
    rig.await_state("lra-b", "primary_alone")
    print(f"     taken over after SIGSTOP: {time.monotonic() - begin:.1f} s", flush=True)
    rig.await_mounting("lra-b")
    check(held.items() <= mounted(rig, "lra-b").items(), "the claims of the suspended node are the other one's")
    volume = rig.volumes[2]
    drive = rig.mount("lra-b", volume)["drive"]
    process.send_signal(signal.SIGCONT)
    rig.processes["lra-a"] = process
    status, data, _ = rig.refused("lra-a", "volume", "mount", rig.volumes[3])
    check(status == 5, f"the node that was resumed mounts nothing ({data['reason']})")
    rig.await_pair("lra-b")
    check(rig.show("lra-a")["acts"] is False, "it ends as the standby")
    check(mounted(rig, "lra-b").get(volume) == drive, "what the other one did meanwhile stands")
    for name in (*held, volume):
        rig.unmount("lra-b", name)


def shutdowns(rig, rounds):
    rig.start()
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
    left = rig.ask("lra-a", "pair", "shutdown", "first", "--mode", "immediate", "--reason", "power")
    check(left["state"] == "shut_down", "the first node leaves at once although a volume is mounted")
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


def votes(rig, rounds):
    rig.start()
    rig.ask("lra-b", "pair", "shutdown", "both", "--reason", "power work")
    for node in NODES:
        rig.await_state(node, "shut_down")
    check(True, "both leave by one command")
    for host in rig.hosts[1:]:
        rig.end(host)
    rig.lractl("lra-a", "pair", "recover", "first")
    rig.await_state("lra-a", "offline")
    status, data, words = rig.refused("lra-a", "volume", "mount", rig.volumes[0])
    check(data["reason"] == "system_offline" and status == 5, "with exactly the threshold of votes the library stays offline")
    shown = rig.ask("lra-a", "pair", "votes")
    check(shown["yes"] + shown["no"] <= 1 and shown["silent"] == 2, "votes names the two agents that are missing")
    rig.start_dsad(rig.hosts[1])
    rig.await_state("lra-a", "primary_alone", timeout=60)
    rig.await_mounting("lra-a")
    check(rig.mount("lra-a", rig.volumes[0])["state"] == "mounted", "one agent more, and it serves without an operator")
    rig.lractl("lra-b", "pair", "recover", "second")
    rig.await_pair("lra-a")
    rig.unmount("lra-a", rig.volumes[0])
    rig.start_dsad(rig.hosts[2])
    left = rig.ask("lra-a", "pair", "shutdown", "both", "--mode", "immediate", "--reason", "power work")
    check(left["state"] == "shut_down", "both again")
    rig.await_state("lra-b", "shut_down")
    for host in rig.hosts:
        rig.end(host)
    for node in NODES:
        rig.lractl(node, "pair", "recover", NODES[node])
    rig.await_pair("lra-a", timeout=90)
    check(True, "both back without one agent: the pair as it was, without a vote")


STORIES = {"takeover": takeover, "suspended": suspended, "shutdowns": shutdowns, "votes": votes}


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
