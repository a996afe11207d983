"""Logs of requests as bare queries; every sentence, name and number is invented."""

import json
import math

import pandas as pd
import pytest

from routellm_core import importing
from routellm_core.errors import DataError
from routellm_core.importing import calls, job
from routellm_core.importing.said import flaw, spoken, without_reminders
from routellm_core.importing.usage import Tokens, tokens_of
from routellm_core.store import Store
from tests.test_import_formats import (
    LOGS,
    TEXTS,
    asked,
    json_lines,
    one,
    packed,
    read,
    spend,
    written,
)

REMINDER = "<system-reminder>Keep the list tidy.</system-reminder>"


def user(content):
    return {"role": "user", "content": content}


def texts_of(part):
    by_hash = dict(zip(part.texts["text_hash"], part.texts["text"], strict=True))
    return [by_hash[h] for h in part.queries["text_hash"]]


def note(part, start):
    return next((n for n in part.notes if start in n), "")


def log(tmp_path, *rows, name="log.jsonl"):
    return written(tmp_path / name, json_lines(rows))


# What a person said last


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([user("Ebb?"), {"role": "assistant", "content": "No."}], "Ebb?"),
        (
            {"messages": [user([{"type": "text", "text": "A"}, {"type": "text", "text": "B"}])]},
            "A\nB",
        ),
        ({"model": "wren", "input": "Who rows?"}, "Who rows?"),
        ({"input": [user([{"type": "input_text", "text": "Who rows?"}])]}, "Who rows?"),
        ({"model": "wren", "prompt": "Once upon"}, "Once upon"),
        ({"contents": [{"role": "user", "parts": [{"text": "Who rows?"}]}]}, "Who rows?"),
        ([{"id": "m", "role": "user", "parts": [{"type": "text", "text": "Ebb?"}]}], "Ebb?"),
        ([{"role": "user", "parts": [{"type": "text", "content": "Ebb?"}]}], "Ebb?"),
        ([[{"type": "human", "content": "Ebb?"}, {"type": "ai", "content": "No."}]], "Ebb?"),
        ([{"id": ["x", "AIMessage"], "kwargs": {"content": "No."}}], None),
        ([user("Count."), user([{"type": "tool_result", "content": "two"}])], "Count."),
        ([user("Count."), {"role": "tool", "content": "two"}], "Count."),
        ([user("Count."), {"type": "function_call_output", "output": "two"}], "Count."),
        ([user("Count."), {"type": "reasoning", "content": [{"text": "hm"}]}], "Count."),
        ([user(f"{REMINDER}\nWho rows?")], "Who rows?"),
        ([user("Who rows?"), user(REMINDER)], "Who rows?"),
        ([user(REMINDER)], REMINDER),
        ([user("Look."), user([{"type": "image_url", "image_url": {}}])], "[image]"),
        ([user([{"type": "image"}, {"type": "text", "text": "What is it?"}])], "What is it?"),
        (json.dumps([user("Ebb?")]), "Ebb?"),
        ({"question": "Ebb?"}, None),
        ([user("   ")], None),
    ],
)
def test_what_a_person_said_last_is_found_in_every_form(value, said):
    assert spoken(value) == said


def test_reminder_blocks_are_cut_out_and_unclosed_ones_stay():
    assert without_reminders(f"A\n{REMINDER}\nB {REMINDER}") == "A\nB"
    assert without_reminders("<System-Reminder>x</SYSTEM-reminder>Who?") == "Who?"
    assert without_reminders("<environment_context>c</environment_context>\nGo?") == "Go?"
    assert without_reminders("# AGENTS.md instructions for /a\nx</INSTRUCTIONS>\nGo?") == "Go?"
    unclosed = "<system-reminder>" * 20_000 + "Who rows?"
    assert without_reminders(unclosed) == unclosed


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("yes", "short assent"),
        ("OK, go on!", "short assent"),
        ("Yes please.", "short assent"),
        ("thanks, looks good", "short assent"),
        ("ja", "short assent"),
        ("[object Object]", "object that was lost as a text"),
        ("[object Object],[object Object]", "object that was lost as a text"),
        ("The sea... (litellm_truncated skipped 52 chars. It is.) ... lamp.", "cut text"),
        ("The sea was calm... [truncated]", "cut text"),
        ("The sea <5,200 characters omitted> lamp", "cut text"),
        ("[image]", "image alone"),
        ("data:image/png;base64,AAAA", "image alone"),
        ("__REDACTED__", "redacted text"),
        (REMINDER, "reminder of a harness alone"),
        ("Why does my page print [object Object]?", None),
        ("Go on with the list of birds", None),
        ("What does 'truncated' mean?", None),
        ("No tide table lists it; where is it?", None),
        ("5", None),
    ],
)
def test_texts_that_hold_no_query_are_told_by_kind(text, kind):
    assert flaw(text) == kind


