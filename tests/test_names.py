"""Names and docstrings: a class name means one thing, a docstring begins with what the thing is."""

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = sorted(p for room in ("routellm_core", "views") for p in (ROOT / room).rglob("*.py"))
FRAGMENTS = {"Of", "As", "What", "Whether", "Where", "Who", "How", "Which"}
"""First words that need a sentence before them."""
NOT_YET = (
    "routellm_core/policy/document.py",
    "routellm_core/policy/fields.py",
)
"""Their docstrings stand in the published data/policy.schema.json: they stay."""


def documented(tree):
    """The module and its public classes and functions, with their docstrings."""
    yield 1, ast.get_docstring(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield node.lineno, ast.get_docstring(node)


def test_a_class_name_means_one_thing():
    places = defaultdict(list)
    for path in FILES:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert not twice


def test_public_docstrings_begin_with_what_the_thing_is():
    found = [
        f"{name}:{line}: {text.splitlines()[0]}"
        for path in FILES
        if not (name := path.relative_to(ROOT).as_posix()).startswith(NOT_YET)
        for line, text in documented(ast.parse(path.read_text()))
        if text and text.split()[0] in FRAGMENTS
    ]
    assert not found, "\n".join(found)
