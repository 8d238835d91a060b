"""A figure of one's own: this file is all that it takes. It is named with ``--plugin``."""

from matplotlib.figure import Figure

from bench.analysis.figures import figure, styled


@figure(title="Spread over seeds", caption="The final FID of every trial, best first.")
def spread(records, curves, samples):  # type: ignore[no-untyped-def]
    values = records.trials["final/fid"].dropna().sort_values()
    with styled():
        drawing = Figure(figsize=(4, 3))
        drawing.subplots().plot(values.to_numpy(), "o")
    return drawing