def test_bare_queries_without_a_query_are_left_out_and_counted_whatever_the_format(tmp_path):
    rows = ["yes", "[object Object]", TEXTS[0], f"{REMINDER}\n{TEXTS[1]}"]
    csv = written(tmp_path / "q.csv", pd.DataFrame({"query": rows}).to_csv(index=False))
    part = one(csv, "table")
    assert texts_of(part) == [TEXTS[0], TEXTS[1]]
    assert "2 rows (1, 2) hold no query and were left out: 1 × short assent, 1 × object" in note(
        part, "hold no query"
    )
    with pytest.raises(DataError, match=r"no row holds a query \(1 × short assent\)"):
        importing.read(written(tmp_path / "y.csv", "query\nyes\n"), "table")


def test_graded_queries_that_seem_to_hold_none_are_only_counted(tmp_path):
    rows = "query,model,correct\nyes,wren,1\nWho rows?,wren,0\n"
    part = one(written(tmp_path / "t.csv", rows), "table")
    assert len(part.outcomes) == 2
    assert note(part, "no query") == (
        "1 row seems to hold no query (1 × short assent), and counts."
    )


# Tokens


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 21, "completion_tokens": 0, "total_tokens": 81}, (21, 60)),
        ({"prompt_tokens": 21, "completion_tokens": 5, "total_tokens": 86}, (21, 65)),
        ({"prompt_tokens": 21, "completion_tokens": 65, "total_tokens": 86}, (21, 65)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 2,
                "completion_tokens_details": {"reasoning_tokens": 7},
            },
            (9, 9),
        ),
        ({"input_tokens": 5, "output_tokens": 3, "cache_read_input_tokens": 90}, (95, 3)),
        (
            {
                "input_tokens": 5,
                "output_tokens": 3,
                "cache_read_input_tokens": 90,
                "cache_creation_input_tokens": 10,
            },
            (105, 3),
        ),
        (
            {
                "input_tokens": 47,
                "output_tokens": 6,
                "total_tokens": 53,
                "cache_read_input_tokens": 32,
            },
            (47, 6),
        ),
        ({"promptTokenCount": 8, "candidatesTokenCount": 2, "totalTokenCount": 15}, (8, 7)),
        ({"inputTokens": 8, "outputTokens": 2, "totalTokens": 10, "cachedInputTokens": 4}, (8, 2)),
        ({"input": 8, "input_cached_tokens": 40, "output": 2, "total": 50}, (48, 2)),
        ({"input": 8, "output": 2, "total": 10, "unit": "TOKENS"}, (8, 2)),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, (math.nan, math.nan)),
        ({}, (math.nan, math.nan)),
    ],
)
def test_tokens_count_thoughts_with_the_answer_and_the_cache_with_the_prompt(usage, tokens):
    assert tokens_of(usage, "line 1") == pytest.approx(Tokens(*tokens), nan_ok=True)


def test_moments_are_told_apart_by_their_size():
    assert calls.seconds_between(1_796_050_458.5, 1_796_050_459.0) == 0.5
    assert calls.seconds_between(1_796_050_458_500, 1_796_050_459_000) == 0.5
    assert calls.seconds_between(1_796_050_458_500_000_000, 1_796_050_459_000_000_000) == 0.5
    assert calls.seconds_between("2026-01-02 09:00:00+00:00", "2026-01-02T09:00:02Z") == 2.0
    assert math.isnan(calls.seconds_between("2026-01-02T09:00:02Z", "2026-01-02T09:00:00Z"))
    assert math.isnan(calls.seconds_between(None, "soon"))


# LiteLLM


