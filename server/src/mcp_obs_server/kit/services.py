"""How a route gets the objects that the application built.

The composition root calls `provide(app, accounts, servers, ...)` once; a route asks with
`Annotated[AccountsService, Depends(provided(AccountsService))]`.
"""

from collections.abc import Callable
from typing import TypeVar, cast

from fastapi import FastAPI
from starlette.requests import HTTPConnection

T = TypeVar("T")


def provide(app: FastAPI, *services: object) -> None:
    """Make these objects available to the application's routes, each under its own class."""
    app.state.services = {type(service): service for service in services}


def provided(kind: type[T]) -> Callable[[HTTPConnection], T]:
    """A FastAPI dependency that gives the application's one object of this class."""

    def dependency(connection: HTTPConnection) -> T:
        services = cast("dict[type, object]", connection.app.state.services)
        return cast("T", services[kind])

    return dependency
