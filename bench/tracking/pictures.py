"""Sample grids under the names that MLflow's step slider reads.

`MlflowClient.log_image` names its two files with a random uuid and the present time, so sending an
image twice shows it twice. Here both come from the image's place in the trial, and sending it
again writes the same two files.
"""

import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from bench.tracking.journal import Entry
from bench.tracking.record import inside

if TYPE_CHECKING:
    from mlflow import MlflowClient

_FOLDER = "images"


def log(
    client: "MlflowClient",
    run_id: str,
    trial_folder: Path,
    entries: list[Entry],
    scratch: Path,
) -> None:
    """Send the images of some journal entries in one call.

    Args:
        entries: of the event ``image``: step, time (ms), key, file.
        scratch: an empty folder to stage the files in.

    Raises:
        UserError: an image is no longer in the trial folder.
    """
    for entry in entries:
        _stage(inside(trial_folder, entry["file"]), entry, scratch)
    if entries:
        client.log_artifacts(run_id, str(scratch), _FOLDER)
        client.set_tag(run_id, "mlflow.loggedImages", "True")


def _stage(source: Path, entry: Entry, scratch: Path) -> None:
    """The picture itself, and the small WebP copy that the grid shows first."""
    import PIL.Image
    from mlflow.tracking.multimedia import compress_image_size

    key, step = entry["key"].replace("/", "~"), entry["step"]
    mark = uuid.uuid5(uuid.NAMESPACE_OID, f"{key}/{step}")
    name = f"{key}+step+{step}+timestamp+{entry['time']}+{mark}"
    shutil.copyfile(source, scratch / f"{name}.png")
    with PIL.Image.open(source) as image:
        compress_image_size(image).save(scratch / f"{name}+compressed.webp")
