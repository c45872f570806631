"""A pair whose networks are really cut: two nodes and four agents with addresses of their own, under a load of mounts. Never
two nodes that command, no mount lost, a pair again after each healing. usage: cut.py BIN_DIR STORY [PART]; 77 when this
machine makes no network namespaces."""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from cut_rig import BothAct, CutRig, Network, NotPermitted, may_make_namespaces, wait_until  # noqa: E402
from pair import Load, mounted  # noqa: E402
from pair_rig import NODES, PROGRAMS, SERVING, TIMES, Failed, check, other  # noqa: E402

HOSTS = ("host-a", "host-b", "host-c", "host-d")


class PatientLoad(Load):
    """Asks again until it has an answer, by the request's name: an unmount that was done and not answered is answered then."""

    def _until(self, *words):
        while not self.over.is_set():
            for node in self.nodes:
                if self.rig.ask(node, "volume", *words, quiet=True):
                    now = time.monotonic()
                    self.longest = max(self.longest, now - self.last)
                    self.last = now
                    self.acknowledged += 1
                    return
            time.sleep(0.05)

    def _run(self):
        while not self.over.is_set():
            for volume in self.volumes:
                self.requests += 1
                request = f"{self.name}-{self.requests}"
                self._until("mount", volume, "--request", request)
                self._until("unmount", request)


class Cut:
    """One cut under a load of mounts and with volumes mounted before, healed again; and what must hold all the time."""

    def __init__(self, rig, primary):
        self.rig, self.primary, self.standby = rig, primary, other(primary)

    def __enter__(self):
        rig = self.rig
        self.held = {v: rig.mount(self.primary, v)["drive"] for v in rig.volumes[:2]}
        self.watch = BothAct(rig)
        self.load = PatientLoad(rig, rig.volumes[2:4], (self.primary, self.standby))
        wait_until("mounts are acknowledged", lambda: self.load.acknowledged >= 1, 40)
        return self

    def goes_on(self, words):
        before = self.load.acknowledged
        wait_until(f"mounts are acknowledged: {words}", lambda: self.load.acknowledged > before + 1, 60)

    def __exit__(self, kind, value, trace):
        rig = self.rig
        rig.heal()
        if kind is not None:
            self.load.over.set()
            self.watch.over.set()
            return
        serving, _ = wait_until("a pair again", lambda: next(
            (n for n in NODES if rig.state(n) == "primary" and rig.state(other(n)) == "standby"), None), 90)
        rig.await_mounting(serving)
        wait_until("the agents consent too", lambda: rig.show(serving)["agents_consent"], 20)
        self.goes_on("after the healing")
        self.load.end()
        looks = self.watch.end()
        check(self.held.items() <= mounted(rig, serving).items(), "every volume that was mounted is in its drive")
        for volume in mounted(rig, serving):
            rig.unmount(serving, volume)
        check(True, f"healed: {serving} is the primary again, {looks} looks and never both act; "
                    f"{self.load.longest:.1f} s without an answer")
        self.serving = serving


