"""What can go wrong. Each message is a sentence for the client that called, and says what to do.

AgentError
├── BinaryNotFoundError        there is no agent
├── BinaryBrokenError          it does not run
├── AgentLostError             its process is of no more use
│   ├── AgentCrashedError      it has ended
│   ├── AgentSilentError       it said nothing for too long
│   └── AgentProtocolError     it said what is no message
├── AnswerFailedError          it answered with an error
├── SessionNotFoundError       no such session runs
├── SessionBusyError           it is answering
├── SessionIdleError           it is answering nothing, or has answered nothing yet
├── CheckpointNotFoundError    there is no such checkpoint
└── StoreError                 a file can't be read or written
"""

from mcp.server.mcpserver.exceptions import ToolError


class AgentError(ToolError):
    """Base of them all."""


class BinaryNotFoundError(AgentError):
    """There is no agent."""


class BinaryBrokenError(AgentError):
    """The agent's program does not run."""


class AgentLostError(AgentError):
    """The agent's process is of no more use."""


class AgentCrashedError(AgentLostError):
    """The agent's process has ended."""


class AgentSilentError(AgentLostError):
    """The agent said nothing for too long."""


class AgentProtocolError(AgentLostError):
    """The agent said what is no message."""


class AnswerFailedError(AgentError):
    """The agent answered with an error."""


class SessionNotFoundError(AgentError):
    """No such session runs here."""


class SessionBusyError(AgentError):
    """The session is answering another message."""


class SessionIdleError(AgentError):
    """The session is answering nothing, or has answered nothing yet."""


class CheckpointNotFoundError(AgentError):
    """There is no such checkpoint."""


class StoreError(AgentError):
    """A file can't be read or written."""
