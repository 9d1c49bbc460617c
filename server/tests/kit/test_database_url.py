import pytest
from inline_snapshot import snapshot

from mcp_obs_server.kit.database_url import parse_control_url, place_of


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://obs:p%40ss@db.example/obs", "postgresql+asyncpg://obs:p%40ss@db.example/obs"),
        ("postgres://obs@[::1]:6432/obs", "postgresql+asyncpg://obs@[::1]:6432/obs"),
        ("postgresql://obs@/obs?host=/run/pg", "postgresql+asyncpg://obs@/obs?host=%2Frun%2Fpg"),
    ],
    ids=["a server", "a port", "a socket"],
)
def test_a_url_names_a_database(url: str, expected: str) -> None:
    assert parse_control_url(url).render_as_string(hide_password=False) == expected


@pytest.mark.parametrize(
    "url",
    [
        "mysql://obs:s3cret@db.example/obs",
        "postgresql://obs:s3cret@db.example:port/obs",
        "postgresql://obs:s3cret#@db.example/obs",
        "postgresql://obs:s3cret@db.example",
        "postgresql://:s3cret@db.example/obs",
        "postgresql://obs:s3cret@/obs",
        "postgresql://obs:s3cret@db.example/obs?host=/run/pg",
        "postgresql://obs:s3cret@db.example/obs?pool=3",
    ],
    ids=["scheme", "port", "hash", "database", "user", "host", "two hosts", "option"],
)
def test_another_url_is_refused_with_what_is_wrong_and_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|port|%23|missing|option") as refused:
        parse_control_url(url)
    assert "s3cret" not in str(refused.value)


def test_a_place_has_no_password() -> None:
    urls = ["postgresql://obs:s3cret@db.example/obs", "postgresql://obs:s3cret@/obs?host=/run/pg"]
    assert [place_of(parse_control_url(url)) for url in urls] == snapshot(
        ["PostgreSQL at db.example:5432, database obs,", "PostgreSQL at /run/pg, database obs,"]
    )
