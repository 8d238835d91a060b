"""What of a trial goes where in MLflow: params, tags, datasets, files, statuses."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import UserError
from bench.trials import Trial, TrialRecord, experiment_files

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

# MLflow cuts longer values silently, and with them the record.
PARAM_LIMIT = 6000
TAG_LIMIT = 8000
EXPERIMENT_TAG_LIMIT = 20000

# A diverged trial is a result: finished.
RUN_STATUS = {"done": "FINISHED", "diverged": "FINISHED", "failed": "FAILED",
              "interrupted": "KILLED"}  # fmt: skip
"""MLflow's word for the status that a trial ended with."""

_SPLITS = {"train": "training", "heldout": "selection", "test": "evaluation"}


def params(trial: Trial, place: Mapping[str, str]) -> dict[str, str]:
    """Every value that defines the trial, under its plain name, after those of its ``place``.

    A value of the variant that is named like another one becomes ``configuration.<name>``.
    """
    values = trial.identity
    del values["configuration"], values["protocol"]
    values |= {**trial.protocol, **place}
    for name, value in trial.configuration.items():
        values[f"configuration.{name}" if name in values else name] = value
    texts = {n: v if isinstance(v, str) else json.dumps(v) for n, v in values.items()}
    return _cut(texts, PARAM_LIMIT)


def tags(record: TrialRecord) -> dict[str, str]:
    """The tags of a run at its creation."""
    trial = record.trial
    every = {
        "mlflow.source.name": "ganbench",
        "mlflow.source.type": "LOCAL",
        "mlflow.note.content": (
            f"Variant **{trial.variant}**, seed {trial.seed}, "
            f"{trial.budget:,} real images. Trial `{record.key}`."
        ),
        "ganbench.key": record.key,
        "ganbench.status": "running",
        "ganbench.protocol": trial.protocol_id,
        "ganbench.dataset": trial.digest,
        "ganbench.ruler": trial.evaluator,
        "ganbench.measure": trial.measure,
        "ganbench.source": record.source,
        "ganbench.code": json.dumps(record.code) if record.code else None,
        # By "/", which no file's name has; a whole path would tell about the machine.
        "ganbench.plugins": "/".join(Path(file).name for file in record.plugins),
        "ganbench.dirty": json.dumps(record.dirty),
        "mlflow.source.git.commit": record.commit,
        "ganbench.no_commit": record.no_commit,
    }
    return _cut({name: value for name, value in every.items() if value}, TAG_LIMIT)


def _cut(values: dict[str, str], limit: int) -> dict[str, str]:
    return {n: within(value, limit, "the artifact trial.json") for n, value in values.items()}


def files(record: TrialRecord) -> dict[str, str]:
    """Artifacts that exist only inside ``trial.json``: name to text."""
    return {
        "experiment.toml": record.experiment,
        "environment.json": json.dumps(record.environment, indent=1),
        "trial.json": record.json(),
    }


def datasets(trial: Trial) -> list["DatasetInput"]:
    """The three splits as inputs. MLflow holds 36 digits; the whole digest is a tag next to it."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    digest, protocol = trial.digest, trial.protocol
    inputs = []
    for split, context in _SPLITS.items():
        source = json.dumps({"sha256": digest, "split": protocol.get(split, split)})
        dataset = Dataset(f"{trial.dataset}-{split}", digest[:36], "ganbench", source)
        marks = [InputTag("mlflow.data.context", context), InputTag("ganbench.sha256", digest)]
        inputs.append(DatasetInput(dataset, marks))
    return inputs


def artifact_folder(file: str) -> str | None:
    """Where a file of the trial folder goes: the generator's two files into ``generator/``."""
    folder = Path(file).parent.as_posix()
    if folder != ".":
        return folder
    return "generator" if Path(file).stem == "generator" else None


def inside(folder: Path, file: str) -> Path:
    """The file of a trial folder; a `UserError` where it is outside of it or gone."""
    path = (folder / file).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise UserError(
            f"The event log in {folder} names '{file}', a file outside that folder: "
            "remove that line."
        )
    if not path.is_file():
        raise UserError(
            f"{path} is missing although the trial's event log names it: put it back. Or delete "
            f"{folder} and run the experiment again, which trains this trial again."
        )
    return path


def within(text: str, limit: int, whole: str) -> str:
    """``text``, or where it is too long its beginning and where the whole is."""
    if len(text) <= limit:
        return text
    note = f"… ({len(text):,} characters; the whole text is in {whole})"
    return text[: limit - len(note)] + note


def how_to_run(experiment: str) -> str:
    """The command that fills an experiment's records (``quick@budget=6400``), within a sentence."""
    name, _, _ = experiment.partition("@")
    if name not in experiment_files.names():
        return "run its file again"
    return f"run `{command_of(experiment)}`"


def command_of(experiment: str) -> str:
    """What a user types to run an experiment of the project by the name of its records."""
    name, _, overrides = experiment.partition("@")
    options = [f"-o {option}" for option in re.split(r",(?=[\w.-]+=)", overrides) if option]
    return " ".join(["ganbench run", name, *options])