@pytest.mark.parametrize("form", ["list", "lines", "one", "csv"])
def test_litellm_requests_are_bare_queries_with_what_they_cost(tmp_path, form):
    rows = [spend(0), spend(1, messages={}, proxy_server_request={"messages": TEXTS[1]}), spend(2)]
    rows = rows[:1] if form == "one" else rows
    content = {
        "list": lambda: json.dumps(rows),
        "lines": lambda: json_lines(rows),
        "one": lambda: json.dumps(rows[0], indent=2),
        "csv": lambda: pd.DataFrame([spend(0), spend(1), spend(2)]).to_csv(index=False),
    }[form]()
    part = one(written(tmp_path / "log", content), "litellm")
    assert part.outcomes.empty
    n = len(rows)
    assert part.texts["text"].tolist() == list(TEXTS[:n])
    assert part.usage["cost_usd"].tolist() == [0.25, 0.5, 0.75][:n]
    assert part.usage["latency_s"].tolist() == [1.5] * n
    assert part.usage["model"].tolist() == ["birds/heron-2026"] * n
    assert part.queries["prompt_tokens"].tolist() == [10.0, 11.0, 12.0][:n]
    assert f"{n} request{'s'[: n > 1]} cost ${[0.25, 0.75, 1.5][n - 1]}." in part.notes


def test_litellm_names_the_model_that_answered_before_the_routers_name(tmp_path):
    rows = [spend(i, model_group="my-router", model=["wren", "heron", "wren"][i]) for i in range(3)]
    part = one(log(tmp_path, *rows), "litellm")
    assert part.usage["model"].tolist() == ["wren", "heron", "wren"]
    assert "my-router was answered by wren (2), heron (1)" in note(part, "named by the answer")


def test_litellm_without_an_answering_model_takes_the_public_name(tmp_path):
    part = one(log(tmp_path, spend(0, model="")), "litellm")
    assert part.usage["model"].tolist() == ["heron"]


def test_litellm_a_cost_of_zero_beside_an_answer_is_unknown(tmp_path):
    free = spend(1, spend=0, prompt_tokens=0, completion_tokens=0, total_tokens=0)
    part = one(log(tmp_path, spend(0), free, spend(2)), "litellm")
    assert part.usage["cost_usd"].tolist() == pytest.approx([0.25, math.nan, 0.75], nan_ok=True)
    assert math.isnan(part.usage["answer_tokens"][1])
    assert "2 requests cost $1; 1 without a cost is not counted." in part.notes


def test_litellm_a_cached_answer_has_neither_cost_nor_time(tmp_path):
    part = one(log(tmp_path, spend(0), spend(1, cache_hit="True")), "litellm")
    assert part.usage["latency_s"].tolist() == pytest.approx([1.5, math.nan], nan_ok=True)
    assert note(part, "answered by a cache").startswith("1 request")


def test_litellm_leaves_out_what_is_no_answered_chat_and_says_so(tmp_path):
    rows = [
        spend(0),
        spend(1, status="failure"),
        spend(2, call_type="aembedding"),
        spend(1, request_id="z", messages="{}"),
        spend(2, messages=json.dumps([user("Long... (litellm_truncated skipped 9 chars. x) ...")])),
    ]
    part = one(log(tmp_path, *rows), "litellm")
    assert part.queries["query_id"].tolist() == ["chat-0"]
    assert "1 failed call was left out (1 of birds/heron-2026)" in note(part, "failed")
    assert note(part, "no chat").startswith("1 request")
    assert note(part, "in which no person").startswith("1 request")
    assert note(part, "no query").startswith("1 line (5) holds no query")


def test_litellm_without_texts_keeps_what_requests_took_and_says_how_to_keep_texts(tmp_path):
    part = one(log(tmp_path, spend(0, messages="{}")), "litellm")
    assert part.texts.empty
    assert part.usage["cost_usd"].tolist() == [0.25]
    assert "store_prompts_in_spend_logs" in note(part, "holds no texts")


def payload(i, **changes):
    return {
        "id": f"p{i}",
        "trace_id": "t",
        "call_type": "acompletion",
        "stream": True,
        "response_cost": 0.5,
        "status": "success",
        "total_tokens": 30,
        "prompt_tokens": 10,
        "completion_tokens": 20,
        "startTime": 1_796_050_458.5,
        "endTime": 1_796_050_460.0,
        "response_time": 0.2,
        "model": "wren-2026",
        "model_group": "wren",
        "messages": [user(TEXTS[i])],
        "response": {"model": "wren-2026", "choices": []},
        "error_str": None,
        "error_information": {"error_code": "", "error_class": "", "error_message": ""},
        "model_parameters": {},
    } | changes


