"""Twelve clients mount and unmount on sixteen drives while nodes are killed at moments nobody chose: no drive has two owners,
no volume is in two drives, no acknowledged claim is lost. usage: crowd.py BIN_DIR [KILLS [SEED]]"""

import json
import os
import random
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from pair_rig import NODES, PROGRAMS, SERVING, Failed, PairRig, check, other, play, wait_until  # noqa: E402

CLIENTS, DRIVES, VOLUMES = 12, 16, 20
# Of lractl: the controller can not be reached, does not answer, or says that it does not serve just now.
ASK_AGAIN = (1, 3, 4, 5)


class Client(threading.Thread):
    """Mounts a volume, keeps it for a moment, gives it back. Every request is made again, at either node, until it is answered."""

    def __init__(self, rig, number, seed):
        super().__init__(daemon=True)
        self.rig, self.number, self.random = rig, number, random.Random(seed * 1000 + number)
        self.over = threading.Event()
        self.held = {}  # request: (volume, drive), acknowledged and not given back
        self.mounted = self.refused = 0
        self.trouble = None

    def run(self):
        try:
            for turn in range(10_000):
                if self.over.is_set():
                    return
                self.take_and_give_back(f"crowd-{self.number}-{turn}")
        except Failed as failure:
            self.trouble = str(failure)

    def take_and_give_back(self, request):
        volume = self.random.choice(self.rig.volumes)
        claim = self.answered("mount", volume, "--request", request)
        if claim is None:
            self.refused += 1
            return
        if claim["state"] != "mounted" or claim["volume"] != volume:
            raise Failed(f"{request}: asked for {volume}, got {claim}")
        self.held[request] = (volume, claim["drive"])
        self.mounted += 1
        time.sleep(self.random.uniform(0.1, 1.5))
        del self.held[request]  # from here on nobody can say
        self.answered("unmount", request)

    def answered(self, verb, *words):
        """What the request ended with; None: refused for good, by a volume that is in use or drives that are."""
        until = time.monotonic() + 120
        while time.monotonic() < until:
            for node in self.random.sample(sorted(NODES), 2):
                done = self.rig.lractl(node, "--json", "volume", verb, *words)
                if done.returncode == 0:
                    return json.loads(done.stdout)
                if done.returncode in (10, 11):
                    return None
                if done.returncode not in ASK_AGAIN:
                    raise Failed(f"{verb} {' '.join(words)} at {node}: {done.returncode} {done.stderr}")
            time.sleep(0.1)
        raise Failed(f"{verb} {' '.join(words)}: no answer for two minutes, the last: {done.returncode} {done.stderr}")


def held_by(clients):
    return {request: claim for client in clients for request, claim in list(client.held.items())}


def look(rig, clients):
    """How many acknowledged claims the table was seen to have; 0 also when nobody tells it at this moment."""
    before = held_by(clients)
    for node in NODES:
        claims = rig.ask(node, "claim", "list", quiet=True) if node in rig.processes else None
        if claims is not None:
            break
    else:
        return 0
    after = held_by(clients)
    open_claims = [c for c in claims if c["state"] not in ("released", "ended") and c["drive"]]
    for what in ("drive", "volume"):
        names = [c[what] for c in open_claims]
        twice = {n for n in names if names.count(n) > 1}
        if twice:
            raise Failed(f"{what} {twice} twice: {[c for c in open_claims if c[what] in twice]}")
    table = {c["volume"]: c["drive"] for c in open_claims}
    held = before.keys() & after.keys()
    for request in held:
        volume, drive = before[request]
        if table.get(volume) != drive:
            raise Failed(f"{request} was acknowledged with {volume} in {drive}; the table has {table.get(volume)}")
    return len(held)


def watch(rig, clients, seconds):
    until = time.monotonic() + seconds
    seen = 0
    while time.monotonic() < until:
        seen += look(rig, clients)
        troubles = [c.trouble for c in clients if c.trouble]
        if troubles:
            raise Failed("; ".join(troubles))
        time.sleep(0.2)
    return seen


def crowd(rig, kills, seed):
    rig.start()
    chance = random.Random(seed)
    clients = [Client(rig, number, seed) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    seen = watch(rig, clients, 5)
    for _ in range(kills):
        node = chance.choice(sorted(NODES))
        primary = rig.state(node) in SERVING
        rig.kill(node)
        seen += watch(rig, clients, chance.uniform(4, 12))
        if primary:
            rig.await_state(other(node), "primary_alone", timeout=60)
        rig.start_node(node)
        rig.await_pair(other(node), timeout=90)
        seen += watch(rig, clients, chance.uniform(1, 5))
        print(f"     {node} was killed, {'the one that served' if primary else 'the standby'}; "
              f"{sum(c.mounted for c in clients)} mounted so far", flush=True)
    for client in clients:
        client.over.set()
    for client in clients:
        client.join(150)
        if client.trouble or client.is_alive():
            raise Failed(client.trouble or f"client {client.number} still waits")
    check(seen > 20 * kills, f"seed {seed}: {kills} kills, {sum(c.mounted for c in clients)} mounted, {sum(c.refused for c in clients)} refused, "
                      f"{seen} times an acknowledged claim was looked up: no drive with two owners, no volume in two drives, no acknowledged claim lost")
    serving = next(n for n in NODES if rig.state(n) in SERVING)
    wait_until("every drive is free in the end", lambda: all(
        row["state"] == "free" for row in rig.ask(serving, "claim", "drives")), 60)
    in_drives = [e for e in rig.ask("vtld", "library", "inventory") if e["type"] == "data_transfer" and e.get("barcode")]
    check(not in_drives, f"and empty: {in_drives}")


def main():
    if not os.path.exists(f"{PROGRAMS}/initdb"):
        print("PostgreSQL is not installed")
        return 77
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 7
    rig = PairRig(sys.argv[1], volumes=VOLUMES, drives=[f"VT{n:08}" for n in range(1, DRIVES + 1)])
    return play("crowd", rig, lambda scene: crowd(scene, kills, seed))


if __name__ == "__main__":
    sys.exit(main())
