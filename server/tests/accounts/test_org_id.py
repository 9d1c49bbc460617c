"""An OrgId is proof of a checked credential, so only `accounts` may make one."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mcp_obs_server

PACKAGE = Path(mcp_obs_server.__file__).parent


def mints(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls that make an OrgId: `OrgId(...)` and `cast(OrgId, ...)`, under any qualified name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            words = [ast.unparse(node.func), *(ast.unparse(argument).strip("'\"") for argument in node.args)]
            name, first = words[0].rpartition(".")[2], words[1].rpartition(".")[2] if words[1:] else ""
            if name == "OrgId" or (name == "cast" and first == "OrgId"):
                yield node


def test_nobody_but_accounts_makes_an_org_id() -> None:
    guilty = [
        f"{file.relative_to(PACKAGE)}:{call.lineno}"
        for file in PACKAGE.rglob("*.py")
        if file.relative_to(PACKAGE).parts[0] != "accounts"
        for call in mints(ast.parse(file.read_text()))
    ]
    assert guilty == []


@pytest.mark.parametrize(
    "source", ["OrgId(1)", "principal.OrgId(1)", "cast(OrgId, 1)", "typing.cast('OrgId', 1)"]
)
def test_the_check_sees_every_way_to_make_one(source: str) -> None:
    assert len(list(mints(ast.parse(source)))) == 1