def test_litellm_requests_are_billed_to_a_team_an_alias_or_the_hash_of_a_key(tmp_path):
    rows = [
        spend(0, metadata={"user_api_key_team_alias": "kitchen"}, user="mara"),
        spend(1, metadata={"user_api_key_alias": "prod"}, api_key="sk-invented-0001"),
        spend(2, api_key="sk-invented-0001"),
    ]
    usage = one(written(tmp_path / "log", json_lines(rows)), "litellm").usage
    assert usage["tenant"].tolist() == ["team kitchen", "key prod", "key #2300b5ed"]
    with Store() as store:
        part = one(written(tmp_path / "again", json_lines(rows)), "litellm")
        store.add_benchmark(part.benchmark, part.queries, None, part.usage)
        found = store.usage_by_tenant(part.benchmark.benchmark_id)
    assert found["tenant"].tolist() == ["key #2300b5ed", "key prod", "team kitchen"]
    assert found["cost_usd"].tolist() == [0.75, 0.5, 0.25]
    assert found["n_billed"].tolist() == [1, 1, 1]


def test_a_log_that_names_nobody_has_no_tenants(tmp_path):
    usage = one(written(tmp_path / "log", json_lines([spend(0)])), "litellm").usage
    assert "tenant" not in usage


def test_litellm_payloads_have_cost_time_and_model(tmp_path):
    rows = [
        payload(0),
        payload(1, status="failure", error_str="429", response_cost=0),
        payload(2, call_type="aembedding", model="text-embed-1", messages=None),
    ]
    part = one(log(tmp_path, *rows), "litellm")
    assert texts_of(part) == [TEXTS[0]]
    row = part.usage.iloc[0]
    assert (row["model"], row["cost_usd"], row["latency_s"]) == ("wren-2026", 0.5, 1.5)
    assert (row["prompt_tokens"], row["answer_tokens"]) == (10, 20)
    assert note(part, "failed call") and note(part, "no chat")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([spend(0, status="failure")], "every call failed"),
        ([spend(0, call_type="aembedding")], "none of 1 request is a chat"),
    ],
)
def test_litellm_rows_that_are_off_are_named(tmp_path, rows, message):
    with pytest.raises(DataError, match=message):
        importing.read(log(tmp_path, *rows), "litellm")


# Requests in OpenAI's form


@pytest.mark.parametrize("form", LOGS)
def test_logs_of_requests_are_bare_queries(tmp_path, form):
    name = "batches" if form == "batch" else "openai_log"
    part = one(written(tmp_path / "log", json_lines(LOGS[form])), name)
    assert part.outcomes.empty
    assert part.texts["text"].tolist() == list(TEXTS)
    assert part.usage["model"].tolist() == ["wren"] * 3
    if form in ("pairs", "responses"):
        assert part.usage["answer_tokens"].tolist() == [4.0] * 3
    if form == "pairs":
        assert part.queries["query_id"].tolist() == ["r0", "r1", "r2"]
        assert part.usage[["cost_usd", "latency_s"]].iloc[0].tolist() == [0.5, 0.5]


def test_requests_in_which_nobody_spoke_are_left_out(tmp_path):
    silent = {"model": "wren", "messages": [{"role": "system", "content": "Be brief."}]}
    part = one(log(tmp_path, *LOGS["requests"], silent), "openai_log")
    assert len(part.queries) == 3
    assert note(part, "in which no person said a text").startswith("1 request")
    with pytest.raises(DataError, match="no request holds a message of a user"):
        importing.read(log(tmp_path, silent), "openai_log")


def test_a_cost_that_is_no_number_is_unknown_and_named(tmp_path):
    part = one(log(tmp_path, LOGS["pairs"][0] | {"cost": "much"}), "openai_log")
    assert note(part, "no finite numbers").endswith("'much' in log.jsonl, line 1, field 'cost'.")


