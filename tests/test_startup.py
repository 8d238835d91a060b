"""Any terminal, any user: streams that take every character, a home, and closed descriptors."""

import io
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli import startup

TREE = Path(__file__).parent.parent
SAID = "FID 1.2 ± 0.3 − é Σ ━ 字 \udc80"


def shell(line: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a line of the shell in which ``ganbench`` is the command."""
    line = f'ganbench() {{ "{sys.executable}" -m bench "$@"; }}; {line}'
    environ = {**os.environ, "PYTHONPATH": str(TREE), **environ}
    return subprocess.run(
        ["sh", "-c", line], env=environ, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("encoding", "printed"),
    [
        ("ascii", "FID 1.2 +- 0.3 - e sum  = ? ?"),
        ("latin-1", "FID 1.2 ± 0.3 - é sum  = ? ?"),
        ("cp1252", "FID 1.2 ± 0.3 - é sum  = ? ?"),
        ("utf-8", "FID 1.2 ± 0.3 − é Σ ━ 字 ?"),
    ],
)
def test_what_the_terminal_lacks_is_replaced(
    encoding: str, printed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding))
    monkeypatch.setenv("PYTHONIOENCODING", "as it was")
    startup._encode_everything()
    print(SAID, end="", flush=True)
    assert written.getvalue().decode(encoding) == printed
    children = "as it was" if encoding == "utf-8" else f"{encoding}:replace"
    assert os.environ["PYTHONIOENCODING"] == children


def test_a_real_command_prints_in_ascii() -> None:
    done = shell("ganbench list metrics", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "sum" in done.stdout
    assert done.stdout.isascii()


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_lead_to_nothing(closed: str) -> None:
    opens = (
        "from bench.cli import startup; startup.prepare(); print('lost'); "
        "import sys; sys.exit(open('/dev/null').fileno() > 2)"
    )
    assert shell(f'"{sys.executable}" -c "{opens}" {closed}').returncode == 1
    assert shell(f"ganbench list experiments {closed}").returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has it")
def test_output_that_nobody_takes_is_a_sentence() -> None:
    done = shell("ganbench list experiments > /dev/full")
    assert done.returncode == 1
    assert done.stderr == (
        "Error: Cannot write the output (No space left on device): send it to another place.\n"
    )


def test_a_full_pipe_is_waited_for() -> None:
    """Also one that its other end has set not to block."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    filled = 0
    try:
        while True:
            filled += os.write(writing, b"x" * 4096)
    except BlockingIOError:
        pass
    command = [sys.executable, "-m", "bench", "list", "experiments"]
    with subprocess.Popen(command, cwd=TREE, stdout=writing) as child:
        os.close(writing)
        with os.fdopen(reading, "rb") as file:
            content = file.read()
    assert child.returncode == 0
    assert b"quick" in content[filled:]


def test_a_user_without_name_and_home_gets_both(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(uid: int) -> object:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "USER"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    startup._configure_libraries()
    assert Path.home().is_dir()
    assert os.environ["USER"] == f"uid-{os.getuid()}"
