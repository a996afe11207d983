"""Explanations: sums that are complete, influences that refits confirm, words that are words."""

import json
import re

import numpy as np
import pytest

from benchmarks.faithfulness_areas import Areas, areas, order_of, probes, summary
from benchmarks.shuffled_router import shuffled
from routellm_core import __main__ as command
from routellm_core.commands import train
from routellm_core.embedders.bert_tokens import TokenStates
from routellm_core.embedders.sentence import JoinedEmbedder, SentenceEmbedder
from routellm_core.embedders.text_features import TextStatistics
from routellm_core.errors import DataError, NotTrainedError, UnknownNameError
from routellm_core.explain import EXPLAINED, explain, report
from routellm_core.explain.counterfactual import smallest_deletion
from routellm_core.explain.explanation import Explanation, Word
from routellm_core.explain.neighbours import nearest, nearest_counterfactual, similar
from routellm_core.explain.sw_ranking import _by_embedding, influence
from routellm_core.explain.word_spans import merged, total, without, word_spans
from routellm_core.routers import ROUTERS, load_router, router_class
from routellm_core.routers.configs import BertConfig
from routellm_core.routers.remembered_queries import labelled_queries
from routellm_core.routers.stacked import MemberScores
from routellm_core.statistics.bradley_terry import fit_ratings, sum_by_cell
from routellm_core.store import Store
from routellm_core.store.places import DATA_DIR
from routellm_core.text_keys import text_hash
from routellm_core.training.labels import battles_of
from routellm_core.types import Battles, ModelPair
from tests.conftest import PAIR
from tests.invented import WordVectors, add_golden, golden_texts, is_hard

QUERY = "prove kettles sums7 now"
HOSTILE = [
    *("", "   ", "word", "é 漢字 🙂 \x00", "x " * 50_000, "\u202e back", "\ud800"),
    "<b>prove</b> $x$ | [a](b) {y}",
]


class Words(WordVectors):
    """Vectors of words, and the same as four parts of one vector or as a sentence's."""

    def __init__(self, times=1):
        super().__init__()
        self.times = times

    def embed(self, queries):
        clean = [query.encode("utf-8", "replace").decode() for query in queries]
        return np.tile(super().embed(clean), (1, self.times))

    def token_shares(self, query):
        rows, spans = super().token_shares(query.encode("utf-8", "replace").decode())
        return np.tile(rows, (1, self.times)), spans


class States(Words):
    """As of a causal model: the state before the verdict comes last and belongs to no word."""

    def __init__(self):
        super().__init__(times=4)

    def token_shares(self, query):
        rows, spans = super().token_shares(query)
        width = rows.shape[1] // 4
        last = np.zeros((1, rows.shape[1]), dtype=np.float32)
        last[0, :width] = rows[:, :width].sum(axis=0)
        rows[:, :width] = 0
        return np.concatenate([rows, last]), [*spans, (0, 0)]


TEXTS = golden_texts("sums")
HARD = np.array([is_hard(i) for i in range(len(TEXTS))])


def learned(router_name):
    """A router that learned to send queries with "prove" to the strong model."""
    if router_name == "stacked":
        members = {name: learned(name) for name in ("mf", "sw_ranking", "causal_llm")}
        scores = MemberScores(members)
        kind = router_class("stacked")
        return kind.fit(PAIR, scores.embed(TEXTS), battles(), seed=0, embedder=scores)
    embedder = {
        "bert": lambda: TokenStates(n_layers=5),
        "causal_llm": States,
        "layer_rows": States,
        "layer_network": States,
        "text": lambda: JoinedEmbedder([Words(), TextStatistics()]),
    }.get(router_name, Words)()
    router = router_class(router_name).fit(
        PAIR,
        embedder.embed(TEXTS),
        battles(),
        seed=0,
        embedder=embedder,
        config=BertConfig(n_epochs=10, patience=99) if router_name == "bert" else None,
    )
    router.remember_queries([text_hash(text) for text in TEXTS])
    return router


