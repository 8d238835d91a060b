"""What measuring costs on one core: ``python -m bench.evaluation.cost``."""

import platform
import resource
import sys
import time
from collections.abc import Callable
from functools import partial

import torch

from bench.datasets import mnist
from bench.evaluation import suite
from bench.evaluation.evaluator import Evaluator
from bench.evaluation.reference import observe


def main() -> None:
    """Print the cost of 10,000 samples with a warm reference cache, and the peak memory.

    On a busy machine the second column, the processor's own seconds, is the one to read.
    """
    torch.set_num_threads(1)
    images = mnist.load("heldout").images
    evaluator = Evaluator.load()
    evaluator.measure(images, thorough=True)
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, one thread")
    print(f"{'':32}{'wall':>7}{'processor':>13}")
    _timed("one pass of the classifier", lambda: observe(evaluator.extractor, images))
    samples = observe(evaluator.extractor, images)
    # Metrics that share their distances are cheap once the first of them has been worked out.
    for metric in suite.of_cost("cheap", "costly"):
        _timed(
            f"{metric.name} ({metric.cost})", partial(metric.compute, samples, evaluator.reference)
        )
    _timed("all cheap metrics", lambda: evaluator.measure(images))
    _timed("all metrics and the witness", lambda: evaluator.measure(images, thorough=True))
    print(f"{'peak memory':32}{_peak_gb():7.2f} GB")


def _timed(what: str, work: Callable[[], object]) -> None:
    wall, own = time.perf_counter(), time.process_time()
    work()
    wall, own = time.perf_counter() - wall, time.process_time() - own
    print(f"{what:32}{wall:7.2f} s{own:9.2f} s", flush=True)


def _peak_gb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e9 if sys.platform == "darwin" else 1e6)


if __name__ == "__main__":
    main()
