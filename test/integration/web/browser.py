"""Debian's Chromium without a window, driven over the pipes of its DevTools protocol with nothing but the standard
library. What it starts is a process group of its own and ends with it."""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))
from rig import Failed  # noqa: E402

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-dev-shm-usage", "--no-proxy-server",
         "--disable-default-apps", "--metrics-recording-only", "--remote-debugging-pipe", "--window-size=1280,1400"]


class Browser:
    """One page. Complaints of the page (errors in its console, scripts that throw, violations of its policy) and the
    addresses it asked are kept in `complaints` and `asked`."""

    def __init__(self, dark=False):
        program = shutil.which("chromium")
        if program is None:
            raise Failed("there is no chromium; packaging/install-dependencies installs it")
        self.folder = Path(tempfile.mkdtemp(prefix="lra-web-"))
        self.downloads = self.folder / "downloads"
        self.downloads.mkdir()
        self.complaints, self.asked, self.finished_downloads = [], [], []
        self._number, self._rest = 0, b""
        reads, self._to = os.pipe()
        self._from, writes = os.pipe()
        # Chromium wants to read commands on descriptor 3 and to write answers on 4.
        its_end, our_end = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (reads, writes))
        os.close(reads)
        os.close(writes)

        def place_pipes():
            os.dup2(its_end, 3)
            os.dup2(our_end, 4)

        with open(self.folder / "chromium.log", "wb") as log:
            self.process = subprocess.Popen(
                [program, *FLAGS, f"--user-data-dir={self.folder}/profile", "about:blank"], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=log, start_new_session=True, close_fds=False, preexec_fn=place_pipes,
                env={**os.environ, "HOME": str(self.folder)})
        os.close(its_end)
        os.close(our_end)
        try:
            target = next(t for t in self._command("Target.getTargets", wait=60)["targetInfos"] if t["type"] == "page")
            self._session = self._command("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.command(f"{domain}.enable")
            self._command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads), eventsEnabled=True)
            if dark:
                self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        except BaseException:
            self.close()
            raise

    def close(self):
        for end in (self._to, self._from):
            os.close(end)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        try:  # its helpers are in its group
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is not None:
            print((self.folder / "chromium.log").read_text(errors="replace")[-2000:], file=sys.stderr)
        self.close()

    # ---- the protocol

    def command(self, method, wait=30, **parameters):
        return self._command(method, wait, self._session, **parameters)

    def _command(self, method, wait=30, session=None, **parameters):
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        latest = time.monotonic() + wait
        while True:
            answer = self._receive(latest)
            if answer is None:
                raise Failed(f"chromium did not answer {method} within {wait} s")
            if answer.get("id") == number:
                if "error" in answer:
                    raise Failed(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def _receive(self, latest):
        """The next message; events are taken note of. None: there was none in time."""
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], max(0, latest - time.monotonic()))
            if not ready:
                return None
            piece = os.read(self._from, 1 << 20)
            if not piece:
                raise Failed("chromium has ended")
            self._rest += piece
        line, self._rest = self._rest.split(b"\0", 1)
        message = json.loads(line)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _note(self, event, values):
        if event == "Runtime.exceptionThrown":
            details = values["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif event == "Log.entryAdded" and values["entry"]["level"] == "error":
            self.complaints.append(f"{values['entry']['text']} ({values['entry'].get('url', '')})")
        elif event == "Runtime.consoleAPICalled" and values["type"] in ("error", "assert"):
            self.complaints.append(" ".join(str(a.get("value", a.get("description"))) for a in values["args"]))
        elif event == "Network.requestWillBeSent":
            self.asked.append(values["request"]["url"])
        elif event == "Browser.downloadProgress" and values["state"] != "inProgress":
            self.finished_downloads.append(values)

    # ---- what a person does

    def open(self, address):
        self.command("Page.navigate", url=address)

    def evaluate(self, script):
        result = self.command("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise Failed(f"{script}: {result['exceptionDetails'].get('exception', {}).get('description')}")
        return result["result"].get("value")

    def wait_for(self, words, script, wait=20):
        """The first true value of `script`; Failed, with what is on the page, when there is none in time."""
        latest = time.monotonic() + wait
        while True:
            value = self.evaluate(script)
            if value:
                return value
            if time.monotonic() > latest:
                raise Failed(f"the page does not show {words}:\n{self.text()[:3000]}")
            self._receive(time.monotonic() + 0.05)

    def text(self):
        return self.evaluate("document.body?.innerText ?? ''")

    def wait_for_text(self, text, wait=20):
        self.wait_for(f"\"{text}\"", f"(document.body?.innerText ?? \"\").includes({json.dumps(text)})", wait)

    def wait_for_view(self, path, wait=20):
        self.wait_for(f"the view {path}", f"document.getElementById('main')?.dataset.shown === {json.dumps(path)}", wait)

    def click(self, element):
        """A mouse click in the middle of what the script `element` finds."""
        self.wait_for(element, f"!!({element})")
        box = self.evaluate(f"(e => {{ e.scrollIntoView({{block: 'center'}}); const b = e.getBoundingClientRect(); "
                            f"return {{x: b.x + b.width / 2, y: b.y + b.height / 2}}; }})({element})")
        for kind in ("mousePressed", "mouseReleased"):
            self.command("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **box)

    def click_link(self, text, inside="document"):
        self.click(f"[...{inside}.querySelectorAll('a')].find(a => a.innerText.trim() === {json.dumps(text)})")

    def download(self, element, wait=30):
        """Clicks, and the bytes that were saved."""
        before = len(self.finished_downloads)
        self.click(element)
        latest = time.monotonic() + wait
        while len(self.finished_downloads) == before:
            if self._receive(latest) is None:
                raise Failed(f"the download of {element} did not end within {wait} s")
        done = self.finished_downloads[before]
        if done["state"] != "completed":
            raise Failed(f"the download of {element} is {done['state']}")
        newest = max(self.downloads.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        return newest.name, newest.read_bytes()

    def screenshot(self, name):
        """Only where LRA_SCREENSHOTS names a folder."""
        folder = os.environ.get("LRA_SCREENSHOTS")
        if folder:
            data = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
            (Path(folder) / f"{name}.png").write_bytes(base64.b64decode(data))