def battles():
    n = len(TEXTS)
    return Battles(
        tuple(PAIR), np.arange(n), np.zeros(n, int), np.ones(n, int), np.where(HARD, 0.0, 0.5)
    )


@pytest.fixture(scope="module")
def routers():
    return {name: learned(name) for name in EXPLAINED}


@pytest.mark.parametrize("router_name", EXPLAINED)
class TestEveryExplanation:
    def test_is_of_the_win_rate_that_the_router_gives(self, router_name, routers):
        router = routers[router_name]
        found = explain(router, QUERY)
        assert found.strong_win_rate == pytest.approx(router.strong_win_rate([QUERY])[0], abs=1e-4)
        assert [QUERY[word.start : word.end] for word in found.words] == QUERY.split()
        assert found.method.endswith(".")

    def test_adds_up_where_it_promises_to(self, router_name, routers):
        found = explain(routers[router_name], QUERY)
        if router_name == "sw_ranking":
            assert np.isnan([found.base, found.rest, found.gap]).all()
            return
        parts = found.base + found.rest + found.gap + total(found.words)
        assert parts == pytest.approx(found.strong_win_rate, abs=1e-9)
        assert abs(found.gap) < (2e-3 if router_name == "bert" else 1e-6)

    def test_names_the_word_that_decides(self, router_name, routers):
        found = explain(routers[router_name], QUERY)
        best = max(found.words, key=lambda word: word.attribution)
        assert QUERY[best.start : best.end] == "prove"

    def test_bears_whatever_a_query_holds(self, router_name, routers):
        for query in HOSTILE:
            found = explain(routers[router_name], query)
            assert np.isfinite(found.strong_win_rate)
            assert len(found.words) == len(word_spans(query))

    def test_is_another_one_when_the_weights_are_shuffled(self, router_name, routers):
        found = explain(routers[router_name], TEXTS[0])
        router = shuffled(routers[router_name])
        router.embedder = _as_before(router.embedder, routers[router_name].embedder)
        other = explain(router, TEXTS[0])
        one, two = (np.array([word.attribution for word in e.words]) for e in (found, other))
        assert not np.allclose(one, two, atol=0.05 * np.abs(one).max())


def _as_before(embedder, before):
    """What a reloaded router reads with, in place of the models that a checkpoint names."""
    if isinstance(before, MemberScores):
        for name, member in embedder.members.items():
            member.embedder = before.members[name].embedder
        return embedder
    return before


def test_every_router_is_explained_but_the_random_one():
    assert set(ROUTERS) - set(EXPLAINED) == {"random"}
    with pytest.raises(UnknownNameError, match="random has no reasons to show"):
        explain(router_class("random")(PAIR), QUERY)


# Words


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", []),
        ("  one,  two\n", ["one,", "two"]),
        ("漢字 と abc漢", ["漢", "字", "と", "abc", "漢"]),
        ("🙂🙂 naïve", ["🙂🙂", "naïve"]),
    ],
)
def test_a_word_is_what_stands_between_blanks_or_a_character_of_its_own(query, expected):
    assert [query[start:end] for start, end in word_spans(query)] == expected


def test_parts_of_words_are_summed_and_special_tokens_are_the_rest():
    query = "undo it  now"
    offsets = [(0, 0), (0, 2), (2, 4), (4, 7), (7, 8), (0, 0)]
    words, rest = merged(query, offsets, np.array([1.0, 0.1, 0.2, 0.4, 0.8, 2.0]))
    assert [(query[w.start : w.end], w.attribution) for w in words[:2]] == [
        ("undo", pytest.approx(0.3)),
        ("it", pytest.approx(0.4)),
    ]
    assert np.isnan(words[2].attribution)  # "now" was not read
    assert rest == pytest.approx(3.8)
    assert total(words) == pytest.approx(0.7)


def test_what_is_left_without_some_words_reads_as_a_text():
    query = "say it\nslowly, please"
    spans = word_spans(query)
    assert without(query, [spans[1]]) == "say \nslowly, please"
    assert without(query, [spans[0], spans[3]]) == "it\nslowly,"
    assert without(query, []) == query
    assert without(query, spans) == ""


