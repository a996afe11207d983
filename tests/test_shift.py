import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from routellm_core.embedders import cosines
from routellm_core.embedders.cosines import largest_cosine
from routellm_core.errors import DataError
from routellm_core.evaluation.traffic import two_sample as module
from routellm_core.evaluation.traffic.duplicates import repeated_queries, shared_queries
from routellm_core.evaluation.traffic.languages import language, script_counts
from routellm_core.evaluation.traffic.profile import profile
from routellm_core.evaluation.traffic.projection import query_map
from routellm_core.evaluation.traffic.two_sample import auc_interval, two_sample
from routellm_core.training.decontamination import benchmark_similarity
from tests.invented import WordVectors

SENTENCES = {
    "English": """
        Where should I keep the green kettle when it is raining?
        Write a short poem about the moth that lives in my lamp.
        Which of these two ropes is stronger, and why?
        Can you explain how a tide clock works?
        List three reasons not to paint a bell.
        My neighbour has lost her ladder; what should she do?
        Translate this letter for me please.
        How many chairs do we need if nine people are coming?
        The harbour was closed because of the fog.
        Is it true that owls don't like chalk?
        Why is the bread so hard?
        Summarise the report about our garden.
    """,
    "German": """
        Warum ist der Kessel auf dem Balkon so kalt?
        Schreibe mir bitte ein kurzes Gedicht über eine Motte.
        Welches Seil ist das stärkere von beiden?
        Wie viele Stühle brauchen wir für neun Gäste?
        Meine Nachbarin hat ihre Leiter verloren und sucht sie.
        Nenne drei Gründe, die Glocke nicht zu streichen.
        Der Hafen war wegen des Nebels geschlossen.
        Kann man Kreide mit Wasser mischen?
        Wo finde ich einen guten Bäcker?
        Erkläre den Unterschied zwischen Ebbe und Flut.
        Was kostet ein Fenster?
    """,
    "French": """
        Pourquoi la bouilloire est-elle froide ce matin ?
        Écris un petit poème sur un papillon de nuit.
        Laquelle de ces deux cordes est la plus solide ?
        Combien de chaises faut-il pour neuf personnes ?
        Ma voisine a perdu son échelle dans le jardin.
        Donne trois raisons de ne pas peindre la cloche.
        Le port était fermé à cause du brouillard.
        Comment fonctionne une horloge des marées ?
        Où est le boulanger ?
        Explique la différence entre une craie et un crayon.
        J'ai besoin d'une lampe pour lire.
    """,
    "Spanish": """
        ¿Por qué está fría la tetera esta mañana?
        Escribe un poema corto sobre una polilla.
        ¿Cuál de las dos cuerdas es más fuerte?
        ¿Cuántas sillas hay para nueve personas?
        Mi vecina ha perdido su escalera en el jardín.
        Dame tres motivos para no pintar la campana.
        El puerto estaba cerrado por la niebla.
        Explica cómo funciona un reloj de mareas.
        Dónde puedo comprar tiza
        Los búhos no comen pan por la noche.
        Resume el informe sobre nuestro huerto.
    """,
    "Italian": """
        Perché la teiera è fredda questa mattina?
        Scrivi una breve poesia su una falena.
        Quale delle due corde è più forte?
        Quante sedie ci sono per nove persone?
        La mia vicina ha perso la scala nel giardino.
        Dammi tre motivi per non dipingere la campana.
        Il porto era chiuso per la nebbia.
        Spiega come funziona un orologio delle maree.
        Dove posso comprare il gesso?
        I gufi non mangiano il pane di notte.
        Qual è il treno che va alla città?
    """,
    "Portuguese": """
        Por que a chaleira está fria esta manhã?
        Escreva um poema curto sobre uma mariposa.
        Qual das duas cordas é mais forte?
        Quantas cadeiras são precisas para nove pessoas?
        A minha vizinha perdeu a escada no jardim.
        Dê três motivos para não pintar o sino.
        O porto estava fechado por causa do nevoeiro.
        Explique como funciona um relógio de marés.
        Onde você comprou o giz?
        As corujas não comem pão à noite.
        Faça um resumo do texto.
    """,
    "Dutch": """
        Waarom is de ketel op het balkon zo koud?
        Schrijf een kort gedicht over een mot.
        Welk touw is het sterkste van de twee?
        Hoeveel stoelen hebben we nodig voor negen gasten?
        Mijn buurvrouw heeft haar ladder verloren in de tuin.
        Noem drie redenen om de klok niet te schilderen.
        De haven was gesloten door de mist.
        Leg uit hoe een getijdenklok werkt.
        Waar kan ik krijt kopen?
        Uilen eten geen brood in de nacht.
        Wat is het verschil tussen eb en vloed?
    """,
}
"""Written for this test, a language a key."""
SHORT = {
    "English": """
        Who was she?
        the biggest bell
        Where is my hat?
        Fix this sentence
        How tall are moths?
        Best rope knots
    """,
    "German": """
        Wer war sie?
        die größte Glocke
        Wo ist mein Hut?
        Erkläre mir Kreide
        Wie alt wird eine Motte?
        Rezept für Brot
    """,
    "French": """
        Qui était-elle ?
        la plus grande cloche
        Où est mon chapeau ?
        Corrige cette phrase
        Quel âge a le hibou ?
        Recette de pain
    """,
    "Spanish": """
        ¿Quién era ella?
        la campana más grande
        ¿Dónde está mi sombrero?
        Corrige esta frase
        Qué come el búho
        Receta de pan
    """,
    "Italian": """
        Chi era lei?
        la campana più grande
        Dov'è il mio cappello?
        Correggi questa frase
        Cosa mangia il gufo?
        Ricetta del pane
    """,
    "Portuguese": """
        Quem era ela?
        o maior sino
        Onde está o meu chapéu?
        Corrija esta frase
        O que come a coruja?
        Receita de pão
    """,
    "Dutch": """
        Wie was zij?
        de grootste klok
        Waar is mijn hoed?
        Verbeter deze zin
        Wat eet een uil?
        Recept voor brood
    """,
}
"""Of two to five words."""


