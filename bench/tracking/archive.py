"""The records of an experiment in one zip file, to share, to keep, and to bring into a store.

The archive holds ``manifest.json`` (format, name of the experiment, sha256 of each other file), the
experiment's record, and of each trial its record, event log, status and last pictures. Where
weights or earlier pictures are left out, the event log in it does not name them.
"""

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath

from bench import paths
from bench.errors import UserError
from bench.tracking import experiments
from bench.tracking.experiments import ExperimentRecord, trial_folder
from bench.trials import Trial, TrialRecord, event_log, status

FORMAT = 1
_MANIFEST, _EXPERIMENT = "manifest.json", "experiment.json"
_OWN = (_MANIFEST, _EXPERIMENT)
_OF_TRIAL = ("trial.json", "status.json", "journal.jsonl")
_WEIGHTS = ("generator.json", "generator.safetensors")
MEMBER = re.compile(
    r"trials/[0-9a-f]{64}/"
    r"((trial|status|generator)\.json|journal\.jsonl|generator\.safetensors"
    r"|(samples/\d+|neighbours|classes|interpolation)\.png)"
)
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same records make the same archive
_MOST_BYTES = 8 * 2**30


@dataclass(frozen=True)
class Imported:
    """What an archive brought.

    Attributes:
        name: of the experiment.
        added, present: how many of its trials are new in this store, and were there before.
        plugins: names of the plug-in files whose text the new records carry.
    """

    name: str
    added: int
    present: int
    plugins: tuple[str, ...]


