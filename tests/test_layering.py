"""The direction of imports: pages to views to routellm_core, never back."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("routellm_core", "views", "pages")
SOURCES = [ROOT / "app.py", *sorted(p for name in FOLDERS for p in (ROOT / name).rglob("*.py"))]
HEAVY = "{'torch', 'streamlit', 'transformers', 'sentence_transformers'}"
# Which package may import which; a package of the core goes by its name alone. An edge that is not
# here is a decision: write it down, or turn it round. None may lead back up, none in a circle.
MAY_IMPORT = {
    "__main__": "commands embedders errors files store",
    "commands": (
        "embedders errors evaluation explain importing jobs labelling metrics policy release "
        "report routers scoring statistics store text_keys training types wording"
    ),
    "embedders": "errors files jobs text_keys types",
    "errors": "",
    "evaluation": (
        "embedders errors files jobs metrics routers statistics store text_keys training "
        "types wording"
    ),
    "explain": "embedders errors routers statistics store text_keys types wording",
    "files": "errors",
    "importing": "embedders errors files jobs schemas store text_keys types",
    "jobs": "errors files",
    "labelling": "errors files importing jobs schemas store text_keys types wording",
    "metrics": "errors types",
    "policy": (
        "errors files metrics routellm_core routers statistics store text_keys types wording"
    ),
    "release": "embedders errors importing jobs routers schemas store text_keys training types",
    "report": "metrics policy statistics types wording",
    "routers": "embedders errors files jobs statistics store types",
    "runtime": "policy",
    "schemas": "errors",
    "scoring": (
        "embedders errors files importing jobs metrics routers schemas store text_keys types"
    ),
    "statistics": "metrics types",
    "store": "errors jobs metrics schemas text_keys types",
    "text_keys": "errors",
    "training": (
        "embedders errors files jobs metrics routers schemas statistics store text_keys types"
    ),
    "types": "errors",
    "wording": "",
    "views.cache": (
        "embedders errors evaluation explain importing jobs labelling metrics policy routers "
        "statistics store training types"
    ),
    "views.compare": (
        "evaluation metrics statistics store types wording views.cache views.components "
        "views.selection views.state views.text"
    ),
    "views.components": (
        "evaluation files jobs metrics statistics types wording views.state views.text"
    ),
    "views.deploy": (
        "errors metrics policy report statistics types wording views.cache views.components "
        "views.selection views.state views.text"
    ),
    "views.evidence": (
        "evaluation metrics statistics types wording views.cache views.components "
        "views.queries views.selection views.state views.text"
    ),
    "views.explanation": (
        "explain routers text_keys types wording views.cache views.components views.selection "
        "views.state views.text"
    ),
    "views.files": (
        "errors files importing jobs wording views.cache views.components views.selection "
        "views.state views.text"
    ),
    "views.my_data": (
        "errors evaluation jobs labelling metrics policy statistics store training types "
        "wording views.cache views.components views.files views.score views.selection "
        "views.state views.text"
    ),
    "views.queries": (
        "evaluation metrics store types wording views.cache views.components "
        "views.explanation views.selection views.state views.text"
    ),
    "views.score": (
        "embedders errors explain importing jobs labelling metrics scoring text_keys types "
        "wording views.cache views.components views.explanation views.files views.selection "
        "views.state views.text"
    ),
    "views.selection": (
        "errors evaluation metrics policy routers statistics store types wording views.cache "
        "views.components views.state views.text"
    ),
    "views.state": "errors store views.text",
    "views.text": "store types wording",
    "views.tradeoff": (
        "metrics policy statistics types wording views.cache views.components views.selection "
        "views.state views.text"
    ),
    "views.train": (
        "errors evaluation jobs routers training types wording views.cache views.components "
        "views.selection views.state views.text"
    ),
}
FLAT = {"types", "errors", "schemas", "text_keys", "files", "runtime", "__main__", "__init__"}


def imported(path, *, top_level_only=False):
    """Full names of the modules that a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


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


def modules():
    """Path of each module of the core and the views, by its dotted name."""
    of_exports = ROOT / "routellm_core" / "policy" / "export" / "files"  # scripts, never imported
    for path in SOURCES:
        if path.parent != of_exports and layer(path) in {"routellm_core", "views"}:
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts).removesuffix(".__init__"), path


def modules_imported(path, known, **how):
    """Names of the known modules that a file imports, wholly or names of theirs."""
    for name in imported(path, **how):
        above = name.rpartition(".")[0]
        yield from ({name, above} & set(known) if name not in known else {name})


def package_of(name):
    """`metrics` for `routellm_core.metrics.curve`, `views.text` for `views.text.names`."""
    top, *rest = name.split(".")
    return ".".join(([] if top == "routellm_core" else [top]) + rest[:1]) or top


def edges():
    """(package, package it imports, by which module) of the core and the views."""
    known = dict(modules())
    for name, path in known.items():
        for target in modules_imported(path, known):
            a, b = package_of(name), package_of(target)
            if a != b:
                yield a, b, name


def test_every_edge_between_packages_is_written_down():
    allowed = {a: names.split() for a, names in MAY_IMPORT.items()}
    unknown = [f"{a} -> {b} (in {name})" for a, b, name in edges() if b not in allowed.get(a, [])]
    assert unknown == []


def test_no_written_edge_is_out_of_use():
    used = {(a, b) for a, b, _ in edges()}
    written = {(a, b) for a, names in MAY_IMPORT.items() for b in names.split()}
    assert written - used == set()


def test_no_import_runs_back_or_in_a_circle():
    below = {a: names.split() for a, names in MAY_IMPORT.items()}
    list(graphlib.TopologicalSorter(below).static_order())  # raises CycleError


def test_modules_of_a_package_do_not_import_in_a_circle():
    known = dict(modules())
    graph = {
        name: set(modules_imported(path, known, top_level_only=True)) - {name}
        for name, path in known.items()
    }
    list(graphlib.TopologicalSorter(graph).static_order())


def test_only_what_everything_rests_on_lies_flat():
    assert {path.stem for path in (ROOT / "routellm_core").glob("*.py")} <= FLAT


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
    statement = "import views.tradeoff.page, views.train, views.components.charts"
    assert loaded_by(statement, f"{HEAVY} - {{'streamlit'}}") == ""
