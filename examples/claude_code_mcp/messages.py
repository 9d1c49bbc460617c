"""What is said to the agent and what it says: JSON, a message a line (`stream-json`)."""

import json
from typing import Any

from pydantic import BaseModel, ValidationError


class Block(BaseModel):
    """A part of what the model says; only `text` has a text."""

    type: str
    text: str = ""


class Content(BaseModel):
    """What the model says."""

    content: str | list[Block] = ""


class AgentMessage(BaseModel):
    """A message of the agent; the last one of an answer is its `result`."""

    type: str
    subtype: str = ""
    uuid: str = ""
    message: Content = Content()
    result: str = ""
    is_error: bool = False

    @classmethod
    def of(cls, line: bytes) -> "AgentMessage | None":
        """The message in a line; None where there is none, as what a wrapper of the agent prints."""
        try:
            return cls.model_validate_json(line)
        except ValidationError:
            return None

    @property
    def is_result(self) -> bool:
        """Whether the answer is over."""
        return self.type == "result"

    @property
    def is_ready(self) -> bool:
        """Whether the agent says that it has begun."""
        return (self.type, self.subtype) == ("system", "init")

    @property
    def has_failed(self) -> bool:
        """Whether a result is an error."""
        return self.is_error or self.subtype != "success"

    @property
    def text(self) -> str:
        """What the model says to the user."""
        content = self.message.content
        said = content if isinstance(content, str) else "".join(block.text for block in content)
        return said if self.type == "assistant" else ""


def prompt_line(prompt: str) -> bytes:
    """A prompt."""
    return _line({"type": "user", "message": {"role": "user", "content": prompt}})


def interrupt_line(number: int) -> bytes:
    """Stop answering, please."""
    return _line(
        {
            "type": "control_request",
            "request_id": f"interrupt-{number}",
            "request": {"subtype": "interrupt"},
        }
    )


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"