def test_the_tokens_of_a_sentence_sum_to_its_embedding():
    embedder = SentenceEmbedder()
    for query in ("  Why do kettles whistle? ", "word", "", "漢字 🙂 " * 300):
        shares, places = embedder.token_shares(query)
        assert len(shares) == len(places)
        np.testing.assert_allclose(shares.sum(axis=0), embedder.embed([query])[0], atol=1e-3)
        assert all(query[start:end].strip() for start, end in places if end > start)


def test_the_places_of_a_bert_encoders_tokens_are_those_it_read():
    states = TokenStates(n_layers=1)
    query = "ab " * 400 + "end"
    tokens, places = states.tokens(query)
    assert len(tokens) == len(places) == len(states.embed([query])[0])
    assert query[slice(*places[-2])] == "end"
    found = explain(learned("bert"), query)
    assert np.isnan(found.words[0].attribution)
    assert np.isfinite(found.words[-1].attribution)


# Routers of their own kind


def test_factors_of_mf_add_up_to_the_log_odds(routers):
    found = explain(routers["mf"], QUERY)
    log_odds = np.log(found.strong_win_rate / (1 - found.strong_win_rate))
    assert sum(term.contribution for term in found.terms) == pytest.approx(log_odds, abs=1e-5)
    strong, weak = (dict(found.ratings)[name] for name in (PAIR.strong, PAIR.weak))
    assert strong - weak == pytest.approx(log_odds, abs=1e-5)
    sizes = [abs(term.contribution) for term in found.terms]
    assert sizes == sorted(sizes, reverse=True)


def test_members_of_stacked_add_up_to_the_log_odds(routers):
    router = routers["stacked"]
    found = explain(router, QUERY)
    intercept, slope = router.curve
    log_odds = np.log(found.strong_win_rate / (1 - found.strong_win_rate))
    at_middle = intercept + slope / 2
    given = sum(term.contribution for term in found.terms)
    assert at_middle + given == pytest.approx(log_odds, abs=1e-6)
    assert {term.name for term in found.terms} == set(router.embedder.members)


def test_chances_of_labels_give_the_win_rate(routers):
    for name in ("bert", "causal_llm"):
        found = explain(routers[name], QUERY)
        chance = dict(found.labels)
        assert sum(chance.values()) == pytest.approx(1, abs=1e-5)
        rate = chance["strong wins"] + (1 - chance["strong wins"] - chance["weak wins"]) / 2
        assert rate == pytest.approx(found.strong_win_rate, abs=1e-5)


def many_battles(rng, n=80):
    """Battles of four models on 40 embedded queries."""
    embeddings = rng.normal(size=(40, 6)).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    model_a = rng.integers(0, 4, n)
    model_b = (model_a + rng.integers(1, 4, n)) % 4
    models = ("w", "x", "y", "z")
    won = rng.choice([0.0, 0.5, 1.0], n)
    return embeddings, Battles(models, rng.integers(0, 40, n), model_a, model_b, won)


def test_the_influence_of_a_battle_is_what_refits_without_it_show(rng):
    embeddings, all_battles = many_battles(rng)
    pair = ModelPair(weak="x", strong="z")
    kind = router_class("sw_ranking")
    router = kind.fit(pair, embeddings, all_battles, seed=0)
    asked = embeddings[:3].mean(axis=0)
    asked /= np.linalg.norm(asked)
    found = influence(router, asked)
    assert found.win_rate == pytest.approx(router.strong_win_rate_of(asked[None])[0], abs=1e-6)
    weight = found.weight.copy()
    exact, first_order = [], found.weight * found.of_weight
    for j in range(len(weight)):
        less = weight.copy()
        less[j] *= 1 - 1e-3
        rating = fit_ratings(router.cells, sum_by_cell(router.cells, less[None]), 4)[0]
        rate = 1 / (1 + np.exp(rating[1] - rating[3]))
        exact.append((found.win_rate - rate) / 1e-3)
    np.testing.assert_allclose(first_order, exact, atol=1e-5)
    # Leaving the battle out for good moves the win rate the same way, and by about as much.
    gone = []
    for j in range(len(weight)):
        left = np.delete(weight, j)
        kept = router.cells._replace(cell_of_battle=np.delete(router.cells.cell_of_battle, j))
        cells = np.zeros((1, len(router.cells.win_a)))
        np.add.at(cells[0], kept.cell_of_battle, left)
        rating = fit_ratings(router.cells, cells, 4)[0]
        gone.append(found.win_rate - 1 / (1 + np.exp(rating[1] - rating[3])))
    assert np.corrcoef(first_order, gone)[0, 1] > 0.98


