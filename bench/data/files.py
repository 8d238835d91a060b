"""The four MNIST files: where they lie, their digests, and whether they are the known ones.

Importing this loads nothing heavy.
"""

import hashlib
import os
from pathlib import Path

from bench import store
from bench.errors import UserError

DIGESTS = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
DIGEST = hashlib.sha256("".join(DIGESTS[name] for name in sorted(DIGESTS)).encode()).hexdigest()
"""Identity of the data set: the sha256 of the four files' digests in the order of their names."""


def folder() -> Path:
    """The folder the four files are read from: ``GANBENCH_DATA``, else the store's."""
    given = os.environ.get("GANBENCH_DATA")
    return Path(given).absolute() if given else store.root() / "data" / "mnist"


def digest_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path: Path) -> None:
    """Check one of the four files.

    Raises:
        UserError: it is missing or altered; the sentence names the command that mends it.
    """
    if not path.is_file():
        raise UserError(f"{path} is missing: {_mend()}.")
    found = digest_of(path)
    if found != DIGESTS[path.name]:
        raise UserError(
            f"{path} is not the MNIST file it should be (expected sha256 {DIGESTS[path.name]}, "
            f"found {found}): {_mend()}."
        )


def _mend() -> str:
    if os.environ.get("GANBENCH_DATA"):
        return "put the original file into the folder that GANBENCH_DATA names, or unset it"
    return "run `ganbench data` to fetch it again"