def keys(n, start=0):
    return [f"key {i}" for i in range(start, start + n)]


# The two-sample test.


def test_the_interval_is_as_wide_as_the_auc_of_random_parts_varies():
    found = []
    for seed in range(80):
        x = np.random.default_rng(seed).normal(size=(150, 12))
        found.append(two_sample(x[:60], x[60:], keys(60), keys(90, 60), seed=seed))
    promised = np.mean([np.ptp(one.interval) for one in found]) / (2 * 1.96)
    assert 0.8 < np.std([one.auc for one in found]) / promised < 1.2
    assert sum(one.verdict != "no_difference" for one in found) <= 5
    assert all((one.interval.low > 0.5) == (one.p_value < 0.025) for one in found)


def test_far_sets_differ_with_certainty(rng):
    own, benchmark = rng.normal(2.0, 1, (60, 10)), rng.normal(-2.0, 1, (90, 10))
    found = two_sample(own, benchmark, keys(60), keys(90, 60))
    assert found.auc == 1.0 and found.interval.high == 1.0
    assert 0.9 < found.interval.low < 1.0  # 60 queries cannot make sure of 1
    assert found.p_value < 1e-9 and found.verdict == "far_apart"
    assert found.log_odds_own.min() > found.log_odds_benchmark.max()


def test_a_small_shift_is_a_difference_that_more_queries_make_certain(rng):
    def shifted(n):
        own, benchmark = rng.normal(size=(n, 10)), rng.normal(size=(n, 10))
        own[:, 0] += 1.0
        return two_sample(own, benchmark, keys(n), keys(n, n))

    few, many = shifted(100), shifted(2_000)
    assert many.verdict == "different" and 0.65 < many.auc < 0.85
    assert np.diff(many.interval) < np.diff(few.interval) / 3


def test_the_most_foreign_query_comes_first_and_the_most_typical_last(rng):
    benchmark = rng.normal([3, 0, 0], 0.2, (300, 3))
    own = np.concatenate([rng.normal([3, 0, 0], 0.2, (40, 3)), rng.normal([0, 3, 0], 0.2, (12, 3))])
    found = two_sample(own, benchmark, keys(52), keys(300, 52))
    assert set(found.foreign_first[:12]) == set(range(40, 52))
    assert sorted(found.foreign_first) == list(range(52))
    assert np.diff(found.log_odds_own[found.foreign_first]).max() <= 0