def test_kinds_of_requests_without_a_query_are_counted_in_one_note(tmp_path):
    image = user([{"type": "image_url", "image_url": {"url": "data:image/png;base64,A"}}])
    rows = [
        {"model": "wren", "messages": [user("Plan."), {"role": "assistant", "content": "."}, m]}
        for m in (user("yes"), user("ok, go on"), image)
    ]
    rows += [{"model": "wren", "messages": [user(REMINDER)]}, LOGS["requests"][0]]
    part = one(log(tmp_path, *rows), "openai_log")
    assert texts_of(part) == [TEXTS[0]]
    assert note(part, "hold no query") == (
        "4 lines (1, 2, 3, 4) hold no query and were left out: 2 × short assent, 1 × image alone, "
        "1 × reminder of a harness alone."
    )


def test_responses_requests_may_have_a_text_as_input(tmp_path):
    rows = [{"model": "wren", "input": t, "max_output_tokens": 9} for t in TEXTS]
    assert texts_of(one(log(tmp_path, *rows), "openai_log")) == list(TEXTS)
    rows = [{"request": {"model": "wren", "input": t}, "response": {"usage": {}}} for t in TEXTS]
    part = one(log(tmp_path, *rows), "openai_log")
    assert texts_of(part) == list(TEXTS)
    assert part.usage["answer_tokens"].isna().all()


def test_failed_requests_are_left_out_however_they_are_told(tmp_path):
    good = LOGS["pairs"][0]
    bad = [
        good | {"response": {"status_code": 429, "body": {"error": {"message": "slow down"}}}},
        good | {"response": {"error": {"code": "rate_limit"}}},
        good | {"response": None, "error": "Connection lost"},
        good | {"response": None, "status": 503},
        good | {"response": None, "status": "timeout"},
    ]
    part = one(log(tmp_path, good, *bad), "openai_log")
    assert len(part.queries) == 1
    assert note(part, "failed call").startswith("5 failed calls were left out (5 of wren)")


def test_embeddings_are_no_queries(tmp_path):
    rows = [
        *LOGS["responses"],
        {"model": "text-embedding-1", "input": "Gulls.", "usage": {"prompt_tokens": 2}},
        {"model": "wren-vec", "input": "Gulls.", "encoding_format": "float", "usage": {}},
    ]
    part = one(log(tmp_path, *rows), "openai_log")
    assert len(part.queries) == 3
    assert note(part, "no chat").startswith("2 requests")


def test_a_cost_of_zero_beside_every_answer_is_unknown(tmp_path):
    part = one(log(tmp_path, *(row | {"cost": 0} for row in LOGS["pairs"])), "openai_log")
    assert part.usage["cost_usd"].isna().all()
    assert note(part, "A cost of $0 stands beside every answer")


def test_a_name_that_several_models_answer_to_is_a_routers_and_no_model(tmp_path):
    def row(i, asked_for, answered):
        request = {"model": asked_for, "messages": asked(i)}
        return {"request": request, "response": {"model": answered}}

    part = one(log(tmp_path, row(0, "auto", "wren"), row(1, "auto", "heron")), "openai_log")
    assert part.usage["model"].tolist() == ["wren", "heron"]
    part = one(log(tmp_path, row(0, "wren", "wren-01"), row(1, "wren", "wren-02")), "openai_log")
    assert part.usage["model"].tolist() == ["wren", "wren"]
    assert "wren was answered by wren-01 (1), wren-02 (1)" in note(part, "named by the request")


def test_answers_without_what_was_asked_say_so(tmp_path):
    answer = {"object": "chat.completion", "model": "wren", "choices": [], "usage": {}}
    with pytest.raises(DataError, match="answers without what was asked"):
        importing.read(log(tmp_path, answer))


def test_stored_completions_with_their_messages_are_read(tmp_path):
    stored = [
        {"object": "chat.completion", "id": f"s{i}", "model": "wren", "messages": asked(i)}
        | {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}}
        for i in range(2)
    ]
    path = written(tmp_path / "list.json", json.dumps({"object": "list", "data": stored}))
    part = one(path, "openai_log")
    assert texts_of(part) == list(TEXTS[:2])
    assert part.usage["answer_tokens"].tolist() == [4.0, 4.0]


