"""A folder in which offices, a district and a post work, through the command as people use it."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
VILLAGE = "76.02.06.2003"
RADIO = "ab" * 32
LIMIT_S = 60


@dataclass(frozen=True)
class Told:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Offices:
    """`secret/` holds the private keys; everything else is public."""

    folder: Path

    def keys(self, *words: str, typed: str = "") -> Told:
        """Run `kimnode keys ...` here, as a real process without a terminal."""
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "kimnode", "keys", *words],
            cwd=self.folder,
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
            input=typed,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
            start_new_session=True,
        )
        return Told(done.returncode, done.stdout, done.stderr)

    def done(self, *words: str, typed: str = "") -> str:
        """The same, and it must work; what it printed."""
        told = self.keys(*words, typed=typed)
        assert (told.code, told.err) == (0, ""), told
        return told.out

    def new_key(self, what: str, name: str, *words: str) -> None:
        out = f"secret/{name}.key"
        self.done(what, "key", "--no-passphrase", "--name", name, "--out", out, *words)

    def certify_person(self, out: str, *words: str) -> Told:
        return self.keys(
            *("volunteer", "certify", "--key", "secret/mamuju.key", "--district", "mamuju.kim"),
            *("--name", "Budi", "--area", VILLAGE, "--out", out, *words),
        )

    def path(self, name: str) -> Path:
        return self.folder / name
