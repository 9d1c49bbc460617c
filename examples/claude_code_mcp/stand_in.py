#!/usr/bin/env python3
"""Plays the part of `claude -p --input-format=stream-json` where there is none: the same flags, the same messages.

It answers a prompt by repeating it, unless the prompt's first word says what goes wrong:

    crash     ends in the middle of the answer
    hang      never says another word, and does not listen
    think     works until it is interrupted
    fail      answers with an error
    mumble    prints what is no message, and answers
    babble    prints what is no message, without end
    shout     writes one line without an end

Sessions are kept in STAND_IN_HOME, or else in a folder for temporary files, so that they can be resumed.
"""

import argparse
import itertools
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

VERSION = "2.0.0 (stand-in for Claude Code)"
HOME = Path(os.environ.get("STAND_IN_HOME") or Path(tempfile.gettempdir()) / "claude-stand-in")
MEBIBYTE = 2**20


class Conversation:
    """The ids of a session's last messages and the prompts before them, on disk."""

    def __init__(self, session_id: str) -> None:
        self._file = HOME / f"{session_id}.json"
        self.prompts = dict[str, str]()

    def go_on_from(self, session_id: str, last: str | None) -> None:
        """Know what another session knew when it said its message `last`."""
        file = HOME / f"{session_id}.json"
        if not file.is_file():
            sys.exit(f"No conversation found with session ID: {session_id}")
        for message_id, prompt in json.loads(file.read_bytes()).items():
            self.prompts[message_id] = prompt
            if message_id == last:
                break

    def add(self, message_id: str, prompt: str) -> None:
        """Remember a prompt."""
        self.prompts[message_id] = prompt
        HOME.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(self.prompts))


class StandIn:
    """One process, one session."""

    def __init__(self, session_id: str, model: str, conversation: Conversation) -> None:
        self._session_id = session_id
        self._model = model
        self._conversation = conversation
        self._numbers = itertools.count(1)
        self._odd: dict[str, Callable[[], None]] = {
            "crash": self._crash,
            "hang": self._hang,
            "think": self._think,
            "fail": self._fail,
            "mumble": self._mumble,
            "babble": self._babble,
            "shout": self._shout,
        }

    def hear(self, line: str) -> None:
        """Take one line of the input; what it does not understand it ignores, as the agent does."""
        message = json.loads(line)
        if message["type"] == "user":
            self._answer(message["message"]["content"])

    def _answer(self, prompt: str) -> None:
        self._say("system", subtype="init", model=self._model, cwd=str(Path.cwd()), tools=[])
        self._speak("Let me see.")
        words = prompt.split()
        odd = self._odd.get(words[0].lower()) if words else None
        if odd is not None:
            odd()
            if odd != self._mumble:
                return
        answer = f"That is prompt {len(self._conversation.prompts) + 1}: {prompt}"
        self._conversation.add(self._speak(answer), prompt)
        self._say("result", subtype="success", is_error=False, result=answer, num_turns=1)

    def _crash(self) -> None:
        sys.exit("Killed: out of memory")

    def _hang(self) -> None:
        while True:
            signal.pause()

    def _think(self) -> None:
        for line in iter(sys.stdin.readline, ""):
            message = json.loads(line)
            if message["type"] == "control_request":
                answer = {"subtype": "success", "request_id": message["request_id"]}
                self._say("control_response", response=answer)
                self._say("result", subtype="error_during_execution", is_error=True)
                return

    def _fail(self) -> None:
        self._say("result", subtype="success", is_error=True, result="API Error: 529 Overloaded")

    def _mumble(self) -> None:
        print("Now using node v24.1.0", flush=True)

    def _babble(self) -> None:
        while True:
            self._mumble()

    def _shout(self) -> None:
        while True:
            sys.stdout.write("A" * MEBIBYTE)

    def _speak(self, text: str) -> str:
        message = {"role": "assistant", "content": [{"type": "text", "text": text}]}
        return self._say("assistant", message=message)

    def _say(self, kind: str, **said: Any) -> str:
        """Write a message; returns its id, which is the same each time that a session goes the same way."""
        message_id = str(uuid5(NAMESPACE_URL, f"{self._session_id}/{next(self._numbers)}"))
        message = {"type": kind, **said, "session_id": self._session_id, "uuid": message_id}
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()
        return message_id


def main() -> None:
    """Run one session."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--version", action="version", version=VERSION)
    parser.add_argument("-p", "--print", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--fork-session", action="store_true")
    for name in ("input-format", "output-format", "model", "session-id", "resume", "resume-session-at"):
        parser.add_argument(f"--{name}")
    options = parser.parse_args()
    conversation = Conversation(options.session_id)
    if options.resume:
        conversation.go_on_from(options.resume, options.resume_session_at)
    agent = StandIn(options.session_id, options.model, conversation)
    for line in iter(sys.stdin.readline, ""):
        agent.hear(line)


if __name__ == "__main__":
    main()
