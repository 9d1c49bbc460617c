"""Where the control plane is: an SQLite file, or a PostgreSQL database that several processes share."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from sqlalchemy import URL

_FORMS = "postgresql://user:password@host:5432/database"


def file_url(data_dir: Path) -> URL:
    """The control plane that needs nothing else."""
    return URL.create("sqlite+aiosqlite", database=str(data_dir / "control.db"))


def parse_control_url(url: str) -> URL:
    """SQLAlchemy's URL. Raises ValueError with a sentence that leaves out the URL and its password."""
    if "#" in url:
        raise ValueError("a # in the user or password has to be written %23")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(
            f"the port isn't a number, or a character needs percent-encoding: {_FORMS}"
        ) from error
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError(f"the control plane is a URL: {_FORMS}")
    return _postgresql(parts, port)


def place_of(url: URL) -> str:
    """What to call the database in a sentence; without the password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    where = url.query.get("host") or f"{url.host}:{url.port or 5432}"
    return f"PostgreSQL at {where}, database {url.database},"


def _postgresql(parts: SplitResult, port: int | None) -> URL:
    database = unquote(parts.path).strip("/")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not database:
        raise ValueError(f"the database is missing: {_FORMS}")
    if not parts.username:
        raise ValueError(f"the user is missing: {_FORMS}")
    return URL.create(
        "postgresql+asyncpg",
        username=unquote(parts.username),
        password=unquote(parts.password) if parts.password else None,
        host=parts.hostname,
        port=port,
        database=database,
        query=_socket(options, parts.hostname),
    )


def _socket(options: Mapping[str, str], host: str | None) -> Mapping[str, str]:
    if options.keys() - {"host"} or (host and options):
        raise ValueError("the only option of a PostgreSQL URL is ?host=/folder, in place of a host")
    if not host and not options.get("host", "").startswith("/"):
        raise ValueError(f"the host is missing: {_FORMS}")
    return options
