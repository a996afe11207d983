"""The explanation on the Queries page without a browser: tiny routers that learned from words."""

import json
import re
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from routellm_core.embedders.sentence import sentence_embedder
from routellm_core.errors import MissingPackageError
from routellm_core.explain import explain
from routellm_core.explain.explanation import Word
from routellm_core.explain.word_spans import word_spans
from routellm_core.routers import load_router, router_class
from routellm_core.routers.sharing import shared
from routellm_core.store import Store
from routellm_core.text_keys import text_hash
from routellm_core.training.labels import golden_battles
from routellm_core.types import RouterEntry
from tests.conftest import PAIR
from tests.invented import WordVectors, add_golden, is_hard
from tests.pages import drawn, opened, read_store
from views.cache.text_caches import forget_texts
from views.explanation import faithfulness
from views.explanation.faithfulness import FAITHFULNESS, Measured
from views.explanation.highlighted import coloured, digits_of, largest_of, struck

ROOT = Path(__file__).resolve().parent.parent
N = 60
HOSTILE = "<b>prove</b> [x](y) $z$ kettles\0 \u202enow"
THRESHOLD = 0.5


@pytest.fixture(scope="module")
def learned(built_store, tmp_path_factory):
    """A store with two benchmarks, and checkpoints of two routers that learned from one."""
    folder = tmp_path_factory.mktemp("learned")
    path = folder / "explorer.duckdb"
    shutil.copy(built_store, path)
    rates = np.where([is_hard(i) for i in range(N)], 0.8, 0.2) + np.arange(N) / 1_000
    with Store(path) as store:
        texts = add_golden(store, "sums", texts=[*_texts("sums")[:-1], HOSTILE])
        add_golden(store, "tides", texts=_texts("tides"))
        battles = golden_battles(store.pair_outcomes("sums", PAIR))
        for name in ("mf", "sw_ranking"):
            kind = router_class(name)
            router = kind.fit(
                PAIR, WordVectors().embed(texts), battles, seed=0, embedder=WordVectors()
            )
            router.remember_queries([text_hash(text) for text in texts])
            router.save(folder / name)
            _add(store, f"own-{name}", name, str(folder / name), rates)
        _add(store, "own-bare", "bert", None, rates)
        _add(store, "own-random", "random", None, rates)
    return folder


def _texts(name):
    verbs = ["prove" if is_hard(i) else "say" for i in range(N)]
    return [f"{verb} {name}{i} of {i % 7} now" for i, verb in enumerate(verbs)]


def _add(store, router_id, name, checkpoint, rates):
    entry = RouterEntry(
        router_id, name, "golden", trained_on="sums", embedder=None, checkpoint=checkpoint
    )
    store.add_router(entry)
    for benchmark, view in (("sums", "in_domain"), ("tides", "untouched")):
        ids = [f"{benchmark}-{i:03}" for i in range(N)]
        table = pd.DataFrame({"query_id": ids, "strong_win_rate": rates})
        store.add_strong_win_rates(benchmark, PAIR, router_id, view, table)


@pytest.fixture
def open_query(learned, monkeypatch, word_vectors):
    """`open_query(router, query)` opens the page with a query explained."""

    def open_query(router="own-mf", query="sums-006", benchmark="sums", **more):
        view = "untouched" if benchmark == "tides" else "in_domain"
        asked = {"router": f"{router}.{view}", "query": query, "benchmark": benchmark}
        asked |= {"mode": "alpha", "wanted": str(THRESHOLD), "why": "1"} | more
        return opened("pages/queries.py", **asked)

    with read_store(learned / "explorer.duckdb", monkeypatch):
        yield open_query


@pytest.fixture
def router_of(learned):
    return lambda name: load_router(learned / name, WordVectors())


def html(at):
    return "\n".join(element.proto.body for element in at.get("html"))


def text_of(html):
    return unescape(re.sub(r"<[^>]+>", "", html))


def said(at):
    """Paragraphs and captions as a person reads them."""
    parts = [element.value for element in [*at.main.markdown, *at.main.caption]]
    return re.sub(r"\\|:primary\[|\*\*\]?", "", "\n".join(parts))


def boxes(at):
    """Texts of the queries as HTML, by their label."""
    found = re.findall(r'class="why-text"[^>]*aria-label="([^"]+)">(.*?)</div>', html(at), re.S)
    return dict(found)


def tables(at):
    """What the tables whose rows open queries were given, by caption."""
    return {
        data["caption"]: data
        for data in drawn(at)
        if "link" in [column["form"] for column in data.get("columns", [])]
    }


