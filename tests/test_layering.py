"""The direction of imports: pages to views to routellm_core, never back."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("routellm_core", "views", "pages")
SOURCES = [ROOT / "app.py", *sorted(p for name in FOLDERS for p in (ROOT / name).rglob("*.py"))]
HEAVY = "{'torch', 'streamlit', 'transformers', 'sentence_transformers'}"
PURE = {"metrics", "baselines", "variants", "calibration", "uncertainty", "slices", "bradley_terry"}


def imported(path, *, top_level_only=False):
    """Full names of the modules that a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def layer(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_downwards(path):
    names = {name.split(".")[0] for name in imported(path)}
    if layer(path) == "routellm_core":
        assert not names & {"streamlit", "views", "pages", "plotly"}
        if path.name != "database.py":
            assert "duckdb" not in names
    if layer(path) == "views":
        assert "pages" not in names
    if layer(path) in {"views", "pages", "app"}:
        assert not names & {"torch", "transformers", "sentence_transformers", "duckdb"}
    if path.stem in PURE and layer(path) == "routellm_core":
        below = {n.split(".")[1] for n in imported(path) if n.startswith("routellm_core.")}
        assert below <= PURE | {"types", "errors"}


def test_pages_are_scripts_without_functions_or_arithmetic():
    for path in (ROOT / "pages").glob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        assert not any(isinstance(n, ast.FunctionDef | ast.BinOp | ast.Lambda) for n in nodes), path


def loaded_by(statement, heavy):
    """Names of heavy modules that a fresh process has loaded after a statement."""
    code = f"import sys; {statement}; print(*({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    "module", ["routellm_core", "routellm_core.store", "routellm_core.routers"]
)
def test_the_core_starts_without_torch_and_streamlit(module):
    assert loaded_by(f"import {module}", HEAVY) == ""


def test_a_page_that_only_reads_never_loads_torch():
    statement = "from views import cached, charts, frame, slices, tradeoff, train"
    assert loaded_by(statement, f"{HEAVY} - {{'streamlit'}}") == ""
