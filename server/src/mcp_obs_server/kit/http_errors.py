"""Errors at the HTTP edge: the one place where a kind of failure becomes a status."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ExceptionHandler

from mcp_obs_server.kit.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ServerError,
    UnauthenticatedError,
)

__all__ = ["ERROR_RESPONSES", "ErrorBody", "error_response", "install_error_handlers"]

_STATUS: dict[type[ServerError], HTTPStatus] = {
    InvalidError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    NotFoundError: HTTPStatus.NOT_FOUND,
    ConflictError: HTTPStatus.CONFLICT,
}


class ErrorBody(BaseModel):
    """What every failed request under /api answers."""

    code: str = Field(description="Stable, for programs", examples=["not_found"])
    message: str = Field(description="One sentence that says what to do")


ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "The request was refused"}
}
"""For a router's `responses=`; without it FastAPI documents its own shape of validation errors."""


def error_response(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    """The answer `{"code", "message"}` under this status."""
    return JSONResponse(ErrorBody(code=code, message=message).model_dump(), status, headers)


def install_error_handlers(app: FastAPI) -> None:
    """Give every failure of this application the one shape, the framework's own included."""
    handlers: dict[type[Exception], ExceptionHandler] = {
        ServerError: _on_server_error,
        RequestValidationError: _on_validation_error,
        HTTPException: _on_http_exception,
        Exception: _on_bug,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def _status_of(error: ServerError) -> HTTPStatus:
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def _on_server_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ServerError)
    status = _status_of(error)
    # RFC 9110 wants a challenge with every 401.
    headers = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else None
    return error_response(status, error.code, str(error), headers)


def _on_validation_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    message = f"Correct the request: {'; '.join(problems)}."
    return error_response(HTTPStatus.UNPROCESSABLE_ENTITY, InvalidError.code, message)


def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    message = f"{status.phrase}: {request.method} {request.url.path}"
    headers = dict(error.headers) if error.headers else None
    return error_response(status, status.name.lower(), message, headers)


def _on_bug(_: Request, __: Exception) -> Response:
    message = "The server failed to answer; its log has the reason."
    return error_response(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", message)
