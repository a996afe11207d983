"""A policy with a guarantee runs the router that never saw the queries it rests on."""

import dataclasses
import hashlib
import json
import math
import os
from pathlib import Path
from typing import NamedTuple

import jsonschema
import numpy as np
import pandas as pd
import pytest

from routellm_core.__main__ import main
from routellm_core.errors import DataError, NotTrainedError, UnreachableError
from routellm_core.jobs.progress import silent
from routellm_core.policy.build import changes_since, policy_of
from routellm_core.policy.choice import SelectedThreshold
from routellm_core.policy.document import (
    Policy,
    check_checkpoint,
    content_hash,
    json_schema,
    link_state,
    parse_policy,
)
from routellm_core.policy.export import export
from routellm_core.policy.guarantee.certify import certify, split_of
from routellm_core.policy.guarantee.choice import select_with_guarantee
from routellm_core.policy.guarantee.risks import GuaranteeTarget
from routellm_core.policy.guarantee.sentences import about, scope_and_test
from routellm_core.policy.runtime import RoutingPolicy
from routellm_core.release.rescoring import PAIR as SHIPPED_PAIR
from routellm_core.report.page import report_page
from routellm_core.routers import load_router
from routellm_core.routers.checkpoints import checkpoint_dir, checkpoint_hash
from routellm_core.routers.fold_checkpoints import (
    exact_rows,
    fold_checkpoint_dir,
    held_out_fold,
    save_fold_checkpoint,
)
from routellm_core.store import Store
from routellm_core.training import job as training_job
from routellm_core.training.cross_fitting import folds_by_text
from routellm_core.training.job import TrainingPlan
from routellm_core.types import RouterEntry
from tests.conftest import PAIR, ROOT
from tests.invented import WordVectors, add_golden, golden_texts
from tests.invented_policy import MOMENT

N = 1_500
LOSE = GuaranteeTarget("lose", 0.05)
WHERE = ("sums", PAIR, "mf-mine", "in_domain")
SHIPPED_MF = ROOT / "data" / "routers" / "mf-golden"
SHIPPED_LEFT_OUT = ROOT / "data" / "routers" / "mf-golden-without-fold-0"


