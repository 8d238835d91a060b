"""A variant whose state is not whole is refused before it trains; one whose state is whole is not.

What is an attribute of the variant and a number or has a ``state_dict`` is saved by `GAN` itself.
"""

from pathlib import Path

import pytest
import torch

from bench.datasets import Samples
from bench.errors import UserError
from bench.training import checkpoint, resuming, trial
from bench.trials import Trial
from bench.variants import registry

from .conftest import After, MakeTrial

PLUGIN = '''
"""Changes something in each step (2026)."""
import collections, copy, itertools, logging, random, time
import numpy as np
import torch
from torch import nn
from bench.variants import register
from bench.variants.mlp_bce import MLPBCE

COUNT = [0]

@register("{name}")
class Changing(MLPBCE):
    """Changes."""
    latent = 10
    count = 0

    def __init__(self, configuration):
        super().__init__(configuration)
        {begin}

    def step(self, batch):
        {change}
        measured = super().step(batch)
        {after}
        return measured
    {more}
'''
TO_LR = "self.optimizer_d.param_groups[0]['lr'] *= "
SCHEDULER = {
    "begin": "self.schedule = torch.optim.lr_scheduler.StepLR(self.optimizer_d, 2, 0.5)",
    "after": "self.schedule.step()",
}
SAVED = {
    "scheduler": SCHEDULER,
    "lambda_scheduler": {
        "begin": "self.schedule = torch.optim.lr_scheduler.LambdaLR("
        "self.optimizer_g, lambda n: 1 / (1 + n))",
        "after": "self.schedule.step()",
    },
    "counter": {
        "begin": "self.done = 0",
        "change": TO_LR + "0.5 ** self.done; self.done += 1",
    },
    "float": {
        "begin": "self.average = 0.0",
        "change": "self.average = 0.9 * self.average + 1; " + TO_LR + "self.average",
    },
    "numpy_float": {
        "begin": "self.average = 0.0",
        "change": "self.average = 0.9 * self.average + np.float64(1); " + TO_LR + "self.average",
    },
    "setting": {"change": "self.lr *= 0.9; self.optimizer_d.param_groups[0]['lr'] = self.lr"},
    "late": {
        "begin": "self.first = None",
        "after": "self.first = self.first or measured['loss_d'].item()",
    },
    "ema_module": {
        "begin": "self.mean = copy.deepcopy(self.G)",
        "after": "[a.data.lerp_(b.data, 0.1) for a, b in "
        "zip(self.mean.parameters(), self.G.parameters())]",
    },
    "shared_layers": {"begin": "self.body, self.again = self.D[:3], self.D"},
    "own_state": {
        "begin": "self.past = collections.deque([1.0])",
        "change": TO_LR + "self.past[-1]; self.past.append(0.9 * self.past[-1])",
        "more": """
    def state(self):
        return super().state() | {"past": list(self.past)}

    def load(self, state):
        super().load(state)
        self.past = collections.deque(state["past"])
""",
    },
}
HARMLESS = {
    "clock": {"begin": "self.born = time.time_ns()"},
    "timing": {
        "begin": "self.took = 0.0",
        "change": "before = time.perf_counter()",
        "after": "self.took = time.perf_counter() - before",
    },
    "cache": {"begin": "self.last = None", "after": "self.last = batch.real"},
    "logger": {"begin": "self.log = logging.getLogger('changing')"},
    "talking": {"change": "print('a step')"},
    "hook": {"begin": "self.D[1].register_forward_hook(lambda *given: None)"},
    "raises": {"change": "raise KeyError('met by the trial itself')"},
    "not_finite": {"after": "self.D[1].weight.data[0] = float('nan')"},
}
UNSAVED = {
    "list": (
        {"begin": "self.past = [1.0]", "change": "self.past.append(0.5)"},
        r"self\.past changes during training and is not saved; return it from state\(\)",
    ),
    "deque": (
        {
            "begin": "self.past = collections.deque([1.0], maxlen=3)",
            "change": TO_LR + "self.past[-1]; self.past.append(0.9 * self.past[-1])",
        },
        r"self\.past\[\d\] changes",
    ),
    "tensor": (
        {
            "begin": "self.average = torch.zeros(())",
            "change": "self.average += 1; " + TO_LR + "float(self.average)",
        },
        r"self\.average changes",
    ),
    "ema_list": (
        {
            "begin": "self.means = [w.detach().clone() for w in self.G.parameters()]",
            "after": "[a.lerp_(b.data, 0.1) for a, b in zip(self.means, self.G.parameters())]",
        },
        r"self\.means\[0\] changes",
    ),
    "stream": (
        {
            "begin": "self.noise = torch.Generator().manual_seed(1)",
            "change": "batch.real.add_(torch.randn(1, generator=self.noise))",
        },
        r"self\.noise changes",
    ),
    "iterator": (
        {"begin": "self.counter = itertools.count()", "change": TO_LR + "next(self.counter)"},
        r"self\.counter changes",
    ),
    "in_a_network": (
        {
            "begin": "self.D.calls = 1",
            "change": "self.D.calls += 1; " + TO_LR + "1 / self.D.calls",
        },
        r"self\.D\.calls changes",
    ),
    "schedulers_in_a_list": (
        {
            "begin": "self.schedules = [torch.optim.lr_scheduler.StepLR(self.optimizer_d, 2)]",
            "after": "self.schedules[0].step()",
        },
        r"self\.schedules\[0\]\.\w+ changes",
    ),
    "class_attribute": (
        {"change": "Changing.count += 1"},
        r"Changing\.count changes during training; keep it in an attribute of self instead",
    ),
    "global": (
        {"change": "COUNT[0] += 1"},
        r"the global COUNT\[0\] changes during training",
    ),
    "python_random": (
        {"change": TO_LR + "random.random()"},
        r"the discriminator.* differs; draw random numbers with torch's default generator",
    ),
    "no_text": (
        {"more": "def state(self): return super().state() | {'x': object()}"},
        r"cannot be saved and given to load\(\) \(TypeError: .* not JSON serializable\)",
    ),
    "cannot_load": (
        {"more": "def load(self, state): super().load(state['nothing'])"},
        r"cannot be saved and given to load\(\) \(KeyError: 'nothing'\)",
    ),
}


