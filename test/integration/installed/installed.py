"""The Debian package on machines that systemd has booted: installed, configured, started, killed, hung, reloaded, shut down,
booted again, and removed. usage: installed.py IMAGE_DIR PACKAGE_FILE BIN_DIR; 77 when this machine makes no containers."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from library import CLUSTER, DRIVES, HOSTS, MACHINES, NODES, VOLUMES, Failed, Library, other, wait_until  # noqa: E402
from machines import Machines  # noqa: E402

AGENTS = [f"dsad@{host}.service" for host in HOSTS]


def check(condition, words):
    if not condition:
        raise Failed(words)
    print(f"ok   {words}", flush=True)


def install(machines):
    for machine in machines.all.values():
        machine.run("dpkg", "--install", "/root/package.deb")
        running = machine.run("systemctl", "list-units", "--plain", "--no-legend", "lrad*", "dsad*", "vtld*").stdout
        if running.strip():
            raise Failed(f"the package has started something on {machine.name}: {running}")
    check(True, "dpkg installs the package on a machine that runs, and starts nothing")


def without_configuration(machines):
    machine = machines["hosts"]
    machine.run("systemctl", "start", "dsad", check=False)
    said = machine.journal("dsad")
    check(machine.property_of("dsad", "ExecMainStatus") == "42" and "/etc/lra/dsad.json" in said
          and machine.property_of("dsad", "NRestarts") == "0", "without a configuration dsad says which file it wants, once")
    machine.run("systemctl", "reset-failed", "dsad")


def start(library):
    machines = library.machines
    machines["library"].run("systemctl", "enable", "--now", "vtld")
    machines["hosts"].run("systemctl", "enable", "--now", *AGENTS)
    for node in NODES:
        machines[node].run("runuser", "-u", "lra", "--", "lrad", "--init-pair", timeout=120)
        machines[node].run("systemctl", "enable", "--now", "lrad")
        if NODES[node] == "first":
            library.ask(node, "pair", "enrol", "--found", CLUSTER, "--reason", "first start")
            wait_until("the first node serves", lambda n=node: library.ask(n, "pair", "show")["step"] == "await_standby"
                       or library.state(n) == "primary_alone", 60)
    check(library.await_pair() == "lra-a", "vtld, three dsad and two lrad with their databases run as units, as a pair")


def confined(library):
    """Each as whom its unit says, with no more rights than it says."""
    def status(unit, machine):
        process = machine.main_process(unit)
        lines = machine.run("cat", f"/proc/{process}/status").stdout.splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    for unit, place, user in (("lrad", "lra-a", "lra"), ("vtld", "library", "lra"), (AGENTS[0], "hosts", "root")):
        machine = library.machines[place]
        seen = status(unit, machine)
        identity = machine.run("id", "-u", user).stdout.strip()
        if seen["Uid"].split()[0] != identity or seen["NoNewPrivs"] != "1":
            raise Failed(f"{unit} runs as {seen['Uid']} with NoNewPrivs {seen['NoNewPrivs']}")
    node = library.machines["lra-a"]
    listens = node.run("ss", "--udp", "--listening", "--numeric").stdout
    check(":161 " in listens, "lrad and vtld run as lra and can get no new rights; lra-mibd has port 161 all the same")


def drives_connect(library):
    """Over TLS, from another machine, to both controllers; and an order comes back to the drive that way."""
    def channels():
        return library.ask("library", "library", "status", socket="vtld")["events"]
    wait_until("the drives are connected to both nodes", lambda: all(c["acknowledged"] > 0 for c in channels()), 20)
    node = library.await_pair()
    library.ask(node, "drive", "offline", DRIVES[1], "--reason", "test")
    wait_until("the drive is forced offline", lambda: any(
        d["serial"] == DRIVES[1] and d["operational_state"] == "forced_offline"
        for d in library.ask("library", "drive", "list", socket="vtld")), 10)
    library.ask(node, "drive", "clear", DRIVES[1], "--reason", "test")
    check(True, "the library's drives connect to both controllers over TLS, and are taken offline and back that way")


def mounts(library):
    drive = library.await_mount("lra-b", VOLUMES[0])["drive"]
    check(library.in_drives("lra-a") == {VOLUMES[0]: drive}, f"a mount at the standby is in both tables: {VOLUMES[0]} in {drive}")
    return {VOLUMES[0]: drive}


def killed(library, held):
    node = library.await_pair()
    machine = library.machines[node]
    before = machine.main_process("lrad")
    began = time.monotonic()
    machine.run("kill", "-KILL", str(before))
    library.await_mount(other(node), VOLUMES[1])
    answered = time.monotonic() - began
    wait_until("systemd starts lrad again", lambda: machine.main_process("lrad") not in (0, before), 30)
    library.await_pair()
    for at in NODES:
        if not held.items() <= library.in_drives(at).items():
            raise Failed(f"{at} has {library.in_drives(at)}, not {held}")
    library.ask(node, "volume", "unmount", VOLUMES[1])
    check(machine.property_of("lrad", "NRestarts") == "1",
          f"kill -9 of lrad: a mount answered after {answered:.1f} s, systemd has started it again, a pair, nothing lost")


def hung(library):
    """Nothing is heard of it, and its unit is told by nobody but the watchdog."""
    node = library.await_pair()
    machine = library.machines[node]
    before = machine.main_process("lrad")
    machine.run("kill", "-STOP", str(before))
    began = time.monotonic()
    wait_until("the other node serves alone", lambda: library.state(other(node)) == "primary_alone", 60)
    taken_over = time.monotonic() - began
    wait_until("the watchdog ends lrad", lambda: machine.main_process("lrad") not in (0, before), 90)
    check("watchdog" in machine.journal("lrad", 200).lower(),
          f"lrad hangs: the other node serves alone after {taken_over:.1f} s, the watchdog has started it anew {time.monotonic() - began:.0f} s after")
    library.await_pair()


def reloaded(library):
    node = library.await_pair()
    for place, unit in ((node, "lrad"), ("library", "vtld"), ("hosts", AGENTS[0])):
        machine = library.machines[place]
        process = machine.main_process(unit)
        machine.run("systemctl", "reload", unit)
        wait_until(f"{unit} says that it has read its configuration", lambda m=machine, u=unit: "reload" in m.journal(u).lower(), 20)
        if machine.main_process(unit) != process:
            raise Failed(f"{unit} is another process after its reload")
    check(library.state(node) == "primary", "reload: lrad, vtld and dsad read their configurations and go on")


def shut_down_and_booted(library, held):
    node = library.await_pair()
    machine = library.machines[node]
    took = machine.shut_down()
    began = time.monotonic()
    library.await_mount(other(node), VOLUMES[2])
    answered = time.monotonic() - began
    check(took < 45, f"poweroff of the node that serves takes {took:.1f} s, and the other one mounts {answered:.1f} s later")
    machine.boot()
    library.await_pair()
    check("LRA1148" in machine.journal("lrad", 200), "it had left service in order (LRA1148) before it was stopped")
    check(held.items() <= library.in_drives(node).items(), "booted again it comes back by itself and knows what is mounted")
    library.ask(other(node), "volume", "unmount", VOLUMES[2])


def installed_again(library):
    """An upgrade leaves what runs alone, and says so."""
    node = other(library.await_pair())
    machine = library.machines[node]
    process = machine.main_process("lrad")
    done = machine.run("dpkg", "--install", "/root/package.deb")
    check(machine.main_process("lrad") == process and "systemctl restart" in done.stdout + done.stderr,
          "an upgrade leaves lrad running and names the command that ends the old one")


def leading_nowhere(machine):
    """Links of systemd's own folder that lead nowhere, as docs/HOSTS.md has it."""
    folder = "/etc/systemd/system/"
    return sorted(line.removeprefix(folder) for line in machine.run("find", folder, "-xtype", "l").stdout.splitlines())


