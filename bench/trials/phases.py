"""An experiment with a search: the trials of its two phases.

The search has a row a setting (``wgan_s03``). The final phase has each variant twice, on fresh
seeds: with its defaults under its own name, and with the chosen setting (``wgan_tuned``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bench import catalogue
from bench.errors import UserError
from bench.trials import Trial
from bench.trials.experiment import Experiment
from bench.trials.search import Distribution, Search, drawn, parse

Phase = Literal["search", "final"]


@dataclass(frozen=True)
class Place:
    """Where a trial belongs in an experiment with a search.

    Attributes:
        row: the row of the experiment file whose settings are searched.
        setting: its number; None in the final phase.
    """

    phase: Phase
    row: str
    setting: int | None = None

    @property
    def params(self) -> dict[str, str]:
        """As params of an MLflow run."""
        number = {} if self.setting is None else {"setting": str(self.setting)}
        return {"phase": self.phase, "searched": self.row, **number}


def search_trials(experiment: Experiment, search: Search) -> list[tuple[Trial, Place]]:
    """Setting × row × seed of the search, seeds outermost and rows innermost.

    Raises:
        UserError: a space does not fit its variant, or a name or a seed belongs to both phases.
    """
    if both := sorted({*experiment.seeds} & {*search.seeds}):
        raise UserError(
            f"The seed {both[0]} belongs to the search and to the final phase, whose seeds must be "
            "fresh: change the key 'seeds' of [search]."
        )
    _check_names(experiment, search)
    tables = {row: settings(experiment, search, row) for row in experiment.variants}
    places = {
        f"{row}_s{number:02d}": Place("search", row, number)
        for number in range(search.settings)
        for row in tables
    }
    rows = {name: tables[place.row][place.setting or 0] for name, place in places.items()}
    changes = search.model_dump(include={"seeds", "budget", "evaluations"})
    return _trials(experiment, places, rows, changes)


def final_trials(
    experiment: Experiment, search: Search, chosen: Mapping[str, int]
) -> list[tuple[Trial, Place]]:
    """Every row with its defaults and, next to it, with the setting that was chosen for it.

    Args:
        chosen: row to the number of its setting. A row of which the defaults were chosen stands
            once, as each row does before the search is over.
    """
    places, tuned = {}, {}
    for row in experiment.variants:
        places[row] = Place("final", row)
        if number := chosen.get(row, 0):
            places[f"{row}_tuned"] = places[row]
            tuned[f"{row}_tuned"] = settings(experiment, search, row)[number]
    return _trials(experiment, places, tuned, {})


def settings(experiment: Experiment, search: Search, row: str) -> list[dict[str, Any]]:
    """What each setting of a row changes; the first changes nothing.

    Raises:
        UserError: the space does not fit the variant, or the row has none.
    """
    algorithm = experiment.algorithm(row)
    fields = catalogue.configure(algorithm, {})
    common = {name: text for name, text in search.space.items() if name in fields}
    texts = catalogue.search_space(algorithm) | common | search.variant.get(row, {})
    if not texts:
        raise UserError(
            f"The search has nothing to draw for {row}: add a table [search.variant.{row}], or "
            f"remove {row} from the variants."
        )
    space = {name: _fitting(algorithm, row, name, text) for name, text in texts.items()}
    return drawn(space, search.settings)


def _fitting(algorithm: str, row: str, field: str, text: str) -> Distribution:
    """The distribution of a field, of which both ends or all choices are values of its type."""
    try:
        distribution = parse(text)
        for value in distribution.values:
            catalogue.configure(algorithm, {field: value})
    except (UserError, ValueError) as error:
        why = str(error).rstrip(".")
        raise UserError(f"The search cannot draw {field} of {row} from {text}: {why}.") from error
    return distribution


def _check_names(experiment: Experiment, search: Search) -> None:
    """Raises:
    UserError: no variant has a field of the common space, or a table belongs to no variant.
    """
    own = [catalogue.configure(experiment.algorithm(row), {}) for row in experiment.variants]
    for field in search.space:
        # A part of an experiment (--variants) may lack the ones that have it.
        if not any(field in known for known in own) and field not in catalogue.fields():
            raise UserError(
                f"No variant has the field '{field}' of [search.space]: correct or remove it."
            )
    for row in search.variant:
        if row not in {*experiment.variants, *experiment.variant}:
            catalogue.configure(row, {})  # refuses a name that no variant has


def _trials(
    experiment: Experiment,
    places: Mapping[str, Place],
    rows: Mapping[str, Mapping[str, Any]],
    changes: Mapping[str, Any],
) -> list[tuple[Trial, Place]]:
    """The trials of the experiment with other rows, of which ``rows`` change a setting."""
    if taken := sorted(rows.keys() & {*experiment.variants, *experiment.variant}):
        raise UserError(
            f"The search names a row {taken[0]} itself: give the variant of that name another one."
        )
    tables = {
        name: {
            **experiment.variant.get(places[name].row, {}),
            "variant": experiment.algorithm(places[name].row),
            **values,
        }
        for name, values in rows.items()
    }
    every = {"variants": list(places), "variant": experiment.variant | tables, **changes}
    trials = experiment.model_copy(update=every).trials()
    return [(trial, places[trial.variant]) for trial in trials]