def load(folder: Path, name: str, parts: dict[str, str]) -> Path:
    path = folder / f"{name}.py"
    path.write_text(
        PLUGIN.format(
            name=name,
            **(dict.fromkeys(("begin", "change", "after"), "pass") | {"more": ""} | parts),
        )
    )
    registry.load_plugin(path)
    return path


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    registry.names()
    monkeypatch.setattr(registry._VARIANTS, "_things", dict(registry._VARIANTS._things))


def given(name: str) -> tuple[Trial, Samples]:
    images = torch.arange(64 * 784).remainder(256).to(torch.uint8).view(64, 1, 28, 28)
    protocol = {"batch": 8, "precision": "bf16"}
    return Trial(name, registry.configure(name, {}), 0, 640, protocol), Samples(images)


def check(name: str) -> None:
    resuming.check(*given(name))


@pytest.mark.parametrize("name", [*SAVED, *HARMLESS])
def test_a_variant_that_resumes_is_left_alone(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    load(tmp_path, f"s_{name}", (SAVED | HARMLESS)[name])
    random = torch.get_rng_state()
    check(f"s_{name}")
    assert torch.equal(random, torch.get_rng_state())
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", SAVED)
def test_its_steps_succeed(name: str, tmp_path: Path) -> None:
    """A variant whose step fails would be left alone too, for the trial to meet the error."""
    load(tmp_path, f"t_{name}", SAVED[name])
    assert resuming._Instance(*given(f"t_{name}")).advance()


@pytest.mark.parametrize("name", UNSAVED)
def test_what_is_not_saved_is_named(name: str, tmp_path: Path) -> None:
    parts, sentence = UNSAVED[name]
    load(tmp_path, f"u_{name}", parts)
    expected = rf"'u_{name}' would not resume to the same numbers after a stop: .*{sentence}"
    for _ in range(2):  # asked again in the same process it is still refused
        with pytest.raises(UserError, match=expected):
            check(f"u_{name}")


def test_it_is_tried_once_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(tmp_path, "tried_once", {})
    check("tried_once")
    monkeypatch.delattr(resuming, "_problem")
    check("tried_once")


def test_a_trial_that_could_not_resume_is_refused_in_a_sentence(
    make_trial: MakeTrial, tmp_path: Path
) -> None:
    path = load(tmp_path, "refused", UNSAVED["tensor"][0])
    item = make_trial("refused", plugins=(path,))
    assert trial.run(item.folder) == "failed"
    assert "self.average changes during training and is not saved" in str(item.status.reason)


@pytest.mark.parametrize("name", ["scheduler", "counter", "float"])
def test_state_next_to_the_networks_resumes_to_the_same_bits(
    name: str, make_trial: MakeTrial, after: After, tmp_path: Path
) -> None:
    path = load(tmp_path, f"r_{name}", SAVED[name])
    folder = make_trial(f"r_{name}", "evaluations=1", plugins=(path,)).folder
    ends = []
    for stops in ([13], [6, 13]):
        for stop in stops:
            assert trial.run(folder, after(stop)) == "interrupted"
        saved = checkpoint.load(folder, print)
        assert saved is not None
        ends.append((saved[0], checkpoint.encoded(saved[1]["algorithm"])))
        checkpoint.clear(folder)
    assert ends[0] == ends[1]
