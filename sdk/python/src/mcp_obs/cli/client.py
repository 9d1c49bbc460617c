"""The HTTP API as the verbs use it: answers are JSON, failures are sentences that say what to do."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

import click
import httpx2

DEFAULT_URL = "http://127.0.0.1:4318"
DEFAULT_DATA_DIR = Path("mcp-obs-data")
_TIMEOUT_SECONDS = 30
# Before a long answer begins, a server may have to wait for its engine.
_DOWNLOAD_TIMEOUT_SECONDS = 300


class ApiClient:
    """One server's API with one access token. Every method raises click.ClickException on failure."""

    def __init__(self, http: httpx2.Client) -> None:
        self._http = http

    @classmethod
    @contextmanager
    def connect(cls, url: str, token: str) -> Generator["ApiClient"]:
        """Open connections to the server at `url`."""
        headers = {"Authorization": f"Bearer {token}"}
        try:
            http = httpx2.Client(base_url=url, headers=headers, timeout=_TIMEOUT_SECONDS)
        except (httpx2.InvalidURL, ValueError) as error:
            raise _no_address(url) from error
        with http:
            yield cls(http)

    @property
    def url(self) -> str:
        """Where the server answers."""
        return str(self._http.base_url).rstrip("/")

    def get(self, path: str) -> Any:
        """What is there."""
        return self._request("GET", path, None)

    def post(self, path: str, body: Mapping[str, object] | None = None) -> Any:
        """What was made."""
        return self._request("POST", path, body)

    def put(self, path: str, body: Mapping[str, object]) -> Any:
        """What is there now."""
        return self._request("PUT", path, body)

    def delete(self, path: str) -> Any:
        """What ends; None when that is all there is to say."""
        return self._request("DELETE", path, None)

    @contextmanager
    def download(self, path: str, media_type: str) -> Generator[tuple[int, Iterator[bytes]]]:
        """A file that is made for this call: its size in bytes and its content."""
        with (
            self._failures(),
            self._http.stream("POST", path, timeout=_DOWNLOAD_TIMEOUT_SECONDS) as response,
        ):
            if response.headers.get("content-type") != media_type:
                response.read()
                raise _unexpected(response)
            yield int(response.headers["content-length"]), response.iter_raw()

    def _request(self, method: str, path: str, body: Mapping[str, object] | None) -> Any:
        with self._failures():
            return _read(self._http.request(method, path, json=body))

    @contextmanager
    def _failures(self) -> Generator[None]:
        try:
            yield
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise _no_address(self.url) from error
        except UnicodeEncodeError as error:
            raise click.ClickException("That has bytes that are no text in UTF-8.") from error
        except httpx2.ConnectError as error:
            raise click.ClickException(
                f"Nothing answers at {self.url}: start it with `mcp-obs start`, or give its address with --url."
            ) from error
        except httpx2.HTTPError as error:
            raise click.ClickException(
                f"{self.url} did not answer properly ({type(error).__name__}); try again."
            ) from error


def _no_address(url: str) -> click.ClickException:
    return click.ClickException(f"{url} is no address; --url takes one like {DEFAULT_URL}.")


def read_token(token: str | None, data_dir: Path) -> str:
    """The access token: the one given, else the one that the server keeps in its data folder."""
    file = data_dir / "access-token"
    try:
        found = (token or file.read_text()).strip()
    except OSError as error:
        raise click.ClickException(
            f"There is no access token at {file} ({error.strerror}):"
            " give the server's folder with --data-dir, or set MCP_OBS_TOKEN."
        ) from error
    if not found.isascii():
        raise click.ClickException("This is no access token: it has letters that no token has.")
    return found


def _read(response: httpx2.Response) -> Any:
    if response.status_code == HTTPStatus.NO_CONTENT:
        return None
    answer = _json(response)
    if response.is_success and answer is not None:
        return answer
    raise _unexpected(response)


def _json(response: httpx2.Response) -> object:
    try:
        return response.json()
    except ValueError:
        return None


def _unexpected(response: httpx2.Response) -> click.ClickException:
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        return click.ClickException(
            "The server refuses this access token:"
            " give that server's own folder with --data-dir, or set MCP_OBS_TOKEN."
        )
    answer = _json(response)
    message = cast("dict[str, object]", answer).get("message") if isinstance(answer, dict) else None
    return click.ClickException(
        str(
            message
            or f"{response.url} answered {response.status_code}, which mcp-obs would not: check --url."
        )
    )
