from collections.abc import Iterator

import httpx2
from fastapi import FastAPI
from inline_snapshot import snapshot

from mcp_obs_server.kit import errors
from mcp_obs_server.kit.errors import ServerError
from mcp_obs_server.kit.http_errors import install_error_handlers


def leaves(kind: type[ServerError]) -> Iterator[type[ServerError]]:
    for each in kind.__subclasses__():
        yield each
        yield from leaves(each)


def failing_app(error: Exception) -> FastAPI:
    app = FastAPI()
    install_error_handlers(app)

    async def fail(count: int = 0) -> None:
        raise error

    app.add_api_route("/fail", fail)
    return app


async def ask(app: FastAPI, path: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path)


async def test_every_kind_of_error_has_its_own_code_and_a_status() -> None:
    answers = {}
    for kind in leaves(ServerError):
        if kind.__module__ == errors.__name__:
            response = await ask(failing_app(kind("Do this.")), "/fail")
            assert response.json() == {"code": kind.code, "message": "Do this."}
            answers[kind.code] = response.status_code
    assert answers == snapshot(
        {
            "invalid": 422,
            "unauthenticated": 401,
            "forbidden": 403,
            "cross_origin": 403,
            "not_found": 404,
            "conflict": 409,
        }
    )


async def test_the_framework_s_own_refusals_have_the_same_shape() -> None:
    app = failing_app(ValueError())
    assert [(await ask(app, path)).json() for path in ("/fail?count=x", "/nowhere")] == snapshot(
        [
            {
                "code": "invalid",
                "message": "Correct the request: query.count: Input should be a valid integer,"
                " unable to parse string as an integer.",
            },
            {"code": "not_found", "message": "Not Found: GET /nowhere"},
        ]
    )


async def test_a_bug_tells_the_client_nothing_about_the_inside() -> None:
    response = await ask(failing_app(ValueError("a secret")), "/fail")
    assert (response.status_code, response.json()) == snapshot(
        (500, {"code": "internal", "message": "The server failed to answer; its log has the reason."})
    )


def test_names_of_the_tree_are_the_exported_ones() -> None:
    here = [kind.__name__ for kind in leaves(ServerError) if kind.__module__ == errors.__name__]
    assert sorted([*here, "ServerError"]) == errors.__all__


def test_the_drawing_shows_every_error() -> None:
    drawing = errors.__doc__ or ""
    assert [name for name in errors.__all__ if name not in drawing] == []
