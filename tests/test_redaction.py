"""No address and no error text that is printed lets a secret out."""

import pytest

from bench.redaction import reason, redact

SECRETS = ("secret", "s@cret", "se/cret", "se:cret", "se#cret?", "s%40cret%2F", "a secret", "s'e\"")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "scheme", ["http", "https", "postgresql", "postgresql+psycopg2", "mysql+pymysql", "mssql"]
)
def test_an_address_loses_its_user_part(scheme: str, secret: str) -> None:
    uri = f"{scheme}://user:{secret}@host:5432/db"
    assert redact(uri) == f"{scheme}://host:5432/db"
    assert redact(f"{scheme}://token@host/db") == f"{scheme}://host/db"
    assert redact(f"cannot reach {uri} now", uri) == f"cannot reach {scheme}://host:5432/db now"


@pytest.mark.parametrize(
    "query", ["password=secret", "sslpassword=secret&x=1", "x=1&sig=secret", "user=secret&a=b"]
)
def test_an_address_loses_its_query(query: str) -> None:
    assert redact(f"postgresql://host/db?{query}") == "postgresql://host/db"
    assert redact(f"at https://host/a?{query} or 'b'") == "at https://host/a or 'b'"
    odbc = f"mssql+pyodbc:///?odbc_connect=PWD%3Dsecret&{query}"
    assert redact(odbc) == "mssql+pyodbc:///"


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:5000/", "sqlite:////a/quick@budget=64000/mlflow.db", "postgresql://host/db"],
)
def test_an_address_without_secrets_stays(address: str) -> None:
    assert redact(address) == address
    assert redact(f"'{address}' is not there.") == f"'{address}' is not there."


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_alone_is_removed_from_an_error(
    secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"postgresql://user:{secret}@host/db"
    text = f"could not log in with '{secret}'\n after 3 tries"
    assert reason(ValueError(text), address) == "could not log in with '***' after 3 tries"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert reason(ValueError(text)) == "could not log in with '***' after 3 tries"


def test_a_decoded_secret_is_removed_from_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "http://user:s%40c%2Fret@host"
    assert redact("wrong: s@c/ret", address) == "wrong: ***"
    assert redact("wrong: s%40c%2Fret", address) == "wrong: ***"
    for name in ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"):
        monkeypatch.setenv(name, f"{name} t@ken")
        assert redact(f"wrong: {name} t@ken.") == "wrong: ***."


def test_a_named_secret_is_removed_from_any_text() -> None:
    dsn = "host=h user=me password=secret sslpassword='secret' PWD=secret; sig=secret"
    assert "secret" not in redact(dsn)
    assert "host=h" in redact(dsn)


def test_the_beginning_of_a_cut_address_lets_nothing_out() -> None:
    """The text is cut after the secret was removed, never within it."""
    error = ValueError("x" * 280 + " http://user:secretsecretsecret@host/")
    assert reason(error) == "x" * 280 + " http://host/"
    assert reason(ValueError()) == "ValueError"
