"""What every test server offers, whatever its library."""

import os
import socket

import anyio
from opentelemetry import baggage, trace

import mcp_obs

OFFERED = ["add", "greet", "fail", "wait", "traced", "conversation", "resume"]
BEGUN = "KIT_BEGUN"
"""The port to tell that a call has begun."""
waiting: "list[anyio.Event]" = []


def add(a: int, b: int) -> int:
    """Add two numbers; a tool that is not async."""
    return a + b


async def greet(name: str) -> str:
    """Say hello."""
    return f"Hello, {name}"


def fail(reason: str) -> str:
    """Raise."""
    raise OSError(reason)


async def wait() -> str:
    """Tell that the call has begun, and never end."""
    if BEGUN in os.environ:  # whoever waits is in another process, or in another thread
        socket.create_connection(("127.0.0.1", int(os.environ[BEGUN]))).close()
    else:
        waiting[-1].set()
    await anyio.sleep_forever()
    return "never"


def traced() -> str:
    """Tell in which span the tool runs."""
    span = trace.get_current_span().get_span_context()
    return f"{span.trace_id}/{span.span_id}"


def conversation() -> str:
    """Tell which conversation the current baggage names."""
    return str(baggage.get_baggage("gen_ai.conversation.id"))


def resume(session: str) -> str:
    """Say which session the call belongs to."""
    mcp_obs.set_session(session)
    return "Resumed"


def today() -> str:
    """The weather; a resource."""
    return "Sunny"


def ask(topic: str) -> str:
    """A prompt."""
    return f"Tell me about {topic}"
