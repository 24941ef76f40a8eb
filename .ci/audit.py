"""Ask pip-audit whether a package of requirements.lock is known to be vulnerable; exit 1 if so.

It also exits with 1 if only some of the packages could be audited.

pip-audit lives in a folder of its own, .audit, because it must be none of the packages that it judges. It comes with
the exact files of audit.lock. Where it cannot be installed, or its database does not answer at all, a line says that
the audit is skipped, and nothing is claimed.

For a new release of pip-audit (likewise site.lock, of nbconvert and filelock, constrained by requirements.lock):

    echo pip-audit | uv pip compile --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate \\
        --generate-hashes - --output-file .ci/audit.lock
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".audit"
PROBE = "requests"  # asked for first: where the database does not know this one, it need not be asked for the rest


def skip(reason: str) -> None:
    print(f"audit SKIPPED: {reason}")
    sys.exit(0)


def install() -> Path:
    """Return the command, installed unless it is there."""
    command = HOME / "bin" / "pip-audit"
    if not command.exists():
        subprocess.run([sys.executable, "-m", "venv", HOME], check=True)
        pip = [HOME / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        pip += ["--require-hashes", "--requirement", ROOT / ".ci" / "audit.lock"]
        if subprocess.run(pip).returncode:
            skip("pip-audit cannot be installed from here")
    return command


def audit(command: Path, pins: list[str]) -> list[dict]:
    """Return what pip-audit reports on each of the pinned packages."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write("\n".join(pins) + "\n")
        requirements.flush()
        options = ["--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
        done = subprocess.run([command, "--requirement", requirements.name, *options], capture_output=True, text=True)
    try:
        return json.loads(done.stdout)["dependencies"]
    except ValueError:
        skip((done.stderr.strip().splitlines() or ["pip-audit gives no report"])[-1])


def batches(pins: list[str]) -> Iterator[list[str]]:
    """Yield all pins in lists that hold each package once: of some, the lock pins two versions, for two Pythons."""
    while pins:
        batch = {pin.partition("==")[0]: pin for pin in pins}.values()
        yield list(batch)
        pins = [pin for pin in pins if pin not in batch]


def main() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [line.partition(" ")[0] for line in lines if "==" in line and not line.startswith(" ")]
    command = install()
    (probe,) = audit(command, [pin for pin in pins if pin.startswith(f"{PROBE}==")])
    if "skip_reason" in probe:
        skip(f"the database of known vulnerabilities is not reached from here ({probe['skip_reason']})")
    found = [package for batch in batches(pins) for package in audit(command, batch)]
    for package in found:
        for fault in package.get("vulns", []):
            fixed = ", ".join(fault["fix_versions"]) or "no release yet"
            print(f"{package['name']} {package['version']}: {fault['id']}, fixed in {fixed}")
        if "skip_reason" in package:
            print(f"{package['name']}: not audited ({package['skip_reason']})")
    vulnerable = sum(bool(package.get("vulns")) for package in found)
    asked = set(pins)
    audited = asked & {f"{package['name']}=={package['version']}" for package in found if "skip_reason" not in package}
    if audited < asked:
        print(f"audit INCOMPLETE: {len(audited)} of {len(asked)} packages audited, {vulnerable} of them vulnerable")
    else:
        print(f"audit: {len(audited)} packages, {vulnerable} with known vulnerabilities")
    sys.exit(vulnerable > 0 or audited < asked)


if __name__ == "__main__":
    main()