def test_the_slope_over_an_embedding_is_that_of_the_win_rate(rng):
    embeddings, all_battles = many_battles(rng)
    pair = ModelPair(weak="x", strong="z")
    router = router_class("sw_ranking").fit(pair, embeddings, all_battles, seed=0)
    router.embeddings = router.embeddings.astype(np.float64)
    asked = rng.normal(size=6)
    slope = _by_embedding(router, asked, influence(router, asked))
    step = 1e-5
    expected = [
        (
            influence(router, asked + step * u).win_rate
            - influence(router, asked - step * u).win_rate
        )
        / (2 * step)
        for u in np.eye(6)
    ]
    np.testing.assert_allclose(slope, expected, atol=1e-6)
    assert slope @ asked == pytest.approx(0, abs=1e-9)  # only the direction matters


def test_battles_are_named_by_their_query_also_after_a_reload(routers, tmp_path):
    router = routers["sw_ranking"]
    router.save(tmp_path)
    again = load_router(tmp_path, Words())
    found = explain(again, QUERY)
    assert found.n_evidence == len(TEXTS)
    assert found.evidence[0].text_hash in {text_hash(text) for text in TEXTS}
    sizes = [abs(one.influence) for one in found.evidence]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(one.weight_share for one in found.evidence) <= 1
    again.text_hashes = None
    assert explain(again, QUERY).evidence[0].text_hash is None
    with pytest.raises(DataError, match="does not name its queries"):
        labelled_queries(again)


def test_a_query_that_lost_its_battles_leaves_the_others_their_names():
    seen = np.arange(len(TEXTS)) != 3
    some = battles()
    router = router_class("sw_ranking").fit(
        PAIR, Words().embed(TEXTS), some.at(seen), seed=0, embedder=Words()
    )
    router.remember_queries([text_hash(text) for text in TEXTS])
    known = labelled_queries(router)
    assert text_hash(TEXTS[3]) not in known.text_hash
    found = nearest(known, Words().embed([TEXTS[5]])[0], 1)[0]
    assert found.text_hash == text_hash(TEXTS[5])
    assert found.cosine == pytest.approx(1, abs=1e-5)
    assert len(battles_of(some, seen).win_a) == len(known.text_hash)


# Counterfactuals and faithfulness


def scored(query, weights):
    """An explanation of a win rate that is a sum over words."""
    spans = word_spans(query)
    words = tuple(Word(*span, weights.get(query[slice(*span)], 0.0)) for span in spans)
    rate = sum_of([query], weights)[0]
    return Explanation("sum", query, float(rate), "Exact.", words, 0.4, 0.0, 0.0)


def sum_of(queries, weights):
    return np.array([0.4 + sum(weights.get(w, 0.0) for w in q.split()) for q in queries])


def test_the_fewest_words_that_flip_are_found_and_no_more():
    weights = {"prove": 0.2, "hard": 0.1, "now": 0.02, "please": -0.05}
    query = "please prove the hard case now"
    found = scored(query, weights)  # 0.67
    one = smallest_deletion(lambda q: sum_of(q, weights), found, 0.5)
    assert [query[start:end] for start, end in one.words] == ["prove"]
    assert one.query == "please the hard case now"
    assert one.strong_win_rate == pytest.approx(0.47)
    assert one.n_scored > 1
    two = smallest_deletion(lambda q: sum_of(q, weights), found, 0.42)
    assert [query[start:end] for start, end in two.words] == ["prove", "hard"]