def purged(machine):
    """The hosts' machine: two instances of a template are enabled, one is not, another unit is masked."""
    machine.run("systemctl", "disable", AGENTS[2])
    machine.run("systemctl", "mask", "vtld")
    machine.run("systemctl", "add-requires", "graphical.target", AGENTS[0])
    machine.run("ln", "-s", "/nonexistent/other.service", "/etc/systemd/system/multi-user.target.wants/other.service")
    machine.run("dpkg", "--remove", "library-reservation-agent", timeout=120)
    enabled = [f"multi-user.target.wants/{agent}" for agent in AGENTS[:2]]
    others = ["multi-user.target.wants/other.service"]
    found = leading_nowhere(machine)
    check(found == sorted([f"graphical.target.requires/{AGENTS[0]}", *enabled, *others]), f"removed: what was enabled stays so: {found}")
    machine.run("dpkg", "--purge", "library-reservation-agent", timeout=120)
    found = leading_nowhere(machine)
    check(found == others and machine.path("etc/lra/dsad-host-a.json").exists() and machine.path("var/lib/lra-dsa").is_dir()
          and not machine.path("etc/systemd/system/graphical.target.requires").exists()
          and machine.run("readlink", "/etc/systemd/system/vtld.service").stdout.strip() == "/dev/null",
          "purged: no link of its own leads nowhere, others, masks, configuration and state are left")


