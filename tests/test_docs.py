"""README and docs/ say what is there, and their tables are what the shipped store gives."""

import re
from pathlib import Path

import pytest

from benchmarks import results
from routellm_core.__main__ import _parser
from routellm_core.importing import IMPORTERS
from routellm_core.routers import ROUTERS

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in [
        *(ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "findings" / "README.md"),
        *DOCS,
    ]
}
README = PAGES["README.md"]
FORMATS = PAGES["docs/formats.md"]
PACKAGES = [
    f"{path.parent.name}/"
    for folder in ("routellm_core", "views")
    for path in (ROOT / folder).glob("*/__init__.py")
]
VERBS = list(_parser()._subparsers._group_actions[0].choices)


def test_readme_is_read_in_a_minute():
    assert len(README.encode()) <= 8_000


@pytest.mark.parametrize("name", [*ROUTERS, *PACKAGES])
def test_every_router_and_package_is_named(name):
    assert name in README


@pytest.mark.parametrize("name", IMPORTERS)
def test_every_import_format_is_named(name):
    assert f"| `{name}` |" in FORMATS


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_of_the_command_line_is_named(verb):
    assert f"`{verb}`" in PAGES["docs/command-line.md"]


def test_every_verb_that_a_command_in_the_docs_uses_is_there():
    used = re.findall(
        r"^(?:python -m routellm_core|routellm-explorer) (\w+)", "\n".join(PAGES.values()), re.M
    )
    assert used
    assert set(used) <= set(VERBS)


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_that_is_named_is_there(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", PAGES[page], re.M)) <= targets


def anchors(page):
    """Anchors of a page's headings, as GitHub makes them."""
    for heading in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_inside_the_project_leads_somewhere(page):
    here = ROOT / page
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", PAGES[page]):
        target, _, anchor = link.partition("#")
        led_to = here.parent / target if target else here
        assert led_to.exists(), link
        assert not anchor or anchor in anchors(led_to), link


@pytest.mark.parametrize("page", DOCS, ids=lambda path: path.name)
def test_every_page_of_the_docs_is_linked(page):
    linked = {
        (ROOT / name).parent.joinpath(link).resolve()
        for name, text in PAGES.items()
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", text)
    }
    assert page in linked


def test_every_requirement_is_pinned_and_explained():
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-ray.txt"):
        for line in (ROOT / name).read_text().splitlines():
            assert re.match(r"#|-r |[\w-]+(\[\w+\])?==[\w.]+ +# \w", line), line


@pytest.fixture
def shipped(built_store, monkeypatch):
    monkeypatch.setenv("ROUTELLM_STORE", str(built_store))
    results._printed.cache_clear()
    yield
    results._printed.cache_clear()


def test_figures_of_mt_bench_are_those_of_the_shipped_store(shipped):
    for cells in results.of_benchmark("mt_bench"):
        assert results._row(*cells).removeprefix("| ") in PAGES["docs/results.md"]


@pytest.mark.parametrize("name", results.FILES)
def test_every_file_with_tables_names_them(name):
    assert {name for _, name, *_ in results._BLOCK.findall(PAGES[name])}


@pytest.mark.slow
@pytest.mark.parametrize("name", results.FILES)
def test_tables_are_what_the_shipped_store_gives(name, shipped):
    assert results.filled(PAGES[name]) == PAGES[name]


def test_every_finding_is_listed():
    for path in (ROOT / "findings").glob("*.sh"):
        assert f"]({path.name})" in PAGES["findings/README.md"]
