"""What a wheel has in it that is built where nothing can be compiled."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent
BUILD = "from setuptools.build_meta import build_wheel; build_wheel('.')"
IMPORT = """
import mcp_obs, mcp_obs_pytest
try:
    import mcp_obs._lean.compiled
except ModuleNotFoundError:
    print(mcp_obs.__file__)
"""


def python(code: str, folder: Path, **environment: str) -> str:
    """What Python prints that runs `code` in `folder`."""
    command, variables = [sys.executable, "-c", code], os.environ | environment
    return subprocess.run(
        command, cwd=folder, env=variables, stdout=subprocess.PIPE, text=True, timeout=60, check=True
    ).stdout


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The folder that a wheel built without a compiler is unpacked in."""
    source = tmp_path / "source"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("tests", "build", "__pycache__"))
    python(BUILD, source, CC="false")
    (wheel,) = source.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    return tmp_path / "installed"


def files(folder: Path) -> set[str]:
    """The files below a folder, by their paths in it."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_wheel_that_is_built_without_a_compiler_has_every_module_and_works(installed: Path):
    sources = {name for name in files(PACKAGE / "src") if name.endswith((".py", ".pyi", "py.typed"))}
    assert {name for name in files(installed) if ".dist-info/" not in name} == sources
    assert python(IMPORT, installed) == f"{installed / 'mcp_obs/__init__.py'}\n"
