"""The experiment file, the trials that it stands for, and the identity of each."""

import json
import shlex
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from bench import catalogue, datasets, paths
from bench.errors import UserError, unknown
from bench.registry import check_name
from bench.trials import Trial, experiment_files, options
from bench.trials.experiment_files import folder, names
from bench.trials.search import Search

_MOST_SEEDS = 10_000
__all__ = ["Experiment", "Trial", "folder", "load", "names", "recorded_name", "select"]

_ORIGIN = ("name", "text", "command", "seeds_option", "shipped", "changed")


class Experiment(BaseModel):
    """One experiment file with the options of the command line.

    The first fields say where it comes from; from ``description`` on each is a key of the TOML.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    text: str
    """The file's own text."""
    command: str
    """What a user types to run it with its options; `seeds_option` is left out."""
    seeds_option: str = ""
    """The value of ``--seeds``; empty where the file's own seeds are run."""
    shipped: bool = False
    """Whether the file lies in `folder`."""
    changed: bool = False
    """Whether an option of the command line changed anything that the file says."""
    description: str = ""
    variants: Annotated[list[str], Field(min_length=1)]
    seeds: list[Annotated[int, Field(ge=0, lt=2**63)]]
    dataset: str = datasets.DEFAULT
    """The name of what variants learn from."""
    budget: Annotated[int, Field(ge=1, le=10**12)]
    """Real images shown to the discriminator."""
    batch: Annotated[int, Field(ge=2)] = 64
    evaluations: Annotated[int, Field(ge=1, le=10_000)] = 5
    """Evenly spaced points of the budget at which a trial is measured, the last one included."""
    samples: Annotated[int, Field(ge=100, le=1_000_000)] = 10_000
    """Generated images behind each measurement."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Of the matrix products of training; weights, optimisers and measurements stay in fp32."""
    device: Literal["cpu", "cuda"] = "cpu"
    """What trains; measurements are made on the processor in any case."""
    control: str = ""
    """The one of the variants that every other is compared with; empty for all pairs."""
    common: dict[str, Any] = {}
    """Configuration that all variants of the experiment have; a table of their own goes first."""
    variant: dict[str, dict[str, Any]] = {}
    """Configuration that differs from a variant's defaults, by variant.

    A table with the key ``variant`` gives its own name to a configuration of that variant.
    """
    search: Search | None = None
    """Settings of each variant to try first; the best is trained on ``seeds`` then."""

    @field_validator("seeds", mode="before")
    @classmethod
    def _count_or_list(cls, seeds: Any) -> Any:
        whole = isinstance(seeds, int) and not isinstance(seeds, bool)
        if whole and seeds > _MOST_SEEDS:
            raise ValueError(f"at most {_MOST_SEEDS} seeds make an experiment")
        return list(range(seeds)) if whole and seeds >= 0 else [seeds] if whole else seeds

    @field_validator("variants", "seeds")
    @classmethod
    def _distinct(cls, values: list[Any]) -> list[Any]:
        if not values:
            raise ValueError("at least one is needed")
        if twice := {value for value in values if values.count(value) > 1}:
            raise ValueError(f"{min(twice)} is listed twice")
        return values

    @field_validator("control")
    @classmethod
    def _one_of_them(cls, control: str, info: ValidationInfo) -> str:
        if control and control not in info.data.get("variants", [control]):
            raise ValueError("it is not one of the variants, so add it to them")
        return control

    @property
    def as_it_stands(self) -> bool:
        """Whether it is a file of `folder` without any change: its table may be committed."""
        return self.shipped and not self.changed

    @property
    def resolved(self) -> str:
        """The whole experiment as TOML, options included: running this text gives its table."""
        if not self.changed:
            return self.text
        import tomli_w

        settings = self.model_dump(exclude=set(_ORIGIN), exclude_unset=True)
        return f"# {self.whole_command}\n{tomli_w.dumps(settings)}"

    @property
    def whole_command(self) -> str:
        """What a user types to run exactly this."""
        return f"{self.command} --seeds {self.seeds_option}" if self.seeds_option else self.command

    @property
    def results(self) -> Path:
        """Where its tables go: into the source tree only as it stands, else into the store."""
        base = paths.home() if self.as_it_stands else paths.root()
        return base / "results" / self.name

    @property
    def protocol(self) -> dict[str, Any]:
        """What two trials must share, besides budget, data set and evaluator, to be comparable."""
        # Only what is not the default is named, so that those trials keep their keys.
        usual, chosen = {"precision": "fp32", "device": "cpu"}, self.model_dump()
        unusual = {key: chosen[key] for key, value in usual.items() if chosen[key] != value}
        return {
            "batch": self.batch,
            "evaluations": self.evaluations,
            "samples": self.samples,
            **unusual,
            **datasets.get(self.dataset).splits,
        }

    def trials(self) -> list[Trial]:
        """Variant × seed, seeds outermost, so that a stopped sweep has trained all variants.

        Raises:
            UserError: an unknown variant or data set, or a configuration that does not fit.
        """
        algorithms = {name: self.algorithm(name) for name in [*self.variants, *self.variant]}
        settings = {}
        for name, algorithm in algorithms.items():
            table = self.common | self.variant.get(name, {})
            table.pop("variant", None)
            settings[name] = catalogue.configure(algorithm, table)
        protocol = self.protocol
        return [
            Trial(
                name, settings[name], seed, self.budget, protocol, self.dataset,
                algorithm=algorithms[name],
            )
            for seed in self.seeds
            for name in self.variants
        ]  # fmt: skip

    def algorithm(self, name: str) -> str:
        """The registered variant behind a name of the experiment.

        Raises:
            UserError: the key ``variant`` of its table is no text, or the name can name no row.
        """
        algorithm = self.variant.get(name, {}).get("variant", name)
        if not isinstance(algorithm, str):
            raise UserError(
                f"The key 'variant' of [variant.{name}] is {algorithm!r}: write the name of the "
                "variant that these settings belong to, as text."
            )
        if algorithm != name:
            check_name("row", name)
        return algorithm