def test_equal_texts_are_never_learned_from_when_they_are_judged(rng):
    texts = [f"key {k}" for k in rng.integers(0, 60, 200)]
    is_own = np.arange(200) < 90
    fold = module._folds(texts, is_own, rng)
    of_text = {}
    for text, k in zip(texts, fold, strict=True):
        assert of_text.setdefault(text, k) == k
    for side in (is_own, ~is_own):
        assert set(fold[side]) == set(range(5))


def test_copies_of_a_few_texts_are_no_evidence(rng):
    few = rng.normal(size=(10, 8))
    own = few[rng.integers(0, 10, 500)]
    found = two_sample(own, rng.normal(size=(100, 8)), keys(10) * 50, keys(100, 500))
    assert found.n_own == 10 and np.isnan(found.auc)


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 50), (19, 50), (50, 19)])
def test_too_few_queries_are_said_and_nothing_is_made_up(rng, n, m):
    found = two_sample(rng.normal(size=(n, 4)), rng.normal(size=(m, 4)), keys(n), keys(m, n))
    assert found.verdict == "too_few_queries"
    assert np.isnan([found.auc, *found.interval, found.p_value]).all()
    assert found.log_odds_own.shape == (n,) and np.isnan(found.log_odds_own).all()
    assert len(found.foreign_first) == 0


def test_the_same_seed_gives_the_same_result_and_many_rows_are_sampled(rng, monkeypatch):
    monkeypatch.setattr(module, "MOST_FITTED", 30)
    x = rng.normal(size=(300, 6))
    x[:150, 0] += 1
    one, same, other = (
        two_sample(x[:150], x[150:], keys(150), keys(150, 150), seed=seed) for seed in (3, 3, 4)
    )
    assert one.auc == same.auc != other.auc
    assert np.isfinite(one.log_odds_own).all() and np.isfinite(one.log_odds_benchmark).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_auc_is_that_of_scikit_learn(rows):
    score, is_own = (np.array(column) for column in zip(*rows, strict=True))
    if 0 < is_own.sum() < len(is_own):
        assert module._auc(score, is_own) == pytest.approx(roc_auc_score(is_own, score))


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 1), st.integers(1, 10_000), st.integers(1, 10_000))
def test_an_auc_lies_in_its_interval(auc, n, m):
    low, high = auc_interval(auc, n, m)
    assert 0 <= low <= auc <= high <= 1
    mirrored = auc_interval(1 - auc, n, m)
    np.testing.assert_allclose([1 - mirrored.high, 1 - mirrored.low], [low, high], atol=1e-9)


def test_what_does_not_fit_together_is_said(rng):
    x = rng.normal(size=(30, 4))
    with pytest.raises(DataError, match="keys of own queries"):
        two_sample(x, x, keys(29), keys(30))
    with pytest.raises(DataError, match="same embedder"):
        two_sample(x, x[:, :3], keys(30), keys(30))
    with pytest.raises(DataError, match="own queries is NaN"):
        two_sample(np.where(x > 1, np.nan, x), x, keys(30), keys(30))
    with pytest.raises(DataError, match="shape"):
        two_sample(x[0], x, keys(30), keys(30))


