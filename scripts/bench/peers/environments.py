"""One environment a peer, from its pinned list beside this file. One that cannot be made says why.

python scripts/bench/peers/environments.py [implicit recbole cornac]
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE.parents[2] / "runs" / "peers"
PEERS = ("implicit", "recbole", "cornac")


@dataclass(frozen=True)
class Environment:
    """Where a peer's Python is, or the last lines of the error that left it without one."""

    python: Path
    error: str = ""


def ready(peer: str, folder: Path = FOLDER) -> Environment:
    """The environment of a peer, made if it is not there or was made from another list."""
    wanted = HERE / f"{peer}.txt"
    home = folder / f"env-{peer}"
    python, made_from = home / "bin" / "python", home / wanted.name
    if made_from.exists() and made_from.read_bytes() == wanted.read_bytes():
        return Environment(python)
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv") or "uv"
    shutil.rmtree(home, ignore_errors=True)
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(home)],
        # The list is whole. Resolving would refuse it: RecBole asks for ray, which it does not need here.
        [uv, "pip", "install", "--quiet", "--no-deps", "--python", str(python), "--requirement", str(wanted)],
    ):
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            return Environment(python, f"cannot start uv: {error}")
        if done.returncode:
            return Environment(python, last_lines(done.stderr))
    shutil.copyfile(wanted, made_from)
    return Environment(python)


def last_lines(text: str, most: int = 4) -> str:
    return " / ".join(line.strip() for line in text.strip().splitlines()[-most:])


if __name__ == "__main__":
    for name in sys.argv[1:] or PEERS:
        found = ready(name)
        print(f"{name}: {found.error or found.python}")
