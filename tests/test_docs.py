"""README says what is there."""

import re
from pathlib import Path

import pytest

from routellm_core.importing import IMPORTERS
from routellm_core.routers import ROUTERS

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


CORE = ROOT / "routellm_core"
MODULES = [p.name for p in CORE.glob("*.py") if p.name != "__init__.py"]
PACKAGES = [f"{p.parent.name}/" for p in CORE.glob("*/__init__.py")]


@pytest.mark.parametrize("name", [*ROUTERS, *MODULES, *PACKAGES])
def test_every_router_and_part_of_the_core_is_named(name):
    assert name in README


@pytest.mark.parametrize("name", IMPORTERS)
def test_every_import_format_is_named(name):
    assert f"| `{name}` |" in README


def test_every_make_target_that_readme_names_is_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.M))
    assert named <= targets


def test_every_link_inside_the_project_leads_somewhere():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_every_requirement_is_pinned_and_explained():
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text().splitlines():
            assert re.match(r"#|-r |[\w-]+==[\w.]+ +# \w", line), line
