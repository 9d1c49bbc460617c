"""The dashboard's files: what is served, under which headers, and nothing outside the folder."""

from pathlib import Path

import httpx2
import pytest

from mcp_obs_server.dashboard import Dashboard


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<title>mcp-obs</title>")
    (dist / "theme.js").write_text("theme()")
    (dist / "assets" / "app-1a2b.js").write_text("app()")
    (tmp_path / "secret").write_text("not yours")
    return dist


async def ask(folder: Path, path: str, method: str = "GET", accept: str = "*/*") -> httpx2.Response:
    transport = httpx2.ASGITransport(Dashboard(folder))
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, path, headers={"accept": accept})


@pytest.mark.parametrize(
    ("path", "status", "body", "cache"),
    [
        ("/", 200, "<title>mcp-obs</title>", "no-cache"),
        ("/index.html", 200, "<title>mcp-obs</title>", "no-cache"),
        ("/servers/3?range=7d", 200, "<title>mcp-obs</title>", "no-cache"),
        ("/theme.js", 200, "theme()", "no-cache"),
        ("/assets/app-1a2b.js", 200, "app()", "public, max-age=31536000, immutable"),
        ("/assets/app-gone.js", 404, "Nothing here.\n", None),
    ],
)
async def test_files_are_served_and_every_other_address_is_the_one_page(
    folder: Path, path: str, status: int, body: str, cache: str | None
) -> None:
    response = await ask(folder, path, accept="text/html")
    assert (response.status_code, response.text, response.headers.get("cache-control")) == (
        status,
        body,
        cache,
    )


@pytest.mark.parametrize(
    "path",
    [
        "/../secret",
        "/%2e%2e/secret",
        "/assets/../../secret",
        "/servers/../../secret",
        "//etc/passwd",
        "/a%00b",
        "/" + "a" * 300,
    ],
)
async def test_nothing_outside_the_folder_is_served(folder: Path, path: str) -> None:
    response = await ask(folder, path, accept="text/html")
    assert "not yours" not in response.text
    assert "root:" not in response.text
    assert response.status_code in (200, 404)


async def test_every_answer_forbids_what_strangers_may_have_put_into_a_name_to_run(folder: Path) -> None:
    for path in ("/", "/theme.js", "/assets/none.js"):
        policy = (await ask(folder, path)).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy


async def test_other_methods_are_refused(folder: Path) -> None:
    assert (await ask(folder, "/", "POST")).status_code == 405


async def test_an_unbuilt_dashboard_says_how_to_build_it(tmp_path: Path) -> None:
    response = await ask(tmp_path, "/")
    assert (response.status_code, "make web" in response.text) == (503, True)