def stays(rig, node, state, seconds):
    """Nothing changes for longer than anybody is missed."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        shown = rig.show(node)
        if shown["state"] != state or shown["peer"]["silent"]:
            raise Failed(f"{node} should stay {state} and hear the other: {shown}")
        time.sleep(0.2)


def one_path(rig, primary):
    """One of the two wires between the nodes."""
    with Cut(rig, primary) as cut:
        rig.part([primary], [other(primary)], wire="wire")
        stays(rig, primary, "primary", TIMES["dead_after_ms"] / 1000 + 1)
        check(rig.state(other(primary)) == "standby", "one of two paths between the nodes is cut: nothing happens")
        cut.goes_on("by the other path")
    return cut.serving


def apart(rig, primary):
    """The nodes lose each other, and both see every agent."""
    with Cut(rig, primary) as cut:
        rig.part([primary], [other(primary)])
        rig.await_state(primary, "primary_alone")
        cut.goes_on("alone")
        check(rig.state(other(primary)) == "standby", "the nodes lose each other: the one that serves goes on alone")
        told_no, _ = wait_until("the other one asks and is told no", lambda: {
            a["objection"] for a in rig.ask(other(primary), "pair", "votes")["answers"]} & {"peer_alive", "other_newer", "epoch"}, 30)
        check(True, f"the agents tell the other one no: {', '.join(sorted(told_no))}")
    return cut.serving


def one_to_three(rig, primary):
    """The primary is left with one agent of four."""
    standby = other(primary)
    with Cut(rig, primary) as cut:
        begin = time.monotonic()
        rig.part([primary, HOSTS[0]], [standby, *HOSTS[1:]])
        rig.await_state(standby, "primary_alone")
        taken = time.monotonic() - begin
        check(not rig.show(primary)["acts"], f"left with one agent of four it stops, the other serves {taken:.1f} s after the cut")
        cut.goes_on("by the node with three agents")
    return cut.serving


def two_to_two(rig, primary):
    """Exactly the threshold on each side."""
    standby = other(primary)
    with Cut(rig, primary) as cut:
        rig.part([primary, *HOSTS[:2]], [standby, *HOSTS[2:]])
        wait_until("nobody acts", lambda: not any(rig.show(n)["acts"] for n in NODES), 30)
        time.sleep(2 * TIMES["dead_after_ms"] / 1000)
        check(not any(rig.state(n) in SERVING and rig.show(n)["acts"] for n in NODES),
              "with two agents of four on each side nobody serves")
    return cut.serving


def one_way(rig, primary):
    """What the primary says does not come to the other node; the other way round it does."""
    standby = other(primary)
    with Cut(rig, primary) as cut:
        rig.silence(primary, standby)
        rig.await_state(primary, "primary_alone")
        cut.goes_on("one way")
        check(rig.state(standby) not in SERVING, "the primary is not heard by the other node: it goes on, with the agents' consent")
    with Cut(rig, cut.serving) as cut:
        for host in HOSTS:
            rig.silence(cut.primary, host)
        rig.silence(cut.primary, cut.standby)
        rig.await_state(cut.standby, "primary_alone")
        check(not rig.show(cut.primary)["acts"], "the primary hears everybody and nobody hears it: the other one serves")
        cut.goes_on("by the one that is heard")
    return cut.serving


def by_hand(rig, primary):
    """One node is gone for good, the agents too: a human takes the responsibility, and takes the agents in anew."""
    standby = other(primary)
    volume = rig.volumes[4]
    drive = rig.mount(primary, volume)["drive"]
    for name in (primary, *HOSTS[:3]):
        rig.kill(name)
    wait_until(f"{standby} asks in vain", lambda: rig.ask(standby, "pair", "votes").get("silent", 0) >= 3, 40)
    check(not rig.show(standby)["acts"], "one node and three of four agents are gone: nobody serves")
    status, _, _ = rig.refused(standby, "pair", "recover", NODES[standby], "--forced", NODES[primary], "--reason", "fire")
    check(status == 2, "a forced start has to be told the node's own name")
    # Not while it is just asking the agents once more.
    wait_until("a forced start is taken", lambda: rig.lractl(
        standby, "pair", "recover", NODES[standby], "--forced", standby, "--reason", "fire").returncode == 0, 40)
    rig.await_state(standby, "primary_alone", timeout=60)
    rig.await_mounting(standby)
    check(mounted(rig, standby).get(volume) == drive, "it serves by a forced start, with every mount it knew")
    lost = HOSTS[0]
    for file in rig.path(lost, "state").glob("pair.db*"):
        file.unlink()
    for host in HOSTS[:3]:
        rig.start_dsad(host)
    check(not rig.ask(lost, "pair", "show")["enrolled"], "an agent that lost its store does not vote")
    rig.ask(standby, "pair", "enrol", "--agent", lost, "--reason", "new disk")
    wait_until("it is taken in", lambda: rig.ask(lost, "pair", "show")["enrolled"], 10)
    rig.start_node(primary)
    rig.ask(primary, "pair", "enrol", "--agent", lost, "--reason", "new disk", quiet=True)
    rig.await_pair(standby, timeout=90)
    check(True, "the other node comes back as the standby, its copy made anew")
    rig.unmount(standby, volume)
    return standby


STORIES = {"paths": [one_path, one_to_three], "networks": [apart, two_to_two, one_way, by_hand]}


def main():
    bin_dir, story = os.path.abspath(sys.argv[1]), sys.argv[2]
    parts = [p for p in STORIES[story] if p.__name__ in (sys.argv[3:] or [p.__name__])]
    if not os.path.exists(f"{PROGRAMS}/initdb"):
        print("PostgreSQL is not installed")
        return 77
    begin = time.monotonic()
    try:
        if not may_make_namespaces():
            raise NotPermitted("needs root")
        network = Network((*NODES, *HOSTS))
    except NotPermitted as why:
        print(f"this machine makes no network namespaces: {why}")
        return 77
    try:
        for host in (*NODES, *HOSTS):
            network.connect(host)
        with CutRig(bin_dir, network, agents=len(HOSTS)) as rig:
            rig.start()
            primary = "lra-a"
            print(f"     a pair after {time.monotonic() - begin:.0f} s", flush=True)
            for part in parts:
                at = time.monotonic()
                primary = part(rig, primary)
                print(f"     {part.__name__}: {time.monotonic() - at:.0f} s", flush=True)
    except Failed as failure:
        print(f"FAILED {failure}", flush=True)
        raise
    finally:
        network.end()
    print(f"     {story}: {time.monotonic() - begin:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
