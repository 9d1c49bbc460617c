from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from mcp_obs_server.store import ClickHouse
from mcp_obs_server.store.location import parse_store_url


def test_a_folder_and_a_server_are_named_by_a_url() -> None:
    assert parse_store_url("chdb:///var/lib/mcp%20obs") == Path("/var/lib/mcp obs")
    assert parse_store_url("clickhouse://db.example") == ClickHouse("db.example", 8123)
    assert parse_store_url(
        "clickhouses://writer:p%40ss@db.example:9440/telemetry?cluster=main"
    ) == ClickHouse("db.example", 9440, True, "writer", SecretStr("p@ss"), "telemetry", "main")
    assert parse_store_url("clickhouses://[::1]/obs?cluster=main-1") == ClickHouse(
        "::1", 8443, True, database="obs", cluster="main-1"
    )


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("postgres://host/db", "the store is a URL: chdb:///folder"),
        ("/var/lib/mcp-obs", "the store is a URL: chdb:///folder"),
        ("", "the store is a URL: chdb:///folder"),
        ("chdb://folder", "absolute folder with three slashes"),
        ("chdb:///", "absolute folder with three slashes"),
        ("clickhouse:///obs", "the host is missing"),
        ("clickhouse://host:http/obs", "the port isn't a number"),
        ("clickhouse://host:99999/obs", "the port isn't a number"),
        ("clickhouse://user:se#cret@host/obs", "written %23"),
        ("clickhouse://host/obs-1", "only letters, digits and _"),
        ("clickhouse://host/a/b", "only letters, digits and _"),
        ("clickhouse://host/obs?shards=3", "the only option"),
        ("clickhouse://host/obs?cluster=", "the cluster's name"),
        ("clickhouse://host/obs?cluster='; DROP", "the cluster's name"),
    ],
)
def test_a_wrong_url_is_told_in_a_sentence_without_it(url: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        parse_store_url(url)
    assert "cret" not in str(caught.value)


@given(st.text(min_size=1), st.text(min_size=1))
def test_any_user_and_password_can_be_written_percent_encoded(user: str, password: str) -> None:
    url = f"clickhouse://{quote(user, safe='', errors='surrogatepass')}"
    location = parse_store_url(f"{url}:{quote(password, safe='', errors='surrogatepass')}@host/obs")
    assert isinstance(location, ClickHouse)
    assert [location.user, location.password.get_secret_value()] == [
        text.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for text in (user, password)
    ]


def test_a_password_is_not_shown_where_a_location_is_printed() -> None:
    assert "s3cret" not in repr(parse_store_url("clickhouse://writer:s3cret@host/obs"))
