"""Writes what is generated from semconv.yaml and from the proofs; with --check, names the stale files and exits 1."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from proofs_model import read_all
from proofs_page import page
from semconv_model import Contract, ContractError, load
from semconv_templates import guide, sdk_python, sdk_typescript, server_python

ROOT = Path(__file__).resolve().parent.parent
TARGETS: dict[str, Callable[[Contract], str]] = {
    "sdk/python/src/mcp_obs/semconv.py": sdk_python,
    "sdk/typescript/src/semconv.ts": sdk_typescript,
    "server/src/mcp_obs_server/semconv.py": server_python,
    "docs/guide/semantic-conventions.md": guide,
}
PROOFS_PAGE = "docs/guide/sdk-matrix.md"


def rendered(contract: Contract) -> dict[str, str]:
    """The text of every target; raises ContractError."""
    texts = {name: render(contract) for name, render in TARGETS.items()}
    return texts | {PROOFS_PAGE: page(read_all("python"))}


def stale_files(contract: Contract, root: Path) -> list[str]:
    """The targets under `root` that are missing or differ from what is to be there."""
    return [
        name
        for name, text in rendered(contract).items()
        if not (root / name).is_file() or (root / name).read_text() != text
    ]


def write_files(contract: Contract, root: Path) -> None:
    """Write every stale target under `root`."""
    texts = rendered(contract)
    for name in stale_files(contract, root):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(texts[name])


def main() -> int:
    """Run the command; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    check = parser.parse_args().check
    try:
        contract = load(Path(__file__).with_name("semconv.yaml"))
    except ContractError as error:
        print(error, file=sys.stderr)
        return 1
    if not check:
        write_files(contract, ROOT)
        return 0
    stale = stale_files(contract, ROOT)
    for name in stale:
        print(f"{name} is stale: run 'make contract'", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
