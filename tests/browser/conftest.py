"""JupyterLab on a free port and a headless Chromium, for tests that use a notebook as a learner does."""

import functools
import http.server
import os
import shutil
import sys
import threading
from pathlib import Path

import nbformat
import pytest
from browsing import ROOT, Notebook, jupyter

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
sys.path.insert(0, str(ROOT / "notebooks" / "tools"))


def chromium() -> str | None:
    """Return the path of Debian's Chromium, or of `CHROMIUM`, or None."""
    names = (os.environ.get("CHROMIUM"), "chromium", "google-chrome")
    return next(filter(None, map(shutil.which, filter(None, names))), None)


def pytest_collection_modifyitems(items):
    """Skip the browser tests where there is no browser, with a reason that `pytest -ra` prints."""
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    if chromium() is None:
        mark = pytest.mark.skip(reason="no Chromium found: apt-get install chromium, or set CHROMIUM")
        for item in here:
            item.add_marker(mark)


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Start JupyterLab; return its empty folder notebooks/ and a function from a file's name to its address."""
    home = tmp_path_factory.mktemp("lab")
    root = home / "root"
    folder = root / "notebooks"
    folder.mkdir(parents=True)
    shutil.copytree(ROOT / "figures", root / "figures")  # some notebooks show one
    (root / "data").symlink_to(ROOT / "data")  # so that what they write, under runs/ beside it, lands here
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root}"]
    with jupyter(command, home, folder, ASR_DATA=str(root / "data")) as address:
        yield folder, lambda name: f"{address}/lab/tree/notebooks/{name}?reset"


@pytest.fixture(scope="session")
def playwright():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def launch(playwright, tmp_path_factory):
    """Return a function that starts a Chromium with a fresh profile and more flags; all end with the session."""
    contexts = []

    def start(*flags, **device):
        contexts.append(
            playwright.chromium.launch_persistent_context(
                str(tmp_path_factory.mktemp("profile")),
                executable_path=chromium(),
                args=[*FLAGS, *flags],
                headless=True,
                **({"viewport": {"width": 1400, "height": 1300}} | device),
            )
        )
        return contexts[-1]

    yield start
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def browser(launch):
    return launch()


@pytest.fixture(scope="session")
def open_notebook(lab, browser):
    """Return a function that opens a copy of the notebook `name` of the series, without outputs, and runs it."""
    import build

    folder, address = lab

    def start(name, cells=None, context=None):
        """`cells`, if given, picks the cells to keep: a function of a cell's source."""
        notebook = build.learner(build.read_source(name))
        if cells:
            notebook.cells = [cell for cell in notebook.cells if cells(cell.source)]
        nbformat.write(notebook, folder / f"{name}.ipynb")
        opened = Notebook((context or browser).new_page(), address(f"{name}.ipynb"))
        opened.run()
        return opened

    return start


@pytest.fixture
def report(capsys):
    """Return a function that prints a measured figure into the test run's output, kept or not."""

    def tell(text):
        with capsys.disabled():
            print(f"\n  {text}", flush=True)

    return tell


@pytest.fixture(scope="session")
def serve():
    """A function that serves a folder and returns the address; `instead` has other contents and headers by path.

    Its attribute `stop` is a function that ends the server of an address.
    """
    servers = []

    def start(folder, instead=(), cache="no-cache"):
        handler = functools.partial(Quiet, directory=folder, instead=dict(instead), cache=cache)
        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://localhost:{servers[-1].server_port}/"

    def stop(address):
        (server,) = (each for each in servers if f":{each.server_port}/" in address)
        server.shutdown()
        server.server_close()

    start.stop = stop
    yield start
    for server in servers:
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *arguments, instead, cache, **options):
        self.instead, self.cache = instead, cache
        super().__init__(*arguments, **options)

    def do_GET(self):
        if self.path not in self.instead:
            return super().do_GET()
        content, headers = self.instead[self.path]
        self.send_response(200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def end_headers(self):
        self.send_header("Cache-Control", self.cache)
        super().end_headers()

    def log_message(self, *_):
        pass