def removed(library):
    node = other(library.await_pair())
    machine = library.machines[node]
    machine.run("dpkg", "--remove", "library-reservation-agent", timeout=120)
    check(machine.main_process("lrad") == 0 and machine.path("etc/lra/lrad.json").exists()
          and machine.path("var/lib/lra").is_dir(), "removed: lrad was stopped, configuration and state are left")
    check(leading_nowhere(machine) == ["multi-user.target.wants/lrad.service"] and not machine.run(
        "systemctl", "list-units", "--failed", "--plain", "--no-legend", "lrad*").stdout.strip(), "it stays enabled, which harms nothing")
    machine.run("dpkg", "--install", "/root/package.deb")
    check(leading_nowhere(machine) == [] and machine.run("systemctl", "is-enabled", "lrad").stdout.strip() == "enabled",
          "installed again it is enabled as before")
    machine.run("systemctl", "start", "lrad")
    library.await_pair()
    check(True, "and started it is the other half of the pair")


def story(library):
    install(library.machines)
    without_configuration(library.machines)
    library.configure()
    start(library)
    confined(library)
    drives_connect(library)
    held = mounts(library)
    killed(library, held)
    reloaded(library)
    hung(library)
    shut_down_and_booted(library, held)
    installed_again(library)
    removed(library)
    purged(library.machines["hosts"])


def show_journals(machines):
    for machine in machines.all.values():
        for unit in ("lrad", "vtld", *AGENTS):
            if machine.container is not None and machine.container.poll() is None:
                said = machine.journal(unit, 60)
                if said.strip() and "No entries" not in said:
                    print(f"---- {machine.name} {unit} ----\n{said[-5000:]}", file=sys.stderr)


def main():
    image, package, programs = map(Path, sys.argv[1:4])
    if os.geteuid() != 0 or shutil.which("systemd-nspawn") is None:
        print("needs root and systemd-nspawn")
        return 77
    made = subprocess.run([str(Path(__file__).with_name("machine-image")), str(image), str(package)], timeout=600)
    if made.returncode != 0:
        return made.returncode
    began = time.monotonic()
    with Machines(image, package, MACHINES) as machines:
        try:
            story(Library(machines, programs))
        except Failed as failure:
            show_journals(machines)
            print(f"FAILED {failure}", flush=True)
            raise
    print(f"     installed: {time.monotonic() - began:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