def rows(table_html, caption):
    """Cells of a table, row by row."""
    body = re.search(rf"<caption>{caption}</caption>.*?<tbody>(.*?)</tbody>", table_html, re.S)[1]
    return [
        [text_of(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", body, re.S)
    ]


def number(text):
    return float(text.replace("−", "-").removeprefix("= "))


def errors(at):
    return [e.value for e in at.error] + [e.value for e in at.exception]


def test_nothing_is_explained_before_it_is_asked_for_and_the_link_keeps_it(open_query):
    at = open_query(why="")
    assert boxes(at) == {}
    assert errors(at) == []
    at.main.toggle(key="_why").set_value(True).run()
    assert at.query_params["why"] in ("1", ["1"])
    first = boxes(at)
    assert list(first) == ["The query with its words coloured"]
    next(b for b in at.main.button if b.label == "← Previous").click().run()
    assert list(boxes(at)) == list(first)
    assert boxes(at) != first
    at.main.toggle(key="_why").set_value(False).run()
    assert "why" not in at.query_params
    assert boxes(at) == {}
    assert errors(at) == []


def test_both_scores_are_said_and_decisions_are_the_stored_ones(open_query, router_of):
    at = open_query()
    assert errors(at) == []
    own = router_of("mf").strong_win_rate(["say sums6 of 6 now"])[0]
    assert f"Stored, out of fold: 0.206; this checkpoint: {own:.3f}." in said(at)
    assert "so it may have seen the answer" in said(at)
    foreign = open_query(benchmark="tides", query="tides-006")
    assert "Stored, never trained on: 0.206" in said(foreign)
    assert "It was not trained on this benchmark either" in said(foreign)


def test_a_checkpoint_that_decides_otherwise_is_said_to(open_query, router_of):
    own = router_of("mf").strong_win_rate(["say sums6 of 6 now"])[0]
    at = open_query(wanted=str(np.round((own + 0.206) / 2, 4)))
    assert re.search(r"the stored score calls small.●, the checkpoint calls large.■", said(at))
    assert "the checkpoint calls" not in said(open_query(wanted="0.1"))


def test_the_words_stand_in_a_sum_with_base_rest_and_gap(open_query, router_of):
    at = open_query()
    found = explain(router_of("mf"), "say sums6 of 6 now")
    box = boxes(at)["The query with its words coloured"]
    assert text_of(box) == found.query
    kinds = re.findall(r'<span class="(\w+)" style="--share:([\d.]+)" title="([^"]+)">', box)
    assert any(share == "1.00" for _, share, _ in kinds)
    assert all((kind == "strong") == (number(value) > 0) for kind, _, value in kinds)
    shown = re.search(r'<dl class="why-sum">.*?</dl>', html(at))[0]
    parts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", shown))
    assert list(parts) == ["base", "words", "rest", "gap", "win rate"]
    values = [number(value) for value in parts.values()]
    assert sum(values[:4]) == pytest.approx(values[4], abs=3e-4)
    assert values[4] == pytest.approx(found.strong_win_rate, abs=1e-4)
    assert faithfulness.sentence("mf") in said(at)
    assert found.method in said(at)
    of_words = rows(html(at), "Words by size of what they did to the win rate")
    assert (
        of_words[0][0]
        == max(
            zip(found.words, found.query.split(), strict=True), key=lambda x: abs(x[0].attribution)
        )[1]
    )
    assert sum(number(row[1]) for row in of_words) == pytest.approx(values[1], abs=3e-4)


def test_mf_shows_both_ratings_and_its_largest_factors(open_query, router_of):
    at = open_query()
    found = explain(router_of("mf"), "say sums6 of 6 now")
    ratings = rows(html(at), "Ratings of the models for this query, in log-odds")
    assert [row[0] for row in ratings] == ["large ■", "small ●"]
    terms = rows(html(at), "Terms that add up to the log-odds of a strong win")
    assert len(terms) == 9
    assert terms[0][0] == found.terms[0].name
    assert terms[-1][0] == "120 others"
    odds = np.log(found.strong_win_rate / (1 - found.strong_win_rate))
    assert sum(number(row[2]) for row in terms) == pytest.approx(odds, abs=0.005)


def test_sw_ranking_shows_the_battles_that_open_their_queries(open_query, router_of):
    at = open_query("own-sw_ranking")
    assert errors(at) == []
    assert 'why-sum">' not in html(at)
    data = tables(at)["The battles that moved the win rate most"]
    assert len(data["rows"]) == 10
    itself = next(row for row in data["rows"] if row["under"].startswith("this very query"))
    assert itself["id"] is None
    assert itself["text"] == "say sums6 of 6 now"
    ids = [row["id"] for row in data["rows"] if row["id"] is not None]
    assert len(ids) == 9
    assert all(re.fullmatch(r"sums-\d{3}", name) for name in ids)
    assert {row["won_by"] for row in data["rows"]} <= {"large", "tie"}
    assert "10 of 60 battles" in said(at)
    foreign = tables(open_query("own-sw_ranking", "tides-006", "tides"))
    assert all(
        row["id"] is None and row["under"].startswith("sums · ")
        for row in foreign["The battles that moved the win rate most"]["rows"]
    )


def test_similar_queries_and_the_counterfactual_neighbour_have_outcomes(open_query):
    at = open_query()
    similar = tables(at)["Labelled queries that are most like this one"]
    assert [column["title"] for column in similar["columns"]][1:3] == [
        "large\u00a0■",
        "small\u00a0●",
    ]
    assert len(similar["rows"]) == 8
    assert "sums-006" not in [row["id"] for row in similar["rows"]]
    assert all(row["quality_strong"] == "right" for row in similar["rows"])
    (opposite,) = tables(at)["The most similar query that is decided the other way"]["rows"]
    assert is_hard(int(opposite["id"].removeprefix("sums-")))
    assert [opposite["quality_strong"], opposite["quality_weak"]] == ["right", "wrong"]
    assert float(opposite["win_rate"]) >= THRESHOLD
    nowhere = open_query(wanted="0")
    assert "No labelled query of this benchmark goes to small" in said(nowhere)


def test_an_edited_query_is_scored_and_explained_again(open_query, router_of):
    before, after = router_of("mf").strong_win_rate(["say sums6 of 6 now", "prove sums6 of 6 now"])
    at = open_query(wanted=str((before + after) / 2))
    (field,) = at.main.text_area
    assert field.value == "say sums6 of 6 now"
    field.input("prove sums6 of 6 now").run()
    assert errors(at) == []
    assert re.search(
        rf"{after:.3f}, \+{after - before:.3f} to the unedited {before:.3f}, which calls large",
        said(at),
    )
    assert "another decision" in said(at)
    assert text_of(boxes(at)["The edited query with its words coloured"]) == "prove sums6 of 6 now"
    (field,) = at.main.text_area
    field.input(HOSTILE).run()
    assert "<b>" not in boxes(at)["The edited query with its words coloured"]
    at.main.text_area[0].input("").run()
    assert errors(at) == []
    assert at.query_params.keys() & {"what", "edited"} == set()
    next(b for b in at.main.button if b.label == "← Previous").click().run()
    assert at.main.text_area[0].value != ""


def test_the_smallest_deletion_flips_the_checkpoint_and_is_struck_through(open_query, router_of):
    (own,) = router_of("mf").strong_win_rate(["prove sums0 of 0 now"])
    at = open_query(query="sums-000", wanted=str(own - 0.005))
    assert "<del>" not in html(at)
    next(b for b in at.main.button if b.label == "Find the words").click().run()
    assert errors(at) == []
    box = boxes(at)["The query with the deleted words struck through"]
    assert text_of(box) == "prove sums0 of 0 now"
    assert "prove" in re.findall(r"<del>(.*?)</del>", box)
    left = " ".join(re.sub(r"<del>.*?</del>", "", box).split())
    (rate,) = router_of("mf").strong_win_rate([left])
    assert rate < own - 0.005
    assert f"words) the win rate is {rate:.3f}, which calls small" in said(at)
    assert "A smaller deletion may exist." in said(at)
    never = open_query(query="sums-000", wanted="0")
    next(b for b in never.main.button if b.label == "Find the words").click().run()
    assert "None was found" in said(never)


@pytest.mark.parametrize(
    ("router", "reason"),
    [
        ("own-random", "draws its score from a hash"),
        ("own-bare", "weights of this router are not on this machine: of bert (golden)"),
    ],
)
def test_what_stands_in_the_way_is_a_sentence_and_hides_nothing(open_query, router, reason):
    at = open_query(router)
    assert errors(at) == []
    assert reason in re.sub(r"\\", "", at.main.info[0].value)
    assert boxes(at) == {}
    assert "What every router says of the query" in html(at)
    assert any("rows" in json.loads(c.proto.json) for c in at.get("bidi_component"))


def test_a_query_without_its_text_cannot_be_explained(open_query):
    at = open_query("mf-golden", "anatomy-0003", "mmlu", mode="share", wanted="0.3")
    assert errors(at) == []
    assert "the text of this one is not on this machine" in at.main.info[0].value
    assert boxes(at) == {}


def test_a_missing_package_is_said_beside_the_list(open_query, monkeypatch):
    def missing(*_):
        raise MissingPackageError("embedding queries needs torch: pip install -r requirements.txt")

    monkeypatch.setattr("views.cache.models.explanation", missing)
    at = open_query()
    assert len(errors(at)) == 1
    assert "pip install" in errors(at)[0].replace("\\", "")
    assert "What every router says of the query" in html(at)


@pytest.fixture
def nothing_cached():
    """What was read of texts before is not found meanwhile, nor what is read now later."""
    forget_texts()
    yield
    forget_texts()


def test_no_checkpoint_that_names_its_queries_is_said(open_query, monkeypatch, nothing_cached):
    monkeypatch.setattr("views.cache.models.labelled_queries", lambda _: None)
    at = open_query()
    assert errors(at) == []
    assert "No checkpoint on this machine names the queries" in said(at)


def test_a_hostile_query_stays_text_everywhere(open_query):
    at = open_query("own-sw_ranking", f"sums-{N - 1:03}")
    assert errors(at) == []
    box = boxes(at)["The query with its words coloured"]
    assert text_of(box) == HOSTILE.replace("\0", "␀")
    assert not re.search(r"<(?!/?span)", box)
    assert at.main.text_area[0].value == HOSTILE
    of_words = rows(html(at), "Words by size of what they did to the win rate")
    assert "<b>prove</b>" in [row[0] for row in of_words]
    assert not {"\0", "\u202e"} & set("".join(row[0] for row in of_words))


def test_models_are_loaded_once_for_all_who_read_with_them(learned, monkeypatch, word_vectors):
    from views.cache import models

    known = models._models()
    routers = [models.checkpoint(1, str(learned / name)) for name in ("mf", "sw_ranking")]
    assert routers[0].embedder is routers[1].embedder
    assert models.checkpoint(1, str(learned / "mf")) is routers[0]
    stacked = load_router(ROOT / "data/routers/stacked-golden")
    shared(stacked.embedder, known)
    members = stacked.embedder.members
    bert = load_router(ROOT / "data/routers/bert-golden")
    assert shared(bert.embedder, known) is members["bert"].embedder
    other = load_router(ROOT / "data/routers/stacked-golden").embedder
    assert shared(other, known) is other  # its members have weights of their own
    assert other.members["text"].embedder.parts[0].name == sentence_embedder().name
    assert other.members["text"].embedder is members["text"].embedder


# Words as HTML


def words_of(query, values):
    return [Word(*span, v) for span, v in zip(word_spans(query), values, strict=True)]


def test_a_word_is_marked_by_sign_and_size_and_a_faint_one_is_not():
    query = "for against nothing <unread> words"
    found = coloured(query, words_of(query, [0.02, -0.01, 0.0001, np.nan, np.nan]))
    assert '<span class="strong" style="--share:1.00" title="+0.0200">for</span>' in found
    assert '<span class="weak" style="--share:0.50" title="−0.0100">against</span>' in found
    assert '<span title="+0.0001">nothing</span>' in found
    assert '<span class="unread">&lt;unread&gt; words</span>' in found
    assert text_of(found) == query


def test_long_pieces_that_were_not_read_lose_their_middle():
    query = "read " + "other " * 20_000
    found = coloured(query, words_of(query, [1.0, *[np.nan] * 20_000]))
    assert len(found) < 3_000
    assert re.search(r"… 118,\d{3} characters …", found)
    assert len(struck("x" * 100_000, [])) < 2_000


def test_no_word_or_none_that_was_read_is_no_error():
    assert coloured("", []) == ""
    assert coloured("  ", []) == "  "
    assert text_of(coloured("a b", words_of("a b", [np.nan] * 2))) == "a b"
    assert text_of(coloured("a b", words_of("a b", [0.0] * 2))) == "a b"
    assert largest_of([]) == 0.0


def test_deleted_words_are_struck_through_where_they_stood():
    assert struck("a <b> c", [(2, 5)]) == "a <del>&lt;b&gt;</del> c"


@pytest.mark.parametrize(
    ("largest", "digits"), [(0.0, 3), (0.5, 3), (0.02, 4), (0.0022, 5), (1e-4, 6), (1e-9, 7)]
)
def test_the_largest_attribution_has_some_figures(largest, digits):
    assert digits_of(largest) == digits


# Faithfulness


def test_what_was_measured_is_said_with_its_intervals():
    assert "+0.0460 (95% +0.0417 – +0.0501)" in faithfulness.sentence("mf")
    assert faithfulness.sentence("layer_rows").endswith("was not measured.")
    for found in FAITHFULNESS.values():
        assert found.deletion_low <= found.deletion <= found.deletion_high
        assert found.insertion_low <= found.insertion <= found.insertion_high


def test_an_interval_around_zero_is_no_better_than_random(monkeypatch):
    figures = Measured(0.001, -0.001, 0.003, 0.002, 0.001, 0.003)
    monkeypatch.setitem(FAITHFULNESS, "bert", figures)
    assert "no better than in a random one" in faithfulness.sentence("bert")