def load(name_or_path: str, overrides: Iterable[str] = ()) -> Experiment:
    """Read an experiment by name or path and apply ``KEY=VALUE`` overrides.

    Every table belongs to one name, so what must not mix has different names: overrides become part
    of the name (``quick@budget=6400``), and a file outside `folder` gets a digest of its path and
    settings (``mine-3fa91c``).

    Raises:
        UserError: no such experiment, malformed TOML, or a key or value that does not fit.
    """
    path = experiment_files.find(name_or_path)
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
        table = tomllib.loads(text)
        json.dumps(table, default=str)  # a number of 5,000 digits cannot be written down again
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read as TOML ({error}): fix the file.") from error
    chosen = sorted(options.override(table, entry) for entry in overrides)
    shipped = experiment_files.is_shipped(path)
    origin: dict[str, Any] = {
        "text": text,
        "command": experiment_files.command(path, shipped, chosen),
        "shipped": shipped,
        "name": experiment_files.named(path, shipped, chosen, table),
        "changed": bool(chosen),
    }
    return _validated(path, table, origin, {entry.partition("=")[0]: entry for entry in chosen})


def recorded_name(name_or_path: str) -> str:
    """The name under which an experiment is recorded, given that name or the path of its file.

    Raises:
        UserError: as `load`, for a path.
    """
    return load(name_or_path).name if experiment_files.is_path(name_or_path) else name_or_path


def _validated(
    path: Path, table: Mapping[str, Any], origin: Mapping[str, Any], given: Mapping[str, str]
) -> Experiment:
    """``given`` are the options of the command line by their keys."""
    allowed = Experiment.model_fields.keys() - set(_ORIGIN)
    for key in table:
        if key not in allowed:
            raise unknown(
                "key for the option -o" if key in given else f"key of {path}", key, allowed
            )
    try:
        return Experiment.model_validate({**table, **origin}, strict=True)
    except ValidationError as error:
        place = [str(part) for part in error.errors()[0]["loc"]]
        option = given.get(place[0]) or given.get(".".join(place))
        where = path if option is None else f"The option -o {option}"
        raise UserError(f"{where}: {_first(error)}; correct it.") from error


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    value = "" if first["type"] == "missing" else f" (found {first['input']!r})"
    return f"the key '{key}' does not fit: {first['msg'].removeprefix('Value error, ')}{value}"


def select(
    experiment: Experiment, variants: list[str], seeds: str | None, plugins: Iterable[Path] = ()
) -> Experiment:
    """The same experiment with other variants or seeds; its name stays, for its records fit.

    Args:
        experiment: as loaded.
        variants: the names to keep or add.
        seeds: how many (``5``) or which (``0,3,7``; one alone: ``7,``); None keeps the file's.
        plugins: the files that define some of the variants, for the command.

    Raises:
        UserError: duplicate variants, or seeds that are not distinct non-negative integers.
    """
    table = experiment.model_dump(exclude_unset=True) | {"variants": variants}
    if seeds is not None:
        table["seeds"] = options.seeds(seeds)
    try:
        chosen = Experiment.model_validate(table, strict=True)
    except ValidationError as error:
        raise UserError(f"The command line: {_first(error)}; correct this option.") from error
    words = [word for path in plugins for word in ("--plugin", path.name)]
    if chosen.variants != experiment.variants:
        words += ["--variants", ",".join(variants)]
    other_seeds = chosen.seeds != experiment.seeds
    return chosen.model_copy(
        update={
            "command": " ".join([experiment.command, shlex.join(words)]).strip(),
            "seeds_option": seeds if other_seeds else experiment.seeds_option,
            "changed": experiment.changed or bool(words) or other_seeds,
        }
    )
