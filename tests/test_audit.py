"""`make audit` claims nothing about packages that it has not asked for."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
AUDIT = runpy.run_path(str(ROOT / ".ci" / "audit.py"))


@pytest.fixture
def audited(monkeypatch, capsys):
    """Return a function from what the database says of each package to the exit status and the last line."""

    def run(answer):
        def audit(command, pins):
            names, versions = zip(*(pin.split("==") for pin in pins), strict=True)
            assert len(set(names)) == len(names)  # pip-audit refuses a package in two versions
            packages = zip(pins, names, versions, strict=True)
            return [{"name": name, "version": each, **answer(pin)} for pin, name, each in packages if answer(pin)]

        monkeypatch.setitem(AUDIT["main"].__globals__, "audit", audit)
        monkeypatch.setitem(AUDIT["main"].__globals__, "install", lambda: Path("pip-audit"))
        with pytest.raises(SystemExit) as stop:
            AUDIT["main"]()
        return int(stop.value.code), capsys.readouterr().out.splitlines()[-1]

    return run


CLEAN, UNASKED = {"vulns": []}, {"skip_reason": "could not be reached"}


@pytest.mark.parametrize(
    ("answer", "status", "line"),
    [
        (lambda pin: CLEAN, 0, r"audit: (\d+) packages, 0 with known vulnerabilities"),
        (lambda pin: UNASKED, 0, "audit SKIPPED: the database .* is not reached from here"),
        (
            lambda pin: CLEAN if pin.startswith("requests==") else UNASKED,
            1,
            r"audit INCOMPLETE: 1 of \d+ packages audited, 0 of",
        ),
        (
            lambda pin: CLEAN if pin.startswith("requests==") else None,
            1,
            r"audit INCOMPLETE: 1 of \d+ packages audited, 0 of",
        ),
        (lambda pin: UNASKED if pin.startswith("numba==") else CLEAN, 1, "audit INCOMPLETE"),
        (
            lambda pin: {"vulns": [{"id": "CVE-1", "fix_versions": []}]} if pin.startswith("numba==") else CLEAN,
            1,
            r"audit: \d+ packages, 1 with",
        ),
    ],
    ids=["clean", "offline", "the probe only", "the probe alone", "all but one", "vulnerable"],
)
def test_the_last_line_and_the_status_say_what_was_audited(audited, answer, status, line):
    found = audited(answer)
    assert found[0] == status and re.match(line, found[1])


def test_the_tools_are_pinned_with_their_hashes():
    for lock, tool in (("audit.lock", "pip-audit"), ("site.lock", "nbconvert")):
        text = (ROOT / ".ci" / lock).read_text()
        assert "://" not in text and f"\n{tool}==" in f"\n{text}"
        for package in re.split(r"\n(?=\S)", text.strip()):
            assert re.match(r"[\w.-]+==[\w.]+ ", package) and "--hash=sha256:" in package
    ours = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.M))
    site = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / ".ci" / "site.lock").read_text(), re.M))
    assert {name: ours[name] for name in site} == site
    assert "--require-hashes" in (ROOT / ".github/workflows/site.yml").read_text()