def test_a_conversation_of_the_ai_sdk_has_a_query_a_turn_of_a_person(tmp_path):
    rows = [
        {"id": "1", "role": "user", "parts": [{"type": "text", "text": TEXTS[0]}]},
        {"id": "2", "role": "assistant", "parts": [{"type": "text", "text": "High."}]},
        {"id": "3", "role": "user", "parts": [{"type": "text", "text": TEXTS[1]}]},
    ]
    part = one(written(tmp_path / "chat.json", json.dumps(rows)), "openai_log")
    assert texts_of(part) == [TEXTS[0], TEXTS[1]]


# Batches


def batch_out(i, model="wren", **changes):
    body = {"id": "x", "model": model, "choices": [], "usage": {"prompt_tokens": 12}}
    body["usage"]["completion_tokens"] = 3 + i
    return (
        {"id": f"o{i}", "custom_id": f"c{i}", "error": None}
        | {"response": {"status_code": 200, "body": body}}
        | changes
    )


def imported(*paths):
    return job.read(job.ImportPlan(tuple(map(str, paths)))).parts


def test_requests_and_results_of_a_batch_are_joined_by_their_ids(tmp_path):
    asked_for = log(tmp_path, *LOGS["batch"], name="in.jsonl")
    refused = {"status_code": 400, "body": {"error": {"message": "no"}}}
    answers = log(
        tmp_path, batch_out(2), batch_out(0), batch_out(1, response=refused), name="o.jsonl"
    )
    for paths in ((asked_for, answers), (answers, asked_for)):
        (part,) = imported(*paths)
        assert part.queries["query_id"].tolist() == ["c0", "c2"]
        assert part.usage["answer_tokens"].tolist() == [3.0, 5.0]
        assert note(part, "failed call").startswith("1 failed call was left out (1 of wren)")
    files = {"in.jsonl": asked_for.read_bytes(), "out.jsonl": answers.read_bytes()}
    (part,) = read(packed(tmp_path / "b.zip", files), "archive")
    assert part.usage["answer_tokens"].tolist() == [3.0, 5.0]


def test_two_batches_with_the_same_ids_are_joined_with_their_own_results(tmp_path):
    paths = [
        log(tmp_path, *LOGS["batch"], name="a-in"),
        log(
            tmp_path,
            *(r | {"body": r["body"] | {"model": "heron"}} for r in LOGS["batch"]),
            name="b-in",
        ),
        log(tmp_path, *(batch_out(i, "heron-01") for i in range(3)), name="b-out"),
        log(
            tmp_path,
            *(batch_out(i + 1, "wren-01", custom_id=f"c{i}") for i in range(3)),
            name="a-out",
        ),
    ]
    parts = imported(*paths)
    tokens = {p.usage["model"][0]: p.usage["answer_tokens"].tolist() for p in parts}
    assert tokens == {"wren": [4.0, 5.0, 6.0], "heron": [3.0, 4.0, 5.0]}


def test_results_of_a_batch_alone_say_where_the_prompts_are(tmp_path):
    with pytest.raises(DataError, match="prompts are in its input file"):
        importing.read(log(tmp_path, batch_out(0)))


def test_a_batch_of_anthropic_counts_cached_tokens_and_failures(tmp_path):
    def request(i):
        return {"custom_id": f"c{i}", "params": {"model": "wren", "messages": [user(TEXTS[i])]}}

    usage = {"input_tokens": 4, "output_tokens": 6, "cache_read_input_tokens": 20}
    usage["cache_creation_input_tokens"] = 1
    good = {"type": "succeeded", "message": {"model": "wren-1", "usage": usage}}
    rows = [
        {"custom_id": "c1", "result": {"type": "errored", "error": {"type": "overloaded"}}},
        {"custom_id": "c0", "result": good},
        {"custom_id": "c2", "result": {"type": "expired"}},
    ]
    lines = log(tmp_path, *map(request, range(3)), name="in.jsonl")
    whole = written(tmp_path / "in.json", json.dumps({"requests": [request(i) for i in range(3)]}))
    for requests in (lines, whole):
        (part,) = imported(requests, log(tmp_path, *rows, name="out.jsonl"))
        assert texts_of(part) == [TEXTS[0]]
        assert part.usage[["prompt_tokens", "answer_tokens"]].iloc[0].tolist() == [25, 6]
        assert note(part, "failed call").startswith("2 failed calls")


# Gateways


