"""The web page of the virtual library, used as a person uses it: a real vtld, hosts that write over rmt, and Debian's
Chromium. web_page.py BIN-FOLDER STORY"""

import http.client
import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from browser import Browser  # noqa: E402
from rig import Failed, Rig, wait_until  # noqa: E402

PARALLEL, ORDINARY = "VT00000001", "VT00000002"


def check(condition, words):
    if not condition:
        raise Failed(words)
    print(f"ok    {words}", flush=True)


class Library(Rig):
    def __init__(self, bin_dir):
        super().__init__(bin_dir, hosts=(), drives=(PARALLEL, ORDINARY))
        self._write("vtld.json", {
            "drives": [{"serial": PARALLEL, "parallel": True, "cartridge": "VOL001L8"}, {"serial": ORDINARY}],
            "cartridges": {"folders": [str(self.path("a")), str(self.path("b"))], "capacity_mb": 256,
                           "barcodes": ["VOL001L8", "VOL002L8", "VOL003L8"]},
            "iscsi": {"listen": "127.0.0.1:0"}, "rmt": {"listen": f"unix:{self.sock('rmt')}"},
            "web": {"listen": "127.0.0.1:0"}, "virtual_ports": {"host-x": "fc:2100000e1e09a1b0"},
            "state_dir": str(self.path("vtld")), "control": {"socket": self.sock("vtld")}})

    def start(self):
        self.start_vtld()
        self.page = self.ask("vtld", "library", "status")["web"]
        if self.page["url"] not in self.log_of("vtld"):
            raise Failed("vtld's log does not tell where the page is")

    def get(self, path, method="GET", headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.page["port"], timeout=20)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def api(self, path):
        status, body = self.get("/api/" + path)
        if status != 200:
            raise Failed(f"/api/{path} is {status}: {body.decode()}")
        return json.loads(body)

    def call(self, method, **parameters):
        """What lractl has other words for."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
            control.settimeout(20)
            control.connect(self.sock("vtld"))
            request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
            control.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(control.makefile().readline())
        if "result" not in answer:
            raise Failed(f"{method}: {answer}")

    def session(self, identifier, state):
        def look():
            found = self.api(f"sessions/{identifier}")
            return found if found["state"] == state else None
        return wait_until(f"session {identifier} is {state}", look)[0]


class RmtHost:
    """Writes a tape over rmt as tar would, request by request."""

    def __init__(self, library, device, mode=os.O_WRONLY):
        self.process = subprocess.Popen(
            [str(library.bin / "vtl-rsh"), "localhost", "rmt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "VTL_RMT": f"unix:{library.sock('rmt')}"})
        self.session = self._request(f"O{device}\n{mode}\n".encode())

    def _request(self, request):
        self.process.stdin.write(request)
        self.process.stdin.flush()
        answer = self.process.stdout.readline().decode()
        if not answer.startswith("A"):
            raise Failed(f"rmt answered {answer.strip()}: {self.process.stdout.readline().decode().strip()}")
        return int(answer[1:])

    def write(self, record):
        if self._request(b"W%d\n" % len(record) + record) != len(record):
            raise Failed("a record was cut")

    def filemark(self):
        self._request(b"I5\n1\n")

    def close(self):
        self._request(b"C\n")
        self.process.stdin.close()
        if self.process.wait(10) != 0:
            raise Failed("vtl-rsh did not end well")
        self.process.stdout.close()

    def vanish(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def tap_of(blocks):
    """None is a filemark."""
    data = b""
    for block in blocks:
        length = struct.pack("<I", 0 if block is None else len(block))
        data += length if block is None else length + block + b"\0" * (len(block) % 2) + length
    return data + b"\xff\xff\xff\xff"


def writing(id, bytes_at_least=0):
    """A script: the row of a session that is written, when it has so many objects."""
    return (f"(() => {{ const row = document.querySelector('tr[data-key=\"{id}\"]'); "
            f"return row && Number(row.cells[3].innerText.replace(/\\D/g, '')) >= {bytes_at_least} ? row.innerText : null; }})()")


def page(library):
    """From the live view over a snapshot and a session to a block and its download."""
    library.start()
    with Browser(dark=False) as browser:
        browser.open(library.page["url"])
        browser.wait_for_text("Nobody is writing")
        browser.wait_for_text("No session has ended yet.")
        check("VOL003L8" in browser.text() and PARALLEL in browser.text(), "the live view shows drives and cartridges")
        browser.screenshot("live-empty")
        browser.click_link("Snapshots")
        browser.wait_for_text("There is no snapshot yet.")
        check("lractl snapshot take" in browser.text(), "an empty list names the command that helps")
        browser.screenshot("snapshots-empty")
        browser.click_link("Live")

        first, second = RmtHost(library, f"{PARALLEL}/VOL001L8"), RmtHost(library, f"{PARALLEL}/VOL001L8")
        blocks = [f"record {i} of the first host, ".encode() * (40 + i) + os.urandom(300 + i) for i in range(5)]
        first.write(blocks[0])
        second.write(b"of the second host" * 100)
        browser.wait_for(f"both sessions being written", f"{writing(first.session, 1)} && {writing(second.session, 1)}")
        for block in blocks[1:3]:
            first.write(block)
        browser.wait_for("three records without being loaded again", writing(first.session, 3))
        check(browser.evaluate("performance.getEntriesByType('navigation').length") == 1, "what hosts write is seen growing")
        check("2 sessions writing" in browser.text(), "the heading says how many write")
        first.filemark()
        for block in blocks[3:]:
            first.write(block)
        library.call("port.reserve", port="host-x", drive=ORDINARY)
        browser.wait_for_text("2100000e1e09a1b0")
        check("reserve6" in browser.text().replace(" ", ""), "who holds a drive is shown, and by what")
        browser.wait_for_text("4 of 6")
        browser.screenshot("live-writing")
        library.call("port.release", port="host-x", drive=ORDINARY)
        first.close()
        second.vanish()
        library.session(first.session, "merged")
        library.session(second.session, "incomplete")
        browser.wait_for_text("Nobody is writing")
        check("incomplete" in browser.text(), "sessions that ended are shown with how they ended")
        library.call("snapshot.take", reason="to show it")

        browser.click_link("Snapshots")
        browser.wait_for_text("to show it")
        browser.screenshot("snapshots")
        newest = library.api("snapshots")["rows"][0]
        browser.click_link(str(newest["number"]))
        browser.wait_for_view(f"/snapshots/{newest['number']}")
        browser.screenshot("snapshot")
        browser.click_link(str(first.session), "document.querySelector('tbody')")
        place = f"/snapshots/{newest['number']}/sessions/{first.session}"
        browser.wait_for_view(place)
        check("merged" in browser.text() and "VOL001L8" in browser.text(), "a snapshot leads to its sessions")
        browser.screenshot("session")

        browser.click_link("4")
        browser.wait_for_view(f"{place}/records/4")
        dump = browser.evaluate("document.getElementById('hex').innerText")
        lines = [line for line in dump.split("\n") if line]
        seen = bytes.fromhex("".join(line[10:58].replace(" ", "") for line in lines))
        check(seen == blocks[3][:4096], "a block is shown byte by byte as it was written")
        check("record 3 of the" in dump.replace("\n", " ") or "record 3 of th" in dump, "and as text")
        browser.screenshot("block")
        browser.click_link("Previous record")
        browser.wait_for_text("A filemark has no data.")

        browser.click_link(f"Session {first.session}")
        browser.wait_for_view(place)
        name, data = browser.download("document.getElementById('download-bin')")
        check(data == b"".join(blocks), f"the joined blocks are what the host wrote ({len(data)} bytes, {name})")
        name, data = browser.download("document.getElementById('download-tap')")
        check(data == tap_of(blocks[:3] + [None] + blocks[3:] + [None]), f"and so is the .tap, filemarks in their place ({name})")

        browser.click_link("Snapshots")
        browser.wait_for_view("/snapshots")
        browser.click("document.querySelector('input[name=from][value=\"1\"]')")
        browser.click_link("Compare the two")
        browser.wait_for_view(f"/snapshots/1/diff/{newest['number']}")
        check(str(second.session) in browser.evaluate("document.querySelector('tbody').innerText"), "two snapshots are compared")
        browser.screenshot("difference")
        browser.click_link("Sessions")
        browser.wait_for_text("remembered, the newest first")
        browser.screenshot("sessions")

        browser.open(library.page["url"] + "#/snapshots/77/sessions/1")
        browser.wait_for_text("there is no snapshot 77")
        browser.open(library.page["url"] + "#/nonsense")
        browser.wait_for_text("There is no view at /nonsense")
        refused = [c for c in browser.complaints if "404" not in c]
        check(not refused, f"nothing was complained of in the browser's console {refused}")
        strangers = [a for a in browser.asked if not a.startswith(library.page["url"]) and not a.startswith("about:")]
        check(not strangers, f"everything came from vtld {strangers}")

        browser.open(library.page["url"] + "#/live")
        browser.wait_for_text("live · ")
        began = time.monotonic()
        check(library.end("vtld") == 0 and time.monotonic() - began < 8, "vtld ends while a browser looks at it")
        browser.wait_for_text("vtld does not answer; trying again")


def dark(library):
    """Another colour scheme is readable too: the ground is dark and the ink is light."""
    library.start()
    with Browser(dark=True) as browser:
        browser.open(library.page["url"])
        browser.wait_for_text("Nobody is writing")
        host = RmtHost(library, f"{PARALLEL}/VOL001L8")
        host.write(b"in the dark" * 1000)
        browser.wait_for_text("1 session writing")
        light = lambda what: browser.evaluate(  # noqa: E731
            f"getComputedStyle(document.body).{what}.match(/\\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b) / 3")
        check(light("backgroundColor") < 60 and light("color") > 180, "light ink on dark ground")
        browser.screenshot("live-dark")
        host.close()


def overwritten(library):
    """The data of a session outlives the volume it was part of."""
    library.start()
    host = RmtHost(library, f"{PARALLEL}/VOL003L8")
    host.write(b"precious" * 5000)
    host.close()
    session = library.session(host.session, "merged")
    snapshot = library.api("snapshots")["rows"][0]
    check(snapshot["completed"] == session["id"], "a completed session is a snapshot")

    def rewrite():
        try:
            other = RmtHost(library, f"{ORDINARY}/VOL003L8")
        except Failed:
            return False  # still used by the copy
        other.write(b"worthless")
        other.close()
        return True
    wait_until("the volume is overwritten on an ordinary drive", rewrite, 30)
    status, data = library.get(f"/api/snapshots/{snapshot['number']}/sessions/{session['id']}/data.bin")
    check(status == 200 and data == b"precious" * 5000, "a session's data is there after its volume was overwritten")
    status, data = library.get(f"/api/snapshots/{snapshot['number']}/data.tap")
    check(status == 200 and b"precious" * 5000 in data, "and so is that of the whole snapshot")


def refusals(library):
    """What is not for it is refused by the running program too, and does not disturb it."""
    library.start()
    check(library.get("/", headers={"Host": "evil.example"})[0] == 403, "a name of elsewhere is refused")
    check(library.get("/api/snapshots", method="POST")[0] == 405, "nothing can be changed")
    check(library.get("/../../etc/passwd")[0] == 404, "paths lead nowhere else")
    check(library.get("/" + "a" * 5000)[0] == 414, "long addresses are refused")
    check(library.api("live")["library"]["serial"] == "VTL0000001", "and the library goes on")
    counters = library.ask("vtld", "library", "status")["web"]
    check(counters["requests_wrong"] == 2, "what was wrong is counted")
    for listen in ("0.0.0.0:0", "192.0.2.1:8480", "8480"):
        configuration = json.loads(library.path("vtld.json").read_text())
        configuration["web"]["listen"] = listen
        file = library._write("wrong.json", configuration)
        done = library.run([str(library.bin / "vtld"), "--config", str(file), "--check-config"], check=False)
        check(done.returncode == 42 and "web.listen" in done.stderr + done.stdout, f"web.listen \"{listen}\" is a configuration error")


def main():
    with Library(sys.argv[1]) as library:
        {"page": page, "dark": dark, "overwritten": overwritten, "refusals": refusals}[sys.argv[2]](library)


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        print(f"FAILED {failure}", file=sys.stderr)
        sys.exit(1)