def test_a_decision_for_the_weak_model_is_flipped_by_what_speaks_for_it():
    weights = {"please": -0.2, "now": -0.05}
    query = "please say it now"
    one = smallest_deletion(lambda q: sum_of(q, weights), scored(query, weights), 0.3)
    assert [query[start:end] for start, end in one.words] == ["please"]


def test_a_long_query_is_searched_with_few_readings_and_only_what_speaks_for_it_goes():
    names = [f"for{i}" for i in range(150)] + [f"against{i}" for i in range(150)]
    weights = {name: 0.002 if name.startswith("for") else -0.001 for name in names}
    query = " ".join(names)  # 0.4 + 0.3 - 0.15
    found = smallest_deletion(lambda q: sum_of(q, weights), scored(query, weights), 0.45)
    gone = [query[start:end] for start, end in found.words]
    assert all(name.startswith("for") for name in gone)
    assert len(gone) in (50, 51)  # each takes 0.002 of what is 0.1 too much
    assert found.n_scored <= 151
    lowest = 0.4 - 0.15  # without all that speaks for it
    assert smallest_deletion(
        lambda q: sum_of(q, weights), scored(query, weights), lowest - 1e-6
    ) is (None)


def test_no_deletion_flips_what_no_word_decides():
    assert smallest_deletion(lambda q: sum_of(q, {}), scored("say it now", {}), 0.3) is None
    assert smallest_deletion(lambda q: sum_of(q, {}), scored("", {}), 0.3) is None


def test_an_order_that_is_true_beats_a_random_one_and_its_reverse_loses(rng):
    names = [f"w{i}" for i in range(30)]
    in_order, reverse, random = [], [], []
    for _ in range(60):
        weights = dict(zip(names, rng.normal(0, 0.01, 30), strict=True))
        found = scored(" ".join(names), weights)
        order = order_of(found)
        for orders, where in (
            (order, in_order),
            (order[::-1], reverse),
            (rng.permutation(30), random),
        ):
            where.append(areas(sum_of(probes(found, orders), weights)))
    good, bad = summary(in_order, random), summary(reverse, random)
    assert good.n_queries == 60
    assert good.deletion_interval.low > 0
    assert good.insertion_interval.low > 0
    assert bad.deletion_interval.high < 0
    assert bad.insertion_interval.high < 0
    same = summary(random, random)
    assert (same.deletion_gain, same.insertion_gain) == (0, 0)


def test_areas_are_mean_win_rates_of_deletion_and_of_insertion():
    assert areas([0.1, 0.3, 0.5, 0.7]) == Areas(pytest.approx(0.2), pytest.approx(0.6))
    found = scored("a b c d e", {"c": 0.3})
    texts = probes(found, order_of(found))
    assert len(texts) == 8
    assert texts[0] == "a b d e"  # the first to go is the one that counts
    assert texts[4] == "c"  # and the first to come


# Similar queries


@pytest.fixture
def sums(tmp_path):
    """A store with a golden benchmark and what a router remembers of it."""
    with Store.create(tmp_path / "store.duckdb") as store:
        add_golden(store, "sums")
        yield store, labelled_queries(learned("sw_ranking"))


def test_queries_alike_are_the_nearest_others_with_their_outcomes(sums):
    store, known = sums
    found = similar(store, known, TEXTS[0], PAIR, embedder=Words(), n=3)
    assert len(found) == 3
    assert TEXTS[0] not in set(found["text"])
    assert found["cosine"].is_monotonic_decreasing
    cosine = Words().embed(TEXTS) @ Words().embed([TEXTS[0]])[0]
    best = np.argsort(-cosine)[1]
    assert cosine[best] == pytest.approx(found["cosine"][0], abs=1e-5)
    row = found.iloc[0]
    at = TEXTS.index(row["text"])
    assert row["quality_weak"] == (0.0 if HARD[at] else 1.0)
    assert (row["benchmark_id"], row["query_id"]) == ("sums", f"sums-{at:03}")


def test_a_foreign_query_has_queries_alike_too(sums):
    store, known = sums
    for query in ("tell me of kettles", "", "\ud800 kettles"):
        assert len(similar(store, known, query, PAIR, embedder=Words(), n=2)) == 2


