"""What the browser tests share: waiting, and a notebook that is open in JupyterLab."""

import base64
import contextlib
import functools
import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from asr_helpers.corpus import data_dir
from asr_helpers.show.plots import FIGURES

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "runs" / "browser"
BULLETIN = data_dir() / "mini" / "test-mini" / "9002" / "1" / "9002-1-0002.flac"  # 03's clip
SENTENCE = data_dir() / "real" / "test-clean-sample" / "5105" / "28240" / "5105-28240-0017.flac"  # 02's clip
# A page that has evaluated LISTEN keeps what its instrument is to play; HEARD is that, as base64.
HEARD = """() => {
    const bytes = new Uint8Array(globalThis.heard.buffer);
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}"""
LISTEN = """
    AudioBuffer.prototype.copyToChannel = new Proxy(AudioBuffer.prototype.copyToChannel, {
        apply(copy, buffer, given) {
            globalThis.heard = Float32Array.from(given[0]);
            return Reflect.apply(copy, buffer, given);
        },
    });
    globalThis.heard = null;
"""


def save_figure(path: Path) -> None:
    """Save the screenshot `path` in figures/, if the environment variable SAVE_FIGURES is set."""
    if os.environ.get("SAVE_FIGURES"):
        few = Image.open(path).convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=0)
        few.save(FIGURES / path.name, optimize=True)


def played(box) -> np.ndarray:
    """Return the samples that the instrument in `box` plays, float32; its page has evaluated LISTEN."""
    box.get_by_role("button", name="Play").first.click()
    box.get_by_role("button", name="Pause").first.click()
    return np.frombuffer(base64.b64decode(box.page.evaluate(HEARD)), "<f4")


def wait_for(condition, seconds: float, complaint: str, process=None):
    """Return the first true value of `condition()`; fail after so many seconds, or when `process` has died."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        if process and process.poll() is not None:
            break
        time.sleep(0.05)
    pytest.fail(complaint)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(address: str) -> bool:
    try:
        return urllib.request.urlopen(f"{address}/api/status", timeout=5).status == 200
    except OSError:
        return False


@contextlib.contextmanager
def jupyter(command, home, folder, **variables):
    """Run `command`, which starts JupyterLab in `folder`, with all its settings under `home`; yield its address.

    `variables` are added to the environment.
    """
    settings = home / "settings" / "@jupyterlab"
    for plugin, content in {
        "notebook-extension/tracker": '{"windowingMode": "none"}',  # off-screen cells stay in the page
        "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
    }.items():
        path = settings / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    environment = {
        **os.environ,
        "ASR_PROFILE": "ci",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **variables,
    }
    port = free_port()
    options = ["--no-browser", "--allow-root", f"--port={port}"]
    options += ["--ServerApp.port_retries=0", "--IdentityProvider.token="]
    with open(home / "lab.log", "w") as log:
        server = subprocess.Popen([*command, *options], cwd=folder, env=environment, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(functools.partial(answers, address), 180, "JupyterLab does not start", server)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()


def picture(box) -> bytes:
    """Return the bytes of the picture in `box`, which stand behind a blob's address."""
    script = """async image => {
        const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer())
        return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''))
    }"""
    return base64.b64decode(box.locator("img").evaluate(script))


def restart_kernel(page):
    """Restart the kernel of the notebook in `page` by the button above it."""
    page.locator('[data-jp-item-name="restart"]:visible').first.click()
    page.locator(".jp-Dialog .jp-mod-accept").click()


class Notebook:
    """A notebook that is open in JupyterLab, and what went wrong in its page."""

    def __init__(self, page, address: str):
        self.page, self.errors = page, []
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(address)
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=90_000)
        page.wait_for_selector("text=Python 3 (ipykernel) | Idle", state="attached", timeout=90_000)

    def _note(self, kind: str, text: str):
        if kind == "error":
            self.errors.append(text)

    def run(self, seconds: float = 240):
        """Run all cells and wait for the last of them."""
        self.page.click("text=Run >> nth=0")
        self.page.click("text=Run All Cells >> nth=0")
        prompts = self.page.locator(".jp-CodeCell .jp-InputPrompt")

        def finished():
            shown = [text for text in prompts.all_text_contents() if text.strip()]  # folded cells have none
            idle = self.page.locator("text=Python 3 (ipykernel) | Idle").count()
            return idle and all(text[1:-2].isdecimal() for text in shown)

        try:
            wait_for(finished, seconds, "the notebook does not come to its end")
        finally:
            self.screenshot("last_run")

    def screenshot(self, name: str, selector: str | None = None):
        """Write what the page, or the first `selector` in it, looks like to runs/browser/`name`.png.

        With the environment variable SAVE_FIGURES set, a part of a page also becomes figures/`name`.png.
        """
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        place = self.page.locator(selector).first if selector else self.page
        path = SCREENSHOTS / f"{name}.png"
        place.screenshot(path=path)
        if selector:
            save_figure(path)
