"""Ask pip-audit whether a package of requirements.lock is known to be vulnerable; exit 1 if one is.

pip-audit lives in a folder of its own, .audit: what judges the packages is none of them. Where it cannot be
installed, or its database does not answer, that is said, and nothing is claimed.
"""

import json
import subprocess
import sys
import tempfile
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
        pip = [HOME / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pip-audit"]
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


def main() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [line.partition(" ")[0] for line in lines if "==" in line and not line.startswith(" ")]
    command = install()
    (probe,) = audit(command, [pin for pin in pins if pin.startswith(f"{PROBE}==")])
    if "skip_reason" in probe:
        skip(f"the database of known vulnerabilities is not reached from here ({probe['skip_reason']})")
    found = audit(command, pins)
    for package in found:
        for fault in package.get("vulns", []):
            mend = ", ".join(fault["fix_versions"]) or "no release yet"
            print(f"{package['name']} {package['version']}: {fault['id']}, mended in {mend}")
        if "skip_reason" in package:
            print(f"{package['name']}: not audited ({package['skip_reason']})")
    vulnerable = sum(bool(package.get("vulns")) for package in found)
    print(f"audit: {len(found)} packages, {vulnerable} with known vulnerabilities")
    sys.exit(vulnerable > 0)


if __name__ == "__main__":
    main()