def test_the_nearest_query_across_goes_the_other_way(sums):
    store, known = sums
    scores = store.scores_by_text("sums", PAIR, "none", "in_domain")
    assert scores.empty
    rates = np.where(HARD, 0.9, 0.2)
    scores = scores.reindex(range(len(TEXTS))).assign(
        text_hash=[text_hash(text) for text in TEXTS], strong_win_rate=rates
    )
    embedder = Words()
    found = nearest_counterfactual(
        store, known, TEXTS[0], scores, 0.5, True, PAIR, embedder=embedder
    )
    assert len(found) == 1
    assert found["strong_win_rate"][0] == pytest.approx(0.2)
    assert found["text"][0].startswith("say")
    none = nearest_counterfactual(
        store, known, TEXTS[0], scores, 0.1, True, PAIR, embedder=embedder
    )
    assert none.empty


# The command line


@pytest.fixture
def explained(tmp_path, monkeypatch, word_vectors, capsys):
    """Path of a store whose `mf` and `sw_ranking` learned from invented queries; runs a verb."""
    monkeypatch.setattr(train, "CACHE_DIR", tmp_path / "cache")
    path = tmp_path / "here" / "store.duckdb"
    with Store.create(path) as store:
        add_golden(store, "sums")
    pair = ["--weak", PAIR.weak, "--strong", PAIR.strong]

    def run(*arguments):
        code = command.main([*map(str, arguments), "--store", str(path)])
        said = capsys.readouterr()
        return code, said.out, said.err

    for name in ("mf", "sw_ranking"):
        assert run("train", name, *pair, "--golden", "sums")[0] == 0
    return run


def test_explain_says_the_same_to_people_and_programs(explained):
    query_id = ("--benchmark", "sums", "--query-id", "sums-001")
    code, out, err = explained("explain", "--router", "mf", *query_id, "--alpha", "0.5", "--json")
    assert code == 0, err
    document = json.loads(out)
    assert document["stored"]["view"] == "in_domain"
    assert document["stored"]["quality_weak"] == 0.0
    assert document["query"] == TEXTS[1]
    added = document["base"] + document["rest"] + document["gap"]
    added += sum(word["attribution"] for word in document["words"])
    assert added == pytest.approx(document["strong_win_rate"])
    assert document["calls_strong"] == (document["strong_win_rate"] >= 0.5)
    assert len(document["similar"]) == 8
    assert document["similar"][0]["benchmark_id"] == "sums"
    code, out, _ = explained("explain", "--router", "mf", *query_id, "--alpha", "0.5")
    assert code == 0
    assert f"{document['strong_win_rate']:.4f} by the checkpoint" in out
    assert re.search(r"similar sums/sums-\d{3}: cosine", out)


def test_explain_takes_any_text_and_shows_the_battles(explained):
    code, out, err = explained(
        *("explain", "--router", "sw_ranking", "--benchmark", "sums"),
        *("--query", "prove ropes again", "--json"),
    )
    assert code == 0, err
    document = json.loads(out)
    assert document["stored"] is None
    assert document["base"] is None
    assert document["n_evidence"] == 60
    assert document["evidence"][0]["text_hash"]
    assert "alpha" not in document


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name either --query TEXT or --benchmark B with --query-id Q"),
        (("--query", "x", "--query-id", "y"), "name either"),
        (("--query-id", "sums-001"), "--query-id needs --benchmark"),
        (("--benchmark", "sums", "--query-id", "sums-999"), "no query 'sums-999' in sums"),
    ],
)
def test_explain_says_what_is_wrong(explained, arguments, message):
    code, _, err = explained("explain", "--router", "mf", *arguments)
    assert code == 2
    assert message in err


def test_a_router_without_a_checkpoint_is_said_to(built_store, tmp_path):
    with (
        Store(built_store, read_only=True) as store,
        pytest.raises(NotTrainedError, match="the weights of mf-chat are not on this machine"),
    ):
        report.report(store, DATA_DIR, "mf-chat", store.scored_pairs("mmlu")[0], text="any")
