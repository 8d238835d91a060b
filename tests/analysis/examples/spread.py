"""A figure of one's own: this file is all that it takes. It is named with ``--plugin``."""

from matplotlib.figure import Figure

from bench.analysis.figures import figure, styled


@figure(title="Spread over seeds", caption="The final FID of every trial, best first.")
def spread(records, curves, samples):  # type: ignore[no-untyped-def]
    values = sorted(trial.final["fid"] for trial in records.trials if "fid" in trial.final)
    if not values:
        return None
    with styled():
        drawing = Figure(figsize=(4, 3))
        drawing.subplots().plot(values, "o")
    return drawing