# Duplicates.


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_the_nearest_is_that_of_a_loop(n, m, block, seed):
    rng = np.random.default_rng(seed)
    own, benchmark = rng.normal(size=(n, 5)), rng.normal(size=(m, 5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cosines, "_BLOCK", block)
        found = shared_queries(keys(n), own, [f"other {i}" for i in range(m)], benchmark, limit=-1)
        largest = largest_cosine(own, benchmark)
    cosine = np.array(
        [[a @ b / np.linalg.norm(a) / np.linalg.norm(b) for b in benchmark] for a in own]
    )
    assert found.own.near_of.tolist() == cosine.argmax(axis=1).tolist()
    assert found.theirs.near_of.tolist() == cosine.argmax(axis=0).tolist()
    np.testing.assert_allclose(found.own.cosine, cosine.max(axis=1), atol=1e-6)
    np.testing.assert_allclose(largest, cosine.max(axis=1), atol=1e-6)
    assert found.own.cosine.mean() == pytest.approx(benchmark_similarity(own, benchmark), abs=1e-6)


def test_copies_are_found_both_ways():
    own = ["A kettle on the shelf", "one two three four five six seven eight nine ten", "moth"]
    theirs = [
        "bell",
        "a  KETTLE on the shelf",
        "one two three four five six seven eight nine ten ten",
        "A kettle on the shelf",
    ]
    embed = WordVectors().embed
    found = shared_queries(own, embed(own), theirs, embed(theirs))
    assert found.own.exact_of.tolist() == [1, -1, -1]
    assert found.own.near_of.tolist() == [1, 2, -1]
    assert found.theirs.exact_of.tolist() == [-1, 0, -1, 0]
    assert found.theirs.near_of.tolist() == [-1, 0, 1, 0]
    assert (found.own.n_exact, found.own.n_near) == (1, 1)
    assert (found.theirs.n_exact, found.theirs.n_near) == (2, 1)
    assert found.theirs.is_copy.tolist() == [False, True, True, True]


def test_an_exact_copy_needs_no_embedding_that_says_so():
    found = shared_queries(["Chalk?"], np.eye(2)[:1], ["chalk? "], np.eye(2)[1:])
    assert (found.own.n_exact, found.own.n_near) == (1, 0)
    assert found.own.cosine.tolist() == [0.0]


def test_of_repeats_the_first_is_no_copy():
    queries = ["bell", "moth", "Bell", "one two three four five six", "bell ", "moth"]
    found = repeated_queries(queries, WordVectors().embed(queries))
    assert found.exact_of.tolist() == [-1, -1, 0, -1, 0, 1]
    assert found.near_of.tolist() == [-1, -1, 0, -1, 0, 1]
    assert np.isnan(found.cosine[0]) and found.cosine[5] == pytest.approx(1)
    assert repeated_queries([], np.empty((0, 3))).n_exact == 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 12), st.integers(0, 9), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_duplicates_are_those_of_a_loop(n, m, block, seed):
    rng = np.random.default_rng(seed)
    own, theirs = ([f"query {i}" for i in rng.integers(0, 12, size)] for size in (n, m))
    x = rng.normal(size=(12, 2))

    def vectors(queries):
        return np.array([x[int(query.split()[1])] for query in queries]).reshape(-1, 2)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cosines, "_BLOCK", block)
        found = shared_queries(own, vectors(own), theirs, vectors(theirs), limit=0.9)
        within = repeated_queries(own, vectors(own), limit=0.9)
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    cosine = unit @ unit.T

    def is_near(a, b):
        return cosine[int(a.split()[1]), int(b.split()[1])] > 0.9

    assert (found.own.exact_of >= 0).tolist() == [a in theirs for a in own]
    assert (found.theirs.exact_of >= 0).tolist() == [b in own for b in theirs]
    assert (found.own.near_of >= 0).tolist() == [any(is_near(a, b) for b in theirs) for a in own]
    assert (found.theirs.near_of >= 0).tolist() == [any(is_near(a, b) for a in own) for b in theirs]
    assert (within.exact_of >= 0).tolist() == [a in own[:i] for i, a in enumerate(own)]
    assert (within.near_of >= 0).tolist() == [
        any(is_near(a, b) for b in own[:i]) for i, a in enumerate(own)
    ]


def test_memory_does_not_grow_with_the_number_of_pairs(rng):
    own, theirs = rng.normal(size=(20_000, 8)), rng.normal(size=(8_000, 8))
    queries = [f"q{i}" for i in range(20_000)]
    tracemalloc.start()
    shared_queries(queries, own, queries[:8_000], theirs)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000 * 8_000 * 4 / 5  # all cosines at once would take 640 MB


# The profile.


def test_languages_are_guessed_as_often_as_the_docstring_says():
    assert _guesses(SENTENCES) == {"right": 78, "unclear": 0, "wrong": 0}
    assert _guesses(SHORT) == {"right": 37, "unclear": 5, "wrong": 0}


def _guesses(sentences):
    counts = {"right": 0, "unclear": 0, "wrong": 0}
    for name, lines in sentences.items():
        for line in lines.strip().splitlines():
            guess = language(line.strip())
            counts["right" if guess == name else "unclear" if guess == "unclear" else "wrong"] += 1
    return counts


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", "no words"),
        ("12 + 7 = ?", "no words"),
        ("Kettle", "unclear"),
        ("Hva wrgl blimp", "unclear"),
        ("x = foo(bar)", "unclear"),
        ("Почему чайник холодный?", "Russian"),
        ("为什么水壶是冷的？", "Chinese"),
        ("なぜやかんは冷たいのですか", "Japanese"),
        ("왜 주전자가 차가운가요", "Korean"),
        ("Γιατί είναι κρύος ο βραστήρας;", "Greek"),
        ("لماذا الإبريق بارد؟", "Arabic"),
        ("केतली ठंडी क्यों है", "Hindi"),
        ("Varför är kitteln på balkongen så kall?", "Swedish"),
        ("Dlaczego czajnik na balkonie jest tak zimny?", "Polish"),
        ("Çaydanlık neden bu kadar soğuk ve nerede?", "Turkish"),
        ("Mengapa ketel di balkon itu dingin dan siapa yang punya?", "Indonesian"),
    ],
)
def test_language_of(text, name):
    assert language(text) == name