def export(name: str, path: Path, *, weights: bool = False) -> int:
    """Write the finished trials of an experiment of this store to a zip file.

    Args:
        name: the experiment's.
        path: of the file; one that is there is replaced.
        weights: also the final generators.

    Returns:
        How many trials it holds.

    Raises:
        UserError: there is no such experiment, no trial of it has finished, or the file cannot be
            written.
    """
    planned = experiments.read(name)
    folders = [f for f in map(trial_folder, planned.about.keys) if status.over(f)]
    if not folders:
        raise UserError(f"No trial of '{name}' has finished in this store: run it first.")
    keys = [folder.name for folder in folders]
    about = asdict(replace(planned.about, keys=keys))
    content = {_EXPERIMENT: json.dumps(about).encode()}
    for folder in folders:
        content |= _trial_files(folder, weights)
    manifest = {
        "format": FORMAT,
        "experiment": name,
        "files": {file: hashlib.sha256(data).hexdigest() for file, data in content.items()},
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with paths.replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
            for member, data in {_MANIFEST: json.dumps(manifest).encode(), **content}.items():
                archive.writestr(
                    zipfile.ZipInfo(member, _EPOCH), data, zipfile.ZIP_DEFLATED, compresslevel=9
                )
    except OSError as error:
        raise paths.unwritable(path, error) from error
    return len(folders)


def _trial_files(folder: Path, weights: bool) -> dict[str, bytes]:
    entries = [entry for entry, _ in event_log.read(folder / "journal.jsonl")]
    pictures = [entry for entry in entries if entry["event"] == "image"]
    last = max((entry["step"] for entry in pictures), default=0)
    kept = {entry["file"] for entry in pictures if entry["step"] == last}
    kept |= set(_WEIGHTS if weights else ())
    log = [entry for entry in entries if entry.get("file") in {None, *kept}]
    files = {"journal.jsonl": "".join(json.dumps(entry) + "\n" for entry in log).encode()}
    files |= {name: (folder / name).read_bytes() for name in _OF_TRIAL if name not in files}
    files |= {name: (folder / name).read_bytes() for name in kept if (folder / name).is_file()}
    return {f"trials/{folder.name}/{name}": data for name, data in sorted(files.items())}


def bring(path: Path) -> Imported:
    """Bring the trials of an archive into this store.

    A trial that has a result here stays as it is; every other one takes the archive's records.
    Trials of both make one experiment then, so that two machines can share the work.

    Raises:
        UserError: the file is no archive of `export`, is damaged, or its trials cannot be compared
            with those that this store has under the same name.
    """
    name, about, files = _checked(path, _content(path))
    keys = sorted({PurePosixPath(file).parts[1] for file in files})
    known = {planned.name: planned.about for planned in experiments.all_planned()}.get(name)
    if known and (known.protocol, known.measure) != (about.protocol, about.measure):
        raise UserError(
            f"The trials of '{name}' in {path} were made under other settings than those of this "
            "store: import the file into another store with --store."
        )
    added, plugins = [key for key in keys if not status.over(trial_folder(key))], set[str]()
    for key in added:
        plugins |= _placed(key, files)
    both = [*(known.keys if known else ()), *about.keys]
    experiments.write(
        name, replace(known or about, keys=list(dict.fromkeys(both)), places=about.places)
    )
    return Imported(name, len(added), len(keys) - len(added), tuple(sorted(plugins)))


def _placed(key: str, files: Mapping[str, bytes]) -> set[str]:
    """Write a trial's files, the event log last; the plug-in files that its record names."""
    folder, prefix = trial_folder(key), f"trials/{key}/"
    with status.owning(folder) as mine:
        if not mine:
            raise UserError(f"The trial {key[:8]} is being trained now: stop it, then import.")
        own = {f.removeprefix(prefix): data for f, data in files.items() if f.startswith(prefix)}
        for name in sorted(own, key=lambda name: name == "journal.jsonl"):
            try:
                with paths.replacing(folder / name) as file:
                    file.write(own[name])
            except OSError as error:
                raise paths.unwritable(folder, error) from error
    return {Path(plugin).name for plugin in TrialRecord.read(folder).plugins}


def _content(path: Path) -> dict[str, bytes]:
    """Every file of a zip whose names and sizes are in order."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > _MOST_BYTES:
                raise UserError(f"{path} holds more than {_MOST_BYTES:,} bytes: it is refused.")
            for member in members:
                if not (MEMBER.fullmatch(member.filename) or member.filename in _OWN):
                    raise _damaged(path, f"it holds a file {member.filename[:80]!r}")
            return {member.filename: archive.read(member) for member in members}
    except FileNotFoundError as error:
        raise UserError(f"There is no file {path}: check the path.") from error
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise _damaged(path, str(error)) from error


def _checked(
    path: Path, content: dict[str, bytes]
) -> tuple[str, ExperimentRecord, dict[str, bytes]]:
    """The experiment's name and record and the files of trials, all as the manifest says."""
    try:
        manifest = json.loads(content.pop(_MANIFEST))
        if manifest["format"] > FORMAT:
            raise UserError(
                f"{path} was written by a newer ganbench (format {manifest['format']}, this one "
                f"reads {FORMAT}): install that version."
            )
        digests = {file: hashlib.sha256(data).hexdigest() for file, data in content.items()}
        if digests != manifest["files"]:
            raise _damaged(path, "a file is not what the manifest says")
        about = ExperimentRecord(**json.loads(content.pop(_EXPERIMENT)))
        for key in about.keys:
            _check_trial(path, key, content)
        name = manifest["experiment"]
        if not isinstance(name, str) or {PurePosixPath(f).parts[1] for f in content} != {
            *about.keys
        }:
            raise _damaged(path, "its trials are not those of its experiment")
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    return name, about, content


def _check_trial(path: Path, key: str, content: Mapping[str, bytes]) -> None:
    record = json.loads(content[f"trials/{key}/trial.json"])
    if record["key"] != key or Trial.from_identity(record["identity"]).key != key:
        raise _damaged(path, f"the record of trial {key[:8]} has another key")
    lines = content[f"trials/{key}/journal.jsonl"].splitlines()
    state = json.loads(content[f"trials/{key}/status.json"])["status"]
    entries = [json.loads(line) for line in lines]
    if state not in status.ENDED or entries[-1].get("status") != state:
        raise _damaged(path, f"trial {key[:8]} has no result")
    for entry in entries:
        if "file" in entry and f"trials/{key}/{entry['file']}" not in content:
            raise _damaged(path, f"the picture {entry['file']!r} of trial {key[:8]} is missing")


def _damaged(path: Path, problem: str) -> UserError:
    return UserError(
        f"{path} is damaged or was not made by `ganbench export` ({problem}): "
        "nothing was imported; get the file again."
    )
