"""Calls with arguments and results, and what is recorded of them."""

import json
import re
from collections.abc import Mapping
from typing import Any

from mcp_obs._message import Message
from mcp_obs._operation import Operation, begin
from mcp_obs._privacy.redactor import Redactor

REDACTOR = Redactor()


async def async_hook(value: object, path: object) -> object:
    """What no hook may be."""
    return value


def about_payloads(picture: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes about payloads, those that are JSON as what it says."""
    return {
        name: json.loads(value) if isinstance(value, str) else value
        for name, value in picture["attributes"].items()
        if re.search("arguments|result|size|shape|redact|truncated", name)
    }


def call(arguments: Mapping[str, Any]) -> Message:
    """A call of the tool `forecast`."""
    return Message("tools/call", {"name": "forecast", "arguments": arguments}, 1, None, None, None)


def begun(message: Message) -> Operation:
    """The operation of a message."""
    operation = begin(lambda: message)
    assert operation is not None
    return operation
