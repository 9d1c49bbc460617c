"""What the routes about mcp-obs itself answer."""

from typing import Literal

from pydantic import BaseModel, Field


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class ReadinessOut(BaseModel):
    """Whether requests and exports can be served, check by check."""

    status: Literal["ready", "not_ready"]
    checks: dict[str, Literal["ok", "failed"]] = Field(examples=[{"engine": "ok", "spool": "ok"}])
    advice: list[str] = Field(description="What to do about each failed check; the log has the reasons")
