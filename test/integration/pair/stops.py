"""A node that the service manager stops hands over before it ends, and comes back without a human."""

import time

from pair_rig import NODES, SERVING, check, other, wait_until


def _ends(rig, node):
    """SIGTERM; how long its end took."""
    begin = time.monotonic()
    rig.end(node, timeout=60)
    log = rig.log_of(node)
    check("LRA1156" not in log and log.count("(SIGTERM)") == log.count("LRA1155"),
          f"{node} is stopped and hands over ({time.monotonic() - begin:.1f} s)")


def stopped(rig, load_of):
    """The primary under a load of mounts, then the standby. `load_of`: begins a load of mounts of some volumes."""
    primary = next(n for n in NODES if rig.state(n) == "primary")
    standby = other(primary)
    held = rig.mount(primary, rig.volumes[0])["drive"]
    load = load_of(rig.volumes[2:4])
    wait_until("mounts are acknowledged", lambda: load.acknowledged >= 1, 40)
    begin = time.monotonic()
    _ends(rig, primary)
    rig.await_state(standby, *SERVING)
    taken = time.monotonic() - begin
    before = load.acknowledged
    wait_until("mounts are acknowledged again", lambda: load.acknowledged > before + 1, 40)
    load.end()
    print(f"     after SIGTERM the other one serves in {taken:.1f} s, {load.longest:.1f} s without an answer", flush=True)
    keys = rig.ask("host-a", "pair", "keys")
    newest = max(keys, key=lambda k: k["at"])
    index = list(NODES).index(primary)
    check(newest["reason"] == "lrad is stopped" and newest["nodes"][index]["clean"], "the agents' key says that it left cleanly")
    claims = {c["volume"]: c["drive"] for c in rig.ask(standby, "claim", "list") if c["state"] == "mounted"}
    check(claims.get(rig.volumes[0]) == held, "a volume that was mounted stays in its drive")
    for volume in claims:
        rig.unmount(standby, volume)
    rig.start_node(primary)
    rig.await_pair(standby)
    check(True, "it comes back as the standby by itself")
    _ends(rig, primary)
    rig.await_state(standby, "primary_alone")
    rig.start_node(primary)
    rig.await_pair(standby)
    check(True, "the standby is stopped and started: the other one is told, and goes on alone meanwhile")
