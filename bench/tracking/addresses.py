"""Addresses of tracking stores and of their artifacts: how each is written, read and checked."""

import functools
import re
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit
from urllib.request import url2pathname

from bench import paths, settings
from bench.errors import UserError
from bench.redaction import redact

_SCHEMES = ("http://", "https://", "postgresql", "mysql", "mssql")
_DRIVERS = {"psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient"}
"""Where a module's package is called otherwise."""
_PLAIN = re.compile(r"[\w/.@=,:+ -]*")
"""Paths that are the same in an address, in a file: URI and on disk."""


def tracking_uri() -> str:
    """``MLFLOW_TRACKING_URI`` where it is set, else `of_file` in the store."""
    return settings.get(settings.TRACKING_URI) or of_file(paths.root() / "mlflow" / "mlflow.db")


def of_file(path: Path) -> str:
    """The sqlite:/// address of an absolute path.

    Raises:
        UserError: the installed SQLAlchemy has no way to write this path.
    """
    text = str(path)
    if _PLAIN.fullmatch(text):
        return f"sqlite:///{text}"
    # The slashes too: MLflow creates the folder that a half quoted path would name.
    for written in (f"/{quote(text[1:], safe='', errors='replace')}", text):
        if _read(written) == text:
            return f"sqlite:///{written}"
    raise UserError(
        f"MLflow cannot open a database in a folder of this name: {text!r}. Choose another folder "
        "with --store or GANBENCH_STORE."
    )


def file_of(uri: str) -> Path | None:
    """The file behind a sqlite address; None for a server or another database.

    Raises:
        UserError: it is no address of a tracking store, or what it needs is missing here.
    """
    if uri.startswith("sqlite:///"):
        path, _, query = uri.removeprefix("sqlite:///").partition("?")
        if query and not re.fullmatch(r"\w+=[^&/]*(&\w+=[^&/]*)*", query):
            raise _unreadable()
        return Path(_read(path)).absolute()
    if not uri.startswith(_SCHEMES):
        raise UserError(
            f"'{redact(uri)}' is not a tracking store: give http://HOST:PORT for a server, "
            "sqlite:////FOLDER/FILE.db for a file, or the postgresql:// address of a database."
        )
    _require_plain(uri)
    if not uri.startswith("http"):
        _require_driver(uri.partition(":")[0])
    return None


def artifact_root(uri: str) -> Path | None:
    """The folder of the artifacts: next to a sqlite file, in our store for a database; None for a
    server, which has its own."""
    file = file_of(uri)
    if file is not None:
        return file.parent / "artifacts"
    return None if uri.startswith("http") else paths.root() / "mlflow" / "artifacts"


def location(folder: Path) -> str:
    """A folder as MLflow's location of artifacts: MLflow decodes even a bare path."""
    return str(folder) if _PLAIN.fullmatch(str(folder)) else folder.as_uri()


def folder_of(location: str) -> Path | None:
    """The folder of this machine behind MLflow's location of artifacts; None for any other."""
    parts = urlsplit(location)
    if parts.scheme not in ("", "file") or parts.netloc:
        return None
    path = Path(url2pathname(parts.path if parts.scheme else location))
    return path if path.is_absolute() else None


def _read(written: str) -> str:
    """The path as SQLAlchemy reads it; its versions differ in whether they decode it."""
    if _PLAIN.fullmatch(written):
        return written
    from sqlalchemy.engine import make_url

    return make_url(f"sqlite:///{written}").database or ""


def _require_plain(uri: str) -> None:
    """Refuse what MLflow and its libraries would each take apart in another way."""
    address = uri.partition("?")[0]
    parts = urlsplit(uri)
    server = parts.scheme.startswith("http")
    rest = parts.path + parts.query + parts.fragment if server else address.partition("@")[2]
    if re.search(r"\s", uri) or "@" in rest:
        raise _unreadable()
    try:
        urlsplit(address).port if server else None
    except ValueError:
        raise _unreadable() from None  # the cause would quote a part of it


def _unreadable() -> UserError:
    return UserError(
        "The address of the tracking store cannot be read: in a password, user or file name, write "
        "@ / ? # % and a space as %40 %2F %3F %23 %25 and %20."
    )


@functools.cache
def _require_driver(scheme: str) -> None:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import NoSuchModuleError

    try:
        make_url(f"{scheme}://").get_dialect().import_dbapi()
    except NoSuchModuleError as error:
        raise UserError(
            f"No known database has an address that begins with {scheme}://."
        ) from error
    except ImportError as error:
        package = _DRIVERS.get(error.name or "", error.name)
        raise UserError(
            f"An address that begins with {scheme}:// needs the Python package {package}: install "
            f"it into {sys.prefix} and run the same command again."
        ) from error
