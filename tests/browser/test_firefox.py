"""The recogniser's page in Firefox, driven by WebDriver BiDi: playwright drives only a Firefox of its own."""

import itertools
import json
import re
import shutil
import subprocess
import time

import pytest
from browsing import wait_for

from asr_helpers.corpus import data_dir, load_corpus
from asr_helpers.recognizer import shipped_model
from asr_helpers.web import pack_model, write_page
from asr_helpers.words import KneserNey

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
FIRST = "IT WAS IN A CORNER THAT HE LAY AMONG WEEDS AND NETTLES"
pytestmark = pytest.mark.skipif(FIREFOX is None, reason="no Firefox found: apt-get install firefox-esr")


class Firefox:
    """A headless Firefox with a fresh profile and one tab."""

    def __init__(self, profile):
        websocket = pytest.importorskip("websocket")
        command = [FIREFOX, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0"]
        self._log = profile / "log"
        with open(self._log, "w") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        found = wait_for(self._address, 60, "Firefox does not start", self._process)
        self._socket = websocket.create_connection(f"{found}/session", timeout=60, suppress_origin=True)
        self._numbers = itertools.count(1)
        self.ask("session.new", capabilities={})
        self._tab = self.ask("browsingContext.getTree")["contexts"][0]["context"]

    def _address(self):
        found = re.search(r"ws://\S+", self._log.read_text())
        return found and found[0]

    def ask(self, method, **params):
        """Return the result of a BiDi command."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == number:
                assert answer["type"] == "success", answer
                return answer["result"]

    def open(self, address):
        self.ask("browsingContext.navigate", context=self._tab, url=address, wait="complete")

    def run(self, expression):
        """Return the value of a JavaScript expression, a text, a number or a truth value."""
        target = {"context": self._tab}
        answer = self.ask("script.evaluate", expression=expression, target=target, awaitPromise=True)
        assert answer["type"] == "success", answer
        return answer["result"].get("value")

    def until(self, condition, complaint):
        """Wait for a JavaScript expression; while a page loads, there is nothing to ask."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                if self.run(condition):
                    return
            except AssertionError:
                pass
            time.sleep(0.1)
        pytest.fail(f"{complaint}: {self.run('document.body.innerText')}")

    def close(self):
        self._process.terminate()
        self._process.wait(30)


@pytest.fixture
def firefox(tmp_path):
    (tmp_path / "profile").mkdir()
    opened = Firefox(tmp_path / "profile")
    yield opened
    opened.close()


def test_firefox_hears_an_example_loses_words_in_noise_and_needs_no_network(firefox, serve, tmp_path):
    clips = [each for each in load_corpus(data_dir() / "real").utterances if each.text == FIRST]
    KneserNey.of([FIRST]).write(tmp_path / "small.lm")
    write_page(pack_model(shipped_model()), tmp_path / "page", (tmp_path / "small.lm").read_bytes(), clips)
    address = serve(tmp_path / "page")
    shown, heard = "document.querySelector('#text').textContent.trim()", f"'{FIRST}'"
    firefox.open(address)
    firefox.until(f"{shown} === {heard}", "the example is not heard")
    firefox.run("document.querySelector('#noise').value = 45")
    firefox.run("document.querySelector('#noise').dispatchEvent(new Event('input', { bubbles: true }))")
    firefox.until(f"{shown} !== {heard}", "noise changes nothing")
    firefox.run("document.querySelector('#reset').click()")
    firefox.until(f"{shown} === {heard}", "the words do not come back")
    firefox.run("document.querySelector('#inside').open = true")
    firefox.until("document.querySelector('#candidates tbody tr') !== null", "no candidates")
    assert firefox.run("document.querySelector('#trellis .trellis-window svg').ariaLabel").startswith("Trellis of")
    firefox.until("navigator.serviceWorker.ready.then(() => true)", "no service worker")
    firefox.open("about:blank")
    firefox.open(address)  # now under the service worker
    firefox.until("navigator.serviceWorker.controller !== null", "the service worker does nothing")
    serve.stop(address)
    firefox.open(address)
    firefox.until(f"{shown} === {heard}", "it does not work offline")