def test_letters_are_counted_by_script():
    assert script_counts("aß 7 жж 中 の!") == {"Latin": 2, "Cyrillic": 2, "Han": 1, "Kana": 1}


def test_a_profile_counts_lengths_languages_and_contents():
    found = profile(
        [
            "How long is the rope that we have?",
            "def knot(rope):\n    return rope[0]",
            "Wie lang ist das Seil, wenn 3 + 4 = 7 ist?",
            "Solve $x^2 = 16$ for the bell.",
        ]
    )
    assert found.n_queries == 4 and found.characters[2] == 34.0
    assert found.words[2] == np.median([8, 4, 12, 6]) + 0.5  # "7" and "ist?" are words too
    assert found.languages["English"] == 0.5 and found.languages["German"] == 0.25
    assert (found.with_code, found.with_numbers, found.with_maths) == (0.25, 0.75, 0.5)
    assert found.scripts == {"Latin": 1.0}


@pytest.mark.parametrize(
    "text", ["SELECT rope FROM shed", "#include <rope.h>", "</div>", "```", "for (;;) {\n}", "a++;"]
)
def test_code_is_seen(text):
    assert profile([text]).with_code == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "Select a rope from the shed.",
        "We import tea; it returns in May (of course).",
        "A class of moths: which function does a lamp have?",
        "It cost $5 and then $10.",
    ],
)
def test_prose_is_no_code_and_no_maths(text):
    found = profile([text])
    assert (found.with_code, found.with_maths) == (0.0, 0.0)


def test_the_profile_of_nothing_is_undefined():
    found = profile([])
    assert np.isnan([*found.characters, *found.words, found.with_code, found.with_maths]).all()
    assert found.languages == {} and found.n_queries == 0


@pytest.mark.parametrize(
    "text", ["SELECT " * 3_000, "\n" * 20_000, "$" + "=" * 19_999, "f(" * 9_999]
)
def test_repeats_that_would_hold_up_a_careless_pattern_are_read_to_their_end(text):
    found = profile([text])
    assert (found.with_code, found.with_maths) == (0.0, 0.0)


# The map.


def test_a_map_keeps_what_lies_in_a_plane(rng):
    angle = rng.uniform(0, 2 * np.pi, 50)
    flat = np.stack([np.cos(angle), np.sin(angle), np.zeros(50)], axis=1)
    found = query_map(flat[:20], flat[20:])
    assert sum(found.variance_share) == pytest.approx(1)
    drawn = np.concatenate([found.own_points, found.benchmark_points])
    np.testing.assert_allclose(
        np.linalg.norm(drawn[:, None] - drawn, axis=2),
        np.linalg.norm(flat[:, None] - flat, axis=2),
        atol=1e-5,
    )


def test_a_map_draws_a_sample_of_many_and_says_which(rng):
    x = rng.normal(size=(90, 6))
    found = query_map(x[:60], x[60:], most_points=20, seed=1)
    assert len(found.own_index) == len(set(found.own_index)) == 20 == len(found.own_points)
    assert found.own_index.tolist() == sorted(found.own_index)
    again, other = (query_map(x[:60], x[60:], most_points=20, seed=s) for s in (1, 2))
    np.testing.assert_array_equal(found.own_points, again.own_points)
    assert found.own_index.tolist() != other.own_index.tolist()
    assert 0 < found.variance_share[1] <= found.variance_share[0] < 1


def test_a_map_of_equal_queries_has_no_variance_to_show():
    found = query_map(np.ones((3, 4)), np.ones((3, 4)))
    assert np.isnan(found.variance_share).all() and np.allclose(found.own_points, 0)


def test_a_map_needs_both_sides():
    with pytest.raises(DataError, match="both sides"):
        query_map(np.ones((5, 2)), np.empty((0, 2)))