def test_openrouters_generations_have_cost_tokens_and_time_without_texts(tmp_path):
    rows = pd.DataFrame(
        {
            "generation_id": ["g0", "g1"],
            "created_at": ["2026-01-02 09:00:00", "2026-01-02 09:01:00"],
            "cost_total": [0.25, 0.0],
            "byok_usage_inference": [0.0, 0.5],
            "tokens_prompt": [10, 20],
            "tokens_completion": [5, 6],
            "tokens_reasoning": [2, 0],
            "model_permaslug": ["birds/wren", "birds/heron"],
            "generation_time_ms": [1500, 2500],
            "cancelled": ["false", "false"],
        }
    )
    part = one(written(tmp_path / "activity.csv", rows.to_csv(index=False)), "gateway_logs")
    assert part.usage["model"].tolist() == ["birds/wren", "birds/heron"]
    assert part.usage["cost_usd"].tolist() == [0.25, 0.5]
    assert part.usage["latency_s"].tolist() == [1.5, 2.5]
    assert part.usage["answer_tokens"].tolist() == [5.0, 6.0]
    assert part.usage["prompt_tokens"].tolist() == [10.0, 20.0]
    assert "log the requests yourself" in note(part, "holds no texts")


def test_openrouters_answers_about_a_generation_are_read(tmp_path):
    inner = {"id": "g0", "model": "birds/wren:free", "total_cost": 0, "usage": 0}
    inner |= {"generation_time": 500, "native_tokens_prompt": 9, "native_tokens_completion": 4}
    part = one(log(tmp_path, {"data": inner}, {"data": inner | {"id": "g1"}}), "gateway_logs")
    assert part.usage["cost_usd"].tolist() == [0.0, 0.0]
    assert part.usage["latency_s"].tolist() == [0.5, 0.5]
    with pytest.raises(DataError, match="totals of days"):
        importing.read(written(tmp_path / "d.csv", "date,model_permaslug,requests\n1,w,3\n"))


HELICONE = {
    "request_created_at": "2026-01-02T09:00:00Z",
    "response_status": 200,
    "request_model": "wren",
    "response_model": "wren-2",
    "request_body": {"model": "wren", "messages": asked(0)},
    "response_body": {"model": "wren-2", "choices": []},
    "delay_ms": 750,
    "prompt_tokens": 9,
    "completion_tokens": 4,
    "total_tokens": 13,
    "cost": 0.5,
}


@pytest.mark.parametrize("form", ["lines", "csv"])
def test_helicones_requests_have_texts_cost_and_time(tmp_path, form):
    def row(i, **changes):
        body = {"model": "wren", "messages": asked(i)}
        return HELICONE | {"request_id": f"h{i}", "request_body": body} | changes

    rows = [row(0), row(1), row(2, response_status=429, response_body={"error": {"code": 429}})]
    content = json_lines(rows)
    if form == "csv":
        flat = [
            {k: json.dumps(v) if isinstance(v, dict) else v for k, v in r.items()} for r in rows
        ]
        content = pd.DataFrame(flat).to_csv(index=False)
    part = one(written(tmp_path / "h", content), "gateway_logs")
    assert texts_of(part) == list(TEXTS[:2])
    assert part.usage["model"].tolist() == ["wren", "wren"]
    assert part.usage["cost_usd"].tolist() == [0.5, 0.5]
    assert part.usage["latency_s"].tolist() == [0.75, 0.75]
    assert note(part, "failed call").startswith("1 failed call")


def test_a_table_of_requests_is_read_as_their_log(tmp_path):
    rows = pd.DataFrame(
        {
            "model": ["wren", "wren", "wren"],
            "messages": [json.dumps(asked(i)) for i in range(3)],
            "prompt_tokens": [9, 9, 9],
            "completion_tokens": [0, 4, 4],
            "total_tokens": [20, 13, 13],
            "status": [200, 429, 200],
            "cost": [0.5, 0, 0],
        }
    )
    part = one(written(tmp_path / "t.csv", rows.to_csv(index=False)), "openai_log")
    assert texts_of(part) == [TEXTS[0], TEXTS[2]]
    assert part.usage["answer_tokens"].tolist() == [11.0, 4.0]
    assert part.usage["cost_usd"].tolist() == pytest.approx([0.5, math.nan], nan_ok=True)
    assert "1 request cost $0.5; 1 without a cost is not counted." in part.notes
