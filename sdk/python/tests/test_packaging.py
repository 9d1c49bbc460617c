"""What a source distribution has in it, and a wheel that is built of it where nothing can be compiled."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent
BUILD_SOURCE = "from setuptools.build_meta import build_sdist; build_sdist('.')"
BUILD_WHEEL = "from setuptools.build_meta import build_wheel; build_wheel('.')"
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
def distributed(tmp_path: Path) -> Path:
    """The folder that a source distribution is unpacked in."""
    source = tmp_path / "source"
    shutil.copytree(PACKAGE, source, ignore=shutil.ignore_patterns("tests", "build", "__pycache__", "*.so"))
    python(BUILD_SOURCE, source)
    (distribution,) = source.glob("*.tar.gz")
    with tarfile.open(distribution) as packed:
        packed.extractall(tmp_path, filter="data")
    return tmp_path / distribution.name.removesuffix(".tar.gz")


@pytest.fixture
def installed(distributed: Path, tmp_path: Path) -> Path:
    """The folder that a wheel built of it without a compiler is unpacked in."""
    python(BUILD_WHEEL, distributed, CC="false")
    (wheel,) = distributed.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    return tmp_path / "installed"


def files(folder: Path) -> set[str]:
    """The files below a folder, by their paths in it."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


SOURCES = {name for name in files(PACKAGE / "src") if name.endswith((".py", ".pyi", "py.typed"))}
TO_COMPILE = {name for name in files(PACKAGE / "src") if name.endswith((".pyx", ".pxd"))}


def test_a_source_distribution_has_every_module_and_what_is_compiled(distributed: Path):
    assert {name for name in files(distributed / "src") if ".egg-info/" not in name} == SOURCES | TO_COMPILE


def test_a_wheel_that_is_built_without_a_compiler_has_every_module_and_works(installed: Path):
    assert {name for name in files(installed) if ".dist-info/" not in name} == SOURCES
    assert python(IMPORT, installed) == f"{installed / 'mcp_obs/__init__.py'}\n"