class Made(NamedTuple):
    store: Store
    entry: RouterEntry
    choice: SelectedThreshold
    checkpoint: Path
    policy: Policy


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A router that was trained in a run, and the policy that promises something of it."""
    folder = tmp_path_factory.mktemp("promised")
    with Store() as store:
        add_golden(store, "sums", golden_texts("sums", N))
        add_golden(store, "quiz", golden_texts("quiz", 400))
        plan = TrainingPlan(
            "mf", *PAIR, golden=("sums",), score_on=("quiz",), options={"n_epochs": 8}
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("routellm_core.embedders.sentence.SentenceEmbedder", WordVectors)
            run = training_job.work_on(folder / "run", plan, store, folder / "cache", silent)
        training_job.keep(run, store, "mf-mine")
        entry = store.router("mf-mine")
        choice = select_with_guarantee(store, "sums", "mf", LOSE)
        checkpoint = fold_checkpoint_dir(entry, folder)
        policy = policy_of(choice, checkpoint, created_at=MOMENT, n_resamples=100)
        yield Made(store, entry, choice, checkpoint, policy)


@pytest.fixture
def folder(here, tmp_path):
    """What a gateway gets."""
    export(here.policy, "python", tmp_path / "out", here.checkpoint)
    return tmp_path / "out"


def of_fold_0(store):
    """Texts, outcomes and scores of the fold that the checkpoint never saw."""
    rows = store.folds(*WHERE) == 0
    outcomes = store.pair_outcomes("sums", PAIR).of(rows)
    texts = store.query_texts("sums")
    return [texts[i] for i in outcomes.query_id], outcomes, store.strong_win_rates(*WHERE)[rows]


def edited(policy, **fields):
    """The bytes of a policy that somebody changed and signed anew."""
    document = policy.document() | fields
    text = json.dumps(
        document | {"content_sha256": ""},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    document["content_sha256"] = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps(document).encode()


# The checkpoint


def test_the_checkpoint_is_the_router_that_scored_fold_0(here):
    texts, _, stored = of_fold_0(here.store)
    assert set(folds_by_text(texts)) == {0}
    kept = load_router(here.checkpoint, WordVectors()).strong_win_rate(texts)
    np.testing.assert_allclose(kept, stored, rtol=0, atol=1e-6)
    whole = checkpoint_dir(here.entry, ROOT)
    assert np.abs(load_router(whole, WordVectors()).strong_win_rate(texts) - stored).max() > 1e-3
    assert here.checkpoint.parent == whole.parent
    assert (held_out_fold(whole), held_out_fold(here.checkpoint)) == (None, 0)
    assert checkpoint_hash(whole) != checkpoint_hash(here.checkpoint)


def test_it_scores_other_folds_as_no_stored_score_says(here):
    texts = here.store.query_texts("sums")
    outcomes = here.store.pair_outcomes("sums", PAIR)
    scores = load_router(here.checkpoint, WordVectors()).strong_win_rate(
        [texts[i] for i in outcomes.query_id]
    )
    apart = np.abs(scores - here.store.strong_win_rates(*WHERE)) > 1e-6
    fold = here.store.folds(*WHERE)
    assert not apart[fold == 0].any()
    assert apart[fold != 0].mean() > 0.9


@pytest.mark.parametrize("is_there", [False, True])
def test_no_checkpoint_stands_without_the_number_of_its_fold(here, tmp_path, monkeypatch, is_there):
    """However early the process is killed: what stands there is whole and marked, or nothing."""
    folder, seen = tmp_path / "checkpoint-without-fold-0", []
    router = load_router(here.checkpoint, WordVectors())
    if is_there:
        save_fold_checkpoint(router, folder)

    def watched(do):
        def watching(path, *arguments, **named):
            done = do(path, *arguments, **named)
            if folder.exists() and any(folder.iterdir()):
                seen.append(held_out_fold(folder))
            return done

        return watching

    for name in ("write_text", "replace"):
        monkeypatch.setattr(Path, name, watched(getattr(Path, name)))
    save_fold_checkpoint(router, folder)
    assert set(seen) == {0}
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert checkpoint_hash(folder) == checkpoint_hash(here.checkpoint)


def test_what_a_killed_process_left_behind_is_no_hindrance(here, tmp_path):
    folder = tmp_path / "checkpoint-without-fold-0"
    remains = tmp_path / f"{folder.name}.part", tmp_path / f".{folder.name}.0f0f"
    for left in remains:
        left.mkdir()
        (left / "torn.safetensors").write_bytes(b"torn")
    save_fold_checkpoint(load_router(here.checkpoint, WordVectors()), folder)
    assert checkpoint_hash(folder) == checkpoint_hash(here.checkpoint)
    assert not any(left.exists() for left in remains)


def test_a_stack_has_no_such_checkpoint_and_who_lacks_one_is_told_how_to_make_it(tmp_path):
    stack = RouterEntry("s", "stacked", "golden", "", origin="shipped", checkpoint="routers/s")
    with pytest.raises(DataError, match=r"a stack learns from scores of its members.*choose one"):
        fold_checkpoint_dir(stack, tmp_path)
    rows = RouterEntry("r", "sw_ranking", "golden", "", origin="shipped", checkpoint="routers/r")
    with pytest.raises(NotTrainedError, match="scores --router sw_ranking --recipe golden makes"):
        fold_checkpoint_dir(rows, tmp_path)
    mine = dataclasses.replace(rows, origin="user", checkpoint=None)
    with pytest.raises(NotTrainedError, match="routellm_core train, with the in_domain view"):
        fold_checkpoint_dir(mine, tmp_path)


# The promise


def test_the_promise_is_that_of_fold_0_alone_and_all_that_is_said_can_be_computed_again(here):
    _, outcomes, scores = of_fold_0(here.store)
    found = certify(
        scores,
        outcomes.quality_weak,
        outcomes.quality_strong,
        LOSE,
        cluster_code=outcomes.cluster_code,
    )
    said = here.policy.guarantee
    for name in ("delta", "seed", "n_pilot", "n_calibration", "n_held_out", "p_value", "bound"):
        assert getattr(said, name) == getattr(found, name)
    assert (said.kind, said.limit) == LOSE
    assert said.threshold == here.policy.threshold == here.policy.alpha == found.threshold
    assert (said.achieved.value, said.achieved.low) == (
        found.achieved,
        found.achieved_interval.low,
    )
    assert said.left_out_fold == 0
    assert said.words.startswith("With 95% confidence at most 5 points are lost")
    assert said.about == about("fold", 0)
    ids = outcomes.query_id[split_of(outcomes.cluster_code, 0).calibration]
    expected = hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()
    assert said.calibration_sha256 == expected


def test_the_evidence_is_of_held_out_queries_that_chose_nothing(here):
    _, outcomes, scores = of_fold_0(here.store)
    held_out = split_of(outcomes.cluster_code, 0).held_out
    strong = scores[held_out] >= here.policy.threshold
    routed = np.where(strong, outcomes.quality_strong[held_out], outcomes.quality_weak[held_out])
    figures = here.policy.evidence
    assert figures.n_queries == len(held_out) == here.policy.guarantee.n_held_out
    assert figures.strong_call_share.value == pytest.approx(strong.mean(), abs=1e-12)
    assert figures.quality.value == pytest.approx(routed.mean(), abs=1e-12)
    assert figures.quality_strong.value - figures.quality.value == pytest.approx(
        here.policy.guarantee.achieved.value, abs=1e-12
    )
    assert "had no part in choosing the threshold" in figures.meaning


def test_what_cannot_be_promised_names_how_many_queries_would_do(here):
    with pytest.raises(
        UnreachableError, match=r"\d+ calibration queries are too few.*You need about"
    ):
        select_with_guarantee(here.store, "sums", "mf", GuaranteeTarget("lose", 0.002))


def test_a_router_that_never_saw_the_benchmark_is_taken_as_it_is(here, tmp_path):
    choice = select_with_guarantee(here.store, "quiz", "mf", LOSE)
    policy = policy_of(choice, checkpoint_dir(here.entry, tmp_path), n_resamples=100)
    said = policy.guarantee
    assert said.left_out_fold is None
    assert said.n_pilot + said.n_calibration + said.n_held_out == 400
    assert policy.router.checkpoint == "checkpoint"
    assert said.about == about("checkpoint")
    assert parse_policy(policy.as_bytes(), "p.json").as_bytes() == policy.as_bytes()
    with pytest.raises(DataError, match=r"own checkpoint, and .*without-fold-0 is one without"):
        policy_of(choice, here.checkpoint, n_resamples=100)


def test_where_the_weak_model_is_as_good_the_strong_one_is_never_called(here, tmp_path):
    with Store() as store:
        add_golden(store, "level", golden_texts("level", N))
        store._write("UPDATE outcome SET quality = 1.0")
        store.add_router(here.entry)
        outcomes = store.pair_outcomes("level", PAIR)
        texts = store.query_texts("level")
        asked = [texts[i] for i in outcomes.query_id]
        router = load_router(checkpoint_dir(here.entry, tmp_path), WordVectors())
        rates = pd.DataFrame(
            {"query_id": outcomes.query_id, "strong_win_rate": router.strong_win_rate(asked)}
        )
        store.add_strong_win_rates("level", PAIR, "mf-mine", "untouched", rates)
        choice = select_with_guarantee(store, "level", "mf", LOSE)
    policy = policy_of(choice, checkpoint_dir(here.entry, tmp_path), n_resamples=100)
    assert policy.threshold == "never"
    assert policy.guarantee.threshold == 2.0
    assert "The strong model is never called" in policy.guarantee.words
    assert parse_policy(policy.as_bytes(), "p.json").as_bytes() == policy.as_bytes()


def test_a_promise_that_nothing_is_lost_makes_a_policy(here, tmp_path):
    with Store() as store:
        add_golden(store, "level", golden_texts("level", N))
        store._write("UPDATE outcome SET quality = CASE model WHEN 'small' THEN 1 ELSE 0.5 END")
        store.add_router(here.entry)
        ids = store.pair_outcomes("level", PAIR).query_id
        rates = np.linspace(0.1, 0.9, len(ids), dtype=np.float32)
        rates = pd.DataFrame({"query_id": ids, "strong_win_rate": rates})
        store.add_strong_win_rates("level", PAIR, "mf-mine", "untouched", rates)
        lossless = GuaranteeTarget("lose", 0.0)
        choice = select_with_guarantee(store, "level", "mf", lossless, model_pair=PAIR)
    policy = policy_of(choice, checkpoint_dir(here.entry, tmp_path), n_resamples=100)
    assert (policy.guarantee.kind, policy.guarantee.limit) == ("lose", 0.0)
    assert policy.guarantee.achieved.value == -0.5
    assert "at most 0 points are lost" in policy.guarantee.words
    assert parse_policy(policy.as_bytes(), "p.json").as_bytes() == policy.as_bytes()
    jsonschema.Draft202012Validator(json.loads(json_schema())).validate(policy.document())


def test_which_rows_are_one_routers(here):
    fold = np.array([0, 1, 0, 4])
    rows, left_out = exact_rows(here.entry, "in_domain", fold)
    assert (rows.tolist(), left_out) == ([True, False, True, False], 0)
    rows, left_out = exact_rows(here.entry, "in_domain", fold, 4)
    assert (rows.tolist(), left_out) == ([False, False, False, True], 4)
    stack = dataclasses.replace(here.entry, router_name="stacked")
    for router, view in (
        (here.entry, "untouched"),
        (here.entry, "in_domain"),
        (stack, "untouched"),
    ):
        rows, left_out = exact_rows(router, view, np.full(3, -1))
        assert (rows.all(), left_out) == (True, None)
    with pytest.raises(DataError, match="choose the in-domain scores"):
        exact_rows(here.entry, "unseen_slices", fold)
    with pytest.raises(DataError, match="a stack learns from scores of its members"):
        exact_rows(stack, "in_domain", fold)
    for wanted in (2, 5, -1):
        with pytest.raises(DataError, match=f"no fold {wanted} here: name one from 0 to 4"):
            exact_rows(here.entry, "in_domain", fold, wanted)


# The document


def test_a_promised_policy_comes_back_bit_for_bit_and_fits_the_schema(here):
    again = parse_policy(here.policy.as_bytes(), "p.json")
    assert again.as_bytes() == here.policy.as_bytes()
    assert again.policy_version == 3
    jsonschema.Draft202012Validator(json.loads(json_schema())).validate(again.document())


def test_a_policy_that_was_kept_with_former_words_stays_valid(here):
    former = {
        "words": "With 95% confidence at most 5 points are lost: α = 0.4; checked on 90 queries",
        "about": "the promise is about the checkpoint that never saw fold 0",
    }
    raw = edited(here.policy, guarantee=here.policy.document()["guarantee"] | former)
    kept = parse_policy(raw, "p.json")
    assert kept.content_sha256 == content_hash(kept)
    assert report_page(here.choice, kept).count(former["words"]) == 1
    assert scope_and_test(kept.guarantee).startswith("The promise is about the checkpoint")


def test_a_policy_without_a_promise_is_as_it_was_before_there_were_any(here):
    fields = here.policy.document()
    del fields["guarantee"]
    chosen = fields["chosen_by"] | {"mode": "alpha"}
    raw = edited(Policy.model_validate(fields | {"policy_version": 1, "chosen_by": chosen}))
    plain = parse_policy(raw, "p.json")
    assert plain.guarantee is None
    assert set(json.loads(plain.as_bytes())) == {
        *("policy_version", "policy_id", "created_at", "project_version", "router", "model_pair"),
        *("threshold", "chosen_by", "evidence", "prices", "content_sha256"),
    }
    assert json.loads(raw)["content_sha256"] == content_hash(plain)


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [("guarantee", "limit", 0.001), ("guarantee", "delta", 0.01), ("guarantee", "n_held_out", 9)],
)
def test_an_edited_promise_is_noticed(here, part, field, value):
    document = here.policy.document()
    document[part][field] = value
    with pytest.raises(DataError, match="edited by hand"):
        parse_policy(json.dumps(document).encode(), "p.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"threshold": 0.25},
            "p.json is refused: the guarantee is about the threshold 0.*it has 0.25",
        ),
        ({"threshold": "never"}, "it has 'never'"),
        ({"guarantee": None}, "lacks the field 'guarantee'"),
        ({"policy_version": 1}, "it has a guarantee, but is of version 1"),
        ({"chosen_by": {"mode": "share"}}, "chosen by share"),
        ({"router": {"checkpoint": "checkpoint"}}, "never saw fold 0, and it names checkpoint"),
        ({"guarantee": {"left_out_fold": 1}}, "never saw fold 1, and it names"),
        (
            {"guarantee": {"left_out_fold": None}},
            "has seen the queries that the guarantee rests on",
        ),
        ({"guarantee": {"delta": 1.0}}, r"guarantee\.delta is 1\.0"),
    ],
)
def test_parts_that_contradict_each_other_are_refused_though_signed(here, change, said):
    document = here.policy.document()
    fields = {k: document[k] | v if isinstance(v, dict) else v for k, v in change.items()}
    with pytest.raises(DataError, match=said):
        parse_policy(edited(here.policy, **fields), "p.json")


def test_a_promise_is_not_made_of_the_checkpoint_that_saw_everything(here, tmp_path):
    with pytest.raises(DataError, match=r"never saw fold 0, and .*checkpoint is another"):
        policy_of(here.choice, checkpoint_dir(here.entry, tmp_path), n_resamples=100)


def test_a_checkpoint_that_does_not_say_what_it_never_saw_is_refused(here, tmp_path):
    router = load_router(here.checkpoint, WordVectors())
    other = tmp_path / here.checkpoint.name
    save_fold_checkpoint(router, other, 1)
    named = here.policy.router.model_copy(update={"checkpoint_sha256": checkpoint_hash(other)})
    policy = here.policy.model_copy(update={"router": named}).signed()
    with pytest.raises(DataError, match="does not say that: export the policy again"):
        check_checkpoint(policy, other)
    check_checkpoint(here.policy, here.checkpoint)


def test_changes_of_that_fold_are_noticed_and_those_of_others_are_not(here):
    ids, folds = here.store.pair_outcomes("sums", PAIR).query_id, here.store.folds(*WHERE)
    scores = here.store.strong_win_rates(*WHERE)

    def with_score(fold):
        one = np.flatnonzero(folds == fold)[:1]
        for rate in (np.float32(0.123), scores[one]):
            row = {"query_id": ids[one], "strong_win_rate": rate, "fold": fold}
            here.store.add_strong_win_rates(*WHERE, pd.DataFrame(row))
            yield changes_since(here.store, here.policy)

    assert changes_since(here.store, here.policy) == []
    assert list(with_score(1)) == [[], []]
    changed, restored = with_score(0)
    assert "have changed" in changed[0]
    assert restored == []


def test_the_link_leads_back_to_the_promise(here):
    state = link_state(here.policy)
    assert {k: state[k] for k in ("mode", "wanted", "promise", "confidence")} == {
        "mode": "promise",
        "wanted": "0.05",
        "promise": "lose",
        "confidence": "0.95",
    }


# At work


def test_the_exported_policy_decides_as_the_certificate_did(here, folder):
    texts, _, stored = of_fold_0(here.store)
    working = RoutingPolicy.load(folder, embedder=WordVectors(), time_limit_s=60.0)
    expected = stored.astype(np.float64) >= here.choice.certified.certificate.threshold
    assert 0 < expected.sum() < len(expected)
    assert [d.calls_strong for d in working.route_batch(texts)] == expected.tolist()
    assert (folder / "checkpoint-without-fold-0" / "config.json").is_file()


def test_the_threshold_at_work_is_the_tested_one_to_the_last_digit(here):
    class Fixed:
        def __init__(self, rate):
            self.rate = rate

        def strong_win_rate(self, queries):
            return [self.rate] * len(queries)

    tested = here.choice.certified.certificate.threshold
    policy = parse_policy(here.policy.as_bytes(), "p.json")
    assert RoutingPolicy(policy, Fixed(tested)).route("say").calls_strong
    assert not RoutingPolicy(policy, Fixed(math.nextafter(tested, 0))).route("say").calls_strong


def test_what_is_exported_and_shown_says_the_promise(here, folder):
    guarantee = here.policy.guarantee
    readme = (folder / "README.md").read_text().replace("\\", "")
    page = report_page(here.choice, here.policy)
    for sentence in (guarantee.words, scope_and_test(guarantee)):
        assert sentence in readme
    assert guarantee.words in page
    assert "never about a single one" in page


# What ships


def test_a_checkpoint_without_a_fold_is_no_router_of_the_store(built_store):
    with Store(built_store, read_only=True) as store:
        assert "mf-golden" in store.router_ids("mf")
        assert not [name for name in store.router_ids("mf") if "without" in name]


def test_the_shipped_checkpoint_is_not_the_one_fitted_on_everything():
    assert held_out_fold(SHIPPED_LEFT_OUT) == 0
    ours, whole = (load_router(path, WordVectors()) for path in (SHIPPED_LEFT_OUT, SHIPPED_MF))
    assert np.abs(ours.folded[0] - whole.folded[0]).max() > 1e-3
    assert ours.model_pair == whole.model_pair == SHIPPED_PAIR


def test_the_shipped_checkpoint_gives_the_stored_scores_of_fold_0(built_store):
    path = Path(os.environ.get("ROUTELLM_STORE", ROOT / ".store" / "explorer.duckdb"))
    texts = {}
    if path.exists():
        with Store(path, read_only=True) as store:
            texts = store.query_texts("mmlu")
    if not texts:
        pytest.skip("the query texts are not on this machine: run `make texts`")
    where = ("mmlu", SHIPPED_PAIR, "mf-golden", "in_domain")
    with Store(built_store, read_only=True) as store:
        ids = store.pair_outcomes("mmlu", SHIPPED_PAIR).query_id
        fold, stored = store.folds(*where), store.strong_win_rates(*where)
    router = load_router(SHIPPED_LEFT_OUT)
    some = np.flatnonzero(fold == 0)[:: len(ids) // 300][:64]
    found = router.strong_win_rate([texts[i] for i in ids[some]])
    np.testing.assert_allclose(found, stored[some], rtol=0, atol=1e-6)
    others = np.flatnonzero(fold != 0)[:8]
    found = router.strong_win_rate([texts[i] for i in ids[others]])
    assert (np.abs(found - stored[others]) > 1e-6).all()


# The command line


def run(store, capsys, *arguments):
    code = main([arguments[0], "--store", str(store), *map(str, arguments[1:])])
    return code, *capsys.readouterr()


def test_certify_on_a_fold_is_about_the_router_that_scored_it(built_store, capsys):
    asked = ("certify", "--router", "mf", "--benchmark", "mmlu", "--lose", 2, "--json")
    code, out, _ = run(built_store, capsys, *asked, "--fold", 0)
    document = json.loads(out)
    assert (code, document["fold"]) == (0, 0)
    assert "the confidence is exact" in document["about"]
    parts = [document[f"n_{part}"] for part in ("pilot", "calibration", "held_out")]
    where = ("mmlu", SHIPPED_PAIR, "mf-golden", "in_domain")
    with Store(built_store, read_only=True) as store:
        outcomes = store.pair_outcomes("mmlu", SHIPPED_PAIR)
        assert sum(parts) == len(set(outcomes.cluster_code[store.folds(*where) == 0]))
    code, _, err = run(built_store, capsys, *asked, "--fold", 5)
    assert (code, "name one from 0 to 4" in err) == (2, True)
    asked = ("certify", "--router", "mf", "--benchmark", "mt_bench", "--lose", 2, "--fold", 0)
    code, _, err = run(built_store, capsys, *asked)
    assert (code, "leave --fold out" in err) == (2, True)


def test_certify_on_a_fold_claims_nothing_of_routers_that_are_not_kept(built_store, capsys):
    asked = ("certify", "--benchmark", "mmlu", "--lose", 5)
    code, out, _ = run(built_store, capsys, *asked, "--router", "mf", "--fold", 3)
    assert code == 0
    assert about("fold", 3) in out
    assert "that router is not kept" in out
    code, out, err = run(built_store, capsys, *asked, "--router", "stacked", "--fold", 0)
    assert (code, out) == (2, "")
    assert "a stack learns from scores of its members" in err


def test_a_promised_policy_is_made_and_exported_on_the_command_line(built_store, capsys, tmp_path):
    store = tmp_path / "own.duckdb"
    store.write_bytes(built_store.read_bytes())
    file = tmp_path / "policy.json"
    asked = ("--router", "mf", "--benchmark", "mmlu", "--lose", 2, "--confidence", 0.95)
    code, out, _ = run(store, capsys, "policy", *asked, "--out", file, "--keep")
    assert code == 0
    assert "With 95% confidence at most 2 points are lost against always strong" in out
    assert "never saw fold 0" in out
    policy = parse_policy(file.read_bytes(), "policy.json")
    assert policy.router.checkpoint == "mf-golden-without-fold-0"
    code, out, _ = run(store, capsys, "certify", "--json", *asked, "--fold", 0)
    assert json.loads(out)["threshold"] == policy.threshold
    for name in (str(file), policy.policy_id):
        out_dir = tmp_path / f"out-{Path(name).stem}"
        code, _, _ = run(
            store, capsys, "export", "--policy", name, "--target", "litellm", "--out", out_dir
        )
        assert code == 0
        check_checkpoint(policy, out_dir / "mf-golden-without-fold-0")
    for options, said in (
        (("--lose", 0.1), "Only queries of fold 0 count here"),
        (("--keep-quality", 2), "no guarantee"),
        (("--lose", 5, "--router", "stacked"), "choose one of its members"),
        (("--lose", 5, "--router", "bert"), "scores --router bert --recipe golden makes it"),
    ):
        arguments = ("policy", "--router", "mf", "--benchmark", "mmlu", "--out", file, *options)
        code, _, err = run(store, capsys, *arguments)
        assert (code, said in err) == (2, True), err
