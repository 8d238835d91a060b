"""Sample grids under the names that MLflow's step slider reads.

`MlflowClient.log_image` names its two files with a random uuid and the present time, so sending an
image twice shows it twice. Here both come from the image's place in the trial, and sending it
again writes the same two files.
"""

import re
import shutil
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bench.tracking.record import inside
from bench.trials.event_log import Entry

if TYPE_CHECKING:
    from mlflow import MlflowClient

FOLDER = "images"
"""The folder of a run's images among its artifacts."""
LOGGED = "mlflow.loggedImages"
"""MLflow's tag of a run that has images."""
# MLflow writes the key's "/" as "~"; before 3.10 it wrote "#", and "%" between the parts.
_NAME = re.compile(
    r"(?P<key>.+)(?P<mark>[+%])step(?P=mark)(?P<step>\d+)(?P=mark)timestamp(?P=mark)(?P<time>\d+)"
    r"(?P=mark).*\.png"
)
_SLASH = {"+": "~", "%": "#"}


class ImageName(NamedTuple):
    """What the name of a logged image says; the time is in ms."""

    key: str
    step: int
    time: int

    def stem(self) -> str:
        """The file's name without its suffix; the same for the same image."""
        key = self.key.replace("/", _SLASH["+"])
        mark = uuid.uuid5(uuid.NAMESPACE_OID, f"{key}/{self.step}")
        return f"{key}+step+{self.step}+timestamp+{self.time}+{mark}"


def parse(file: str) -> ImageName | None:
    """Of the PNG that our `log` or MLflow's ``log_image`` wrote; None for any other file."""
    name = _NAME.fullmatch(file)
    if name is None:
        return None
    key = name["key"].replace(_SLASH[name["mark"]], "/")
    return ImageName(key, int(name["step"]), int(name["time"]))


def log(client: "MlflowClient", run_id: str, trial_folder: Path, entries: list[Entry]) -> None:
    """Send the images of an event log's entries in one call.

    Raises:
        UserError: an image is no longer in the trial folder.
    """
    import PIL.Image
    from mlflow.tracking.multimedia import compress_image_size

    with tempfile.TemporaryDirectory() as scratch:
        for entry in entries:
            source = inside(trial_folder, entry["file"])
            target = Path(scratch) / ImageName(entry["key"], entry["step"], entry["time"]).stem()
            shutil.copyfile(source, f"{target}.png")
            with PIL.Image.open(source) as image:  # the small copy that the grid shows first
                compress_image_size(image).save(f"{target}+compressed.webp")
        if entries:
            client.log_artifacts(run_id, scratch, FOLDER)
            client.set_tag(run_id, LOGGED, "True")
