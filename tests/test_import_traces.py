"""Traces of tools that watch models, as bare queries; every sentence and number is invented."""

import base64
import json

import pandas as pd
import pytest

from routellm_core import importing
from routellm_core.errors import DataError
from routellm_core.importing.spans import messages_of
from tests.test_import_formats import TEXTS, json_lines, one, written
from tests.test_import_logs import note, texts_of, user

# Spans as a console exporter writes them, in three dialects

NAMES = {"wren": "wren-0611", "heron": "heron-0611"}


def parts(text):
    return json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]}])


def gen_ai(i, model="wren", failed=False, content=True):
    found = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model}
    if content:
        found["gen_ai.input.messages"] = parts(TEXTS[i])
    if failed:
        return found | {"error.type": "BadRequestError"}
    return found | {
        "gen_ai.response.model": NAMES[model],
        "gen_ai.response.id": f"r{i}",
        "gen_ai.usage.input_tokens": 48,
        "gen_ai.usage.output_tokens": 30,
        "gen_ai.usage.cache_read.input_tokens": 32,
    }


def openinference(i, model="wren", failed=False, content=True):
    request = {"model": model, "messages": [user(TEXTS[i])]}
    found = {
        "openinference.span.kind": "LLM",
        "llm.invocation_parameters": json.dumps({"model": model}),
        "input.value": json.dumps(request) if content else "__REDACTED__",
    }
    if content:
        found |= {
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.contents.0.message_content.type": "text",
            "llm.input_messages.0.message.contents.0.message_content.text": TEXTS[i],
        }
    if failed:
        return found
    return found | {
        "output.value": json.dumps({"id": f"r{i}", "model": NAMES[model]}),
        "llm.model_name": NAMES[model],
        "llm.token_count.prompt": 48,
        "llm.token_count.completion": 30,
        "llm.token_count.prompt_details.cache_read": 32,
    }


def traceloop_of_old(i, model="wren", failed=False, content=True):
    found = {"llm.request.type": "chat", "gen_ai.request.model": model}
    if content:
        found |= {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": TEXTS[i]}
    if failed:
        return found
    return found | {
        "gen_ai.response.model": NAMES[model],
        "gen_ai.usage.prompt_tokens": 48,
        "gen_ai.usage.completion_tokens": 30,
    }


DIALECTS = [gen_ai, openinference, traceloop_of_old]


def span(attributes, number=0, failed=False, parent=None, events=()):
    return {
        "name": "chat",
        "context": {"trace_id": "0xa", "span_id": f"0x{number}"},
        "kind": "SpanKind.CLIENT",
        "parent_id": parent,
        "start_time": "2026-01-02T09:00:00.500000Z",
        "end_time": "2026-01-02T09:00:02.000000Z",
        "status": {"status_code": "ERROR" if failed else "UNSET"},
        "attributes": attributes,
        "events": list(events),
    }


TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "tides"}


def otlp_value(value):
    kinds = {str: "stringValue", bool: "boolValue", int: "intValue", float: "doubleValue"}
    return {kinds[type(value)]: str(value) if type(value) is int else value}


def otlp(spans, base64_ids=False):
    def one_span(number, item):
        raw = f"span{number:04d}".encode()
        return {
            "spanId": base64.b64encode(raw).decode() if base64_ids else raw.hex(),
            "kind": "SPAN_KIND_CLIENT" if base64_ids else 3,
            "startTimeUnixNano": "1796050458500000000",
            "endTimeUnixNano": "1796050460000000000",
            "attributes": [
                {"key": k, "value": otlp_value(v)} for k, v in item["attributes"].items()
            ],
            "status": {"code": "STATUS_CODE_ERROR" if base64_ids else 2}
            if item["status"]["status_code"] == "ERROR"
            else {},
        }

    listed = [one_span(number, item) for number, item in enumerate(spans)]
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": listed}]}]}


WRITTEN = {
    "console lines": json_lines,
    "console indented": lambda spans: "\n".join(json.dumps(s, indent=4) for s in spans),
    "list": json.dumps,
    "otlp": lambda spans: json.dumps(otlp(spans, base64_ids=True)),
    "otlp indented": lambda spans: json.dumps(otlp(spans), indent=1),
    "otlp file": lambda spans: json_lines([otlp(spans[:2]), otlp(spans[2:])]),
}


def spans_of(dialect):
    return [
        span(dialect(0), 1),
        span(dialect(0, "heron"), 2),
        span(dialect(1, "heron", failed=True), 3, failed=True),
        span(dialect(2, "heron"), 4),
        span(TOOL, 5),
    ]


@pytest.mark.parametrize("form", WRITTEN)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_spans_of_every_dialect_and_form_are_bare_queries(tmp_path, dialect, form):
    part = one(written(tmp_path / "spans", WRITTEN[form](spans_of(dialect))), "otel")
    assert part.outcomes.empty
    assert texts_of(part) == [TEXTS[0], TEXTS[0], TEXTS[2]]
    assert part.usage["model"].tolist() == ["wren", "heron", "heron"]
    assert part.usage["latency_s"].tolist() == [1.5] * 3
    assert part.usage["answer_tokens"].tolist() == [30.0] * 3
    assert part.queries["prompt_tokens"].tolist() == [48.0] * 3
    assert note(part, "failed call").startswith("1 failed call was left out (1 of heron)")
    assert "heron was answered by heron-0611 (2)" in note(part, "named by the request")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_spans_without_texts_keep_what_was_taken_and_say_how_to_keep_texts(tmp_path, dialect):
    spans = [span(dialect(i, content=False), i) for i in range(2)]
    part = one(written(tmp_path / "spans", json_lines(spans)), "otel")
    assert part.texts.empty
    assert part.usage["answer_tokens"].tolist() == [30.0, 30.0]
    for switch in ("CAPTURE_MESSAGE_CONTENT=SPAN_ONLY", "TRACELOOP_TRACE_CONTENT", "HIDE_INPUTS"):
        assert switch in note(part, "holds no texts")


def test_two_spans_of_one_answer_are_one_call(tmp_path):
    spans = [span(gen_ai(0), 1), span(openinference(0), 2), span(gen_ai(0, "heron"), 3)]
    part = one(written(tmp_path / "spans", json_lines(spans)), "otel")
    assert part.usage["model"].tolist() == ["wren", "heron"]
    assert note(part, "another record tells of").startswith("1 record")


def test_a_call_within_a_call_is_the_same(tmp_path):
    outer = {"openinference.span.kind": "LLM", "input.value": TEXTS[0], "llm.model_name": "wren"}
    spans = [span(traceloop_of_old(0), 2, parent="0x1"), span(outer, 1)]
    part = one(written(tmp_path / "spans", json_lines(spans)), "otel")
    assert len(part.queries) == 1
    assert part.usage["answer_tokens"].tolist() == [30.0]


def test_messages_in_events_of_older_conventions_are_read(tmp_path):
    event = {"name": "gen_ai.user.message", "attributes": {"content": TEXTS[1]}}
    found = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "wren"}
    part = one(written(tmp_path / "s", json_lines([span(found, events=[event])])), "otel")
    assert texts_of(part) == [TEXTS[1]]


def test_the_ai_sdks_spans_count_once(tmp_path):
    messages = json.dumps([user([{"type": "text", "text": TEXTS[0]}])])
    inner = {
        "operation.name": "ai.generateText.doGenerate",
        "ai.model.id": "wren",
        "ai.response.model": "wren-0611",
        "ai.prompt.messages": messages,
        "ai.usage.promptTokens": 9,
        "ai.usage.completionTokens": 4,
    }
    outer = inner | {"operation.name": "ai.generateText"}
    spans = [span(inner, 2, parent="0x1"), span(outer, 1)]
    part = one(written(tmp_path / "s", json_lines(spans)), "otel")
    assert texts_of(part) == [TEXTS[0]]
    assert part.usage["answer_tokens"].tolist() == [4.0]


def test_spans_of_embeddings_are_no_queries_and_spans_of_tools_no_calls(tmp_path):
    found = {"gen_ai.operation.name": "embeddings", "gen_ai.request.model": "vec"}
    part = one(written(tmp_path / "s", json_lines([span(found), span(gen_ai(0))])), "otel")
    assert note(part, "no chat").startswith("1 request")
    with pytest.raises(DataError, match="no span is of a request to a model"):
        importing.read(written(tmp_path / "t", json_lines([span(TOOL)])))


def test_numbered_attributes_become_messages_in_their_order():
    flat = {f"m.{i}.message.role": "user" for i in (10, 2)}
    flat |= {"m.2.message.content": "a", "m.10.message.content": "b", "m.x": 1}
    assert [m["content"] for m in messages_of(flat, "m")] == ["a", "b"]


def test_langfuses_spans_keep_openais_usage_and_an_error_is_no_answer(tmp_path):
    def generation(i, **changes):
        return {
            "langfuse.observation.type": "generation",
            "langfuse.observation.input": json.dumps([user(TEXTS[i])]),
            "langfuse.observation.model.name": "wren-0611",
            "langfuse.observation.usage_details": json.dumps(
                {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
            ),
        } | changes

    failed = generation(1) | {
        "langfuse.observation.level": "ERROR",
        "langfuse.observation.model.name": "wren",
        "langfuse.observation.cost_details": '{"total": 0}',
    }
    chain = {"langfuse.observation.type": "span"}
    part = one(
        written(tmp_path / "s", json_lines([span(a) for a in (generation(0), failed, chain)])),
        "otel",
    )
    assert texts_of(part) == [TEXTS[0]]
    assert part.usage["model"].tolist() == ["wren-0611"]
    assert "(1 of wren-0611)" in note(part, "failed call")


# MLflow


def mlflow_span(i, kind="CHAT_MODEL", failed=False, parent=None, number=0):
    request = {"model": "wren", "messages": [{"role": "system", "content": "Be brief."}]}
    request["messages"].append(user(TEXTS[i]))
    usage = {"input_tokens": 47, "output_tokens": 6, "total_tokens": 53}
    usage["cache_read_input_tokens"] = 32
    attributes = {
        "mlflow.spanType": json.dumps(kind),
        "mlflow.spanInputs": json.dumps(request),
        "model": '"wren"',
        "mlflow.llm.model": '"wren-0611"',
        "mlflow.chat.tokenUsage": json.dumps(usage),
    }
    return {
        "span_id": f"s{number}",
        "parent_span_id": parent,
        "start_time_unix_nano": 1796050083500000000,
        "end_time_unix_nano": 1796050083750000000,
        "status": {"code": "STATUS_CODE_ERROR" if failed else "STATUS_CODE_OK"},
        "attributes": attributes,
    }


def mlflow_row(i, spans=None, failed=False, **changes):
    spans = [mlflow_span(i, failed=failed)] if spans is None else spans
    return {
        "trace_id": f"t{i}",
        "trace": "{}",
        "state": "ERROR" if failed else "OK",
        "request_time": 1796050083907,
        "execution_duration": 400,
        "request": {"model": "wren", "messages": [user(TEXTS[i])]},
        "response": {"model": "wren-0611"},
        "trace_metadata": {
            "mlflow.trace.tokenUsage": '{"input_tokens": 47, "output_tokens": 6}',
            "mlflow.trace.cost": '{"total_cost": 0.25}',
        },
        "spans": spans,
        "assessments": [],
    } | changes


def mlflow_traces(rows):
    return [
        {
            "info": {
                "trace_id": row["trace_id"],
                "state": row["state"],
                "execution_duration_ms": 400,
                "trace_metadata": row["trace_metadata"],
            },
            "data": {"spans": row["spans"]},
        }
        for row in rows
    ]


@pytest.mark.parametrize("form", ["json", "csv", "parquet", "traces", "inside"])
def test_mlflows_traces_are_bare_queries_in_every_form(tmp_path, form):
    rows = [mlflow_row(0), mlflow_row(1, failed=True), mlflow_row(2)]
    path = tmp_path / "traces"
    if form == "parquet":
        pd.DataFrame(rows).to_parquet(path, index=False)
    elif form == "csv":
        pd.DataFrame(rows).to_csv(path, index=False)
    elif form == "json":
        pd.DataFrame(rows).to_json(path, orient="records")
    elif form == "traces":
        written(path, json.dumps(mlflow_traces(rows)))
    else:  # the whole trace stands in a column as JSON
        traces = [json.dumps(trace) for trace in mlflow_traces(rows)]
        frame = pd.DataFrame(rows).drop(columns="spans").assign(trace=traces)
        frame.to_csv(path, index=False)
    part = one(path, "mlflow_traces")
    assert part.outcomes.empty
    assert texts_of(part) == [TEXTS[0], TEXTS[2]]
    assert part.usage["model"].tolist() == ["wren", "wren"]
    assert part.usage["cost_usd"].tolist() == [0.25, 0.25]
    assert part.usage["latency_s"].tolist() == [0.25, 0.25]
    assert part.usage["answer_tokens"].tolist() == [6.0, 6.0]
    assert part.queries["prompt_tokens"].tolist() == [47.0, 47.0]
    assert note(part, "failed call").startswith("1 failed call")


def test_mlflows_agent_has_a_call_for_each_model_it_asked(tmp_path):
    spans = [
        mlflow_span(0, "AGENT", number=1),
        mlflow_span(1, number=2, parent="s1"),
        mlflow_span(2, number=3, parent="s1"),
        mlflow_span(2, "TOOL", number=4, parent="s1"),
    ]
    row = mlflow_row(0, spans, request={"question": "Which?"})
    part = one(written(tmp_path / "t", json.dumps([row])), "mlflow_traces")
    assert texts_of(part) == [TEXTS[1], TEXTS[2]]
    assert part.usage["cost_usd"].isna().all()  # the trace's is the sum


def test_mlflows_trace_without_spans_is_read_from_its_request(tmp_path):
    rows = [mlflow_row(0, spans=[]), mlflow_row(1, spans=[], request={"topic": TEXTS[1]})]
    part = one(written(tmp_path / "t.csv", pd.DataFrame(rows).to_csv(index=False)), "mlflow_traces")
    assert texts_of(part) == [TEXTS[0], TEXTS[1]]
    assert part.usage["latency_s"].tolist() == [0.4, 0.4]
    assert part.usage["answer_tokens"].tolist() == [6.0, 6.0]


def test_mlflows_assessments_of_every_answer_are_its_quality(tmp_path):
    rows = [
        mlflow_row(i, assessments=[{"assessment_name": "right", "feedback": {"value": i < 2}}])
        for i in range(3)
    ]
    part = one(written(tmp_path / "t", json.dumps(rows)), "mlflow_traces")
    assert part.measure == "right"
    assert part.outcomes["quality"].tolist() == [1.0, 1.0, 0.0]
    assert part.outcomes["answer_tokens"].tolist() == [6.0] * 3
    rows[2]["assessments"] = []
    part = one(written(tmp_path / "u", json.dumps(rows)), "mlflow_traces")
    assert part.outcomes.empty
    assert "only some of the 3 answers have ('right' 2)" in note(part, "feedback")


def test_assessments_of_a_trace_of_several_requests_are_of_none(tmp_path):
    spans = [mlflow_span(1, number=2), mlflow_span(2, number=3)]
    row = mlflow_row(0, spans, assessments=[{"name": "right", "feedback": {"value": True}}])
    part = one(written(tmp_path / "t", json.dumps([row])), "mlflow_traces")
    assert part.outcomes.empty
    assert "assessments of 1 trace of several requests" in note(part, "assessments")


OF_LANGFUSE = {
    "traceId": "t",
    "type": "GENERATION",
    "modelParameters": {},
    "costDetails": {"total": 0.25},
}


@pytest.mark.parametrize(
    ("fields", "feedback"),
    [
        (OF_LANGFUSE, {"scores": [{"name": "right", "value": 1}]}),
        (OF_LANGFUSE, {"scores": [{"name": "right", "value": 1, "source": "ANNOTATION"}]}),
        (
            {"start_time": "2026-01-02T09:00:00Z", "error_info": None, "thread_id": None},
            {"feedback_scores": [{"name": "right", "value": 1.0}]},
        ),
        (
            {"run_type": "llm", "start_time": "2026-01-02T09:00:00Z"},
            {"feedback_stats": {"right": {"n": 2, "avg": 1.0}}},
        ),
    ],
    ids=["langfuse", "langfuse's people", "opik", "langsmith"],
)
def test_feedback_on_every_answer_is_its_quality_and_on_some_is_said(tmp_path, fields, feedback):
    rows = [
        {
            **{"id": f"r{i}", "model": "wren", "input": [user(TEXTS[i])]},
            **{"inputs": {"messages": [user(TEXTS[i])]}, "outputs": {}},
            **{"usage": {"input_tokens": 4, "output_tokens": 6}},
            **fields,
            **feedback,
        }
        for i in range(3)
    ]
    part = one(written(tmp_path / "t", json.dumps(rows)), "trace_trees")
    assert (part.measure, part.outcomes["quality"].tolist()) == ("right", [1.0] * 3)
    assert texts_of(part) == list(TEXTS[:3])
    for name in feedback:
        rows[0].pop(name)
    part = one(written(tmp_path / "u", json.dumps(rows)), "trace_trees")
    assert part.outcomes.empty
    assert "('right' 2)" in note(part, "feedback")


def test_code_in_a_cell_is_never_run(tmp_path):
    gone = tmp_path / "made"
    cell = f"[open({str(gone)!r}, 'w')]"
    row = mlflow_row(0) | {"spans": cell, "trace": ""}
    part = one(
        written(tmp_path / "t.csv", pd.DataFrame([row]).to_csv(index=False)), "mlflow_traces"
    )
    assert texts_of(part) == [TEXTS[0]]
    assert not gone.exists()


# Phoenix


def phoenix_row(i, failed=False, kind="LLM", model="wren"):
    request = {"model": model, "messages": [user(TEXTS[i])]}
    return {
        "name": "ChatCompletion",
        "span_kind": kind,
        "parent_id": None,
        "start_time": pd.Timestamp("2026-01-02T09:00:00.5Z"),
        "end_time": pd.Timestamp("2026-01-02T09:00:02Z"),
        "status_code": "ERROR" if failed else "OK",
        "status_message": "the shed is locked for today" if failed else "",
        "context.span_id": f"s{model}{i}",
        "attributes.llm.input_messages": [{"message.role": "user", "message.content": TEXTS[i]}],
        "attributes.llm.invocation_parameters": json.dumps({"model": model}),
        "attributes.input.value": json.dumps(request),
        "attributes.llm.model_name": None if failed else NAMES[model],
        "attributes.llm.token_count.prompt": None if failed else 48.0,
        "attributes.llm.token_count.completion": None if failed else 30.0,
        "attributes.llm.token_count.prompt_details.cache_read": None if failed else 32.0,
    }


@pytest.mark.parametrize("form", ["json", "csv", "parquet"])
def test_phoenix_spans_are_bare_queries_in_every_form(tmp_path, form):
    rows = [phoenix_row(0), phoenix_row(1, failed=True), phoenix_row(2, model="heron")]
    frame = pd.DataFrame([*rows, phoenix_row(0, kind="CHAIN", model="heron")])
    path = tmp_path / "spans"
    if form == "json":
        frame.to_json(path, orient="records")
    elif form == "csv":  # index and column of one name, as Phoenix has them
        frame.set_index("context.span_id", drop=False).to_csv(path)
    else:
        frame.to_parquet(path)
    part = one(path, "phoenix_spans")
    assert texts_of(part) == [TEXTS[0], TEXTS[2]]
    assert part.usage["model"].tolist() == ["wren", "heron"]
    assert part.usage["latency_s"].tolist() == pytest.approx([1.5, 1.5])
    assert part.usage["answer_tokens"].tolist() == [30.0, 30.0]
    assert part.queries["prompt_tokens"].tolist() == [48.0, 48.0]
    assert "(1 of wren)" in note(part, "failed call")


def test_phoenix_spans_as_a_list_have_flat_attributes(tmp_path):
    rows = [
        {
            "name": "ChatCompletion",
            "context": {"trace_id": "a", "span_id": f"{i}"},
            "span_kind": "LLM",
            "parent_id": None,
            "start_time": "2026-01-02T09:00:00.500000+00:00",
            "end_time": "2026-01-02T09:00:02+00:00",
            "status_code": "ERROR" if i == 1 else "OK",
            "attributes": openinference(i, failed=i == 1),
        }
        for i in range(3)
    ]
    part = one(written(tmp_path / "spans", json.dumps(rows)), "phoenix_spans")
    assert texts_of(part) == [TEXTS[0], TEXTS[2]]
    assert part.usage["model"].tolist() == ["wren", "wren"]
    assert part.usage["latency_s"].tolist() == [1.5, 1.5]


# Langfuse and Opik


def observation(i, **changes):
    return {
        "id": f"o{i}",
        "traceId": "t",
        "type": "GENERATION",
        "startTime": "2026-01-02T09:00:00.500Z",
        "endTime": "2026-01-02T09:00:02.000Z",
        "model": "wren-0611",
        "input": [user(TEXTS[i])],
        "output": {"role": "assistant", "content": "High."},
        "usageDetails": {"input": 8, "input_cached_tokens": 40, "output": 2, "total": 50},
        "costDetails": {"total": 0.25},
        "calculatedTotalCost": 0.25,
        "level": "DEFAULT",
        "parentObservationId": "root",
    } | changes


@pytest.mark.parametrize("form", ["lines", "list", "data", "trace", "csv"])
def test_langfuses_generations_have_texts_tokens_cost_and_time(tmp_path, form):
    rows = [
        observation(0),
        observation(1, level="ERROR", calculatedTotalCost=0, costDetails={"total": 0}),
        observation(2, type="SPAN", input="plan"),
        observation(2),
    ]
    flat = [
        {k: json.dumps(v) if isinstance(v, dict | list) else v for k, v in r.items()} for r in rows
    ]
    content = {
        "lines": lambda: json_lines(rows),
        "list": lambda: json.dumps(rows),
        "data": lambda: json.dumps({"data": rows, "meta": {"page": 1}}),
        "trace": lambda: json.dumps({"trace": {"id": "t"}, "observations": rows}, indent=1),
        "csv": lambda: pd.DataFrame(flat).to_csv(index=False),
    }[form]()
    part = one(written(tmp_path / "lf", content), "trace_trees")
    assert texts_of(part) == [TEXTS[0], TEXTS[2]]
    assert part.usage["model"].tolist() == ["wren-0611"] * 2
    assert part.usage["cost_usd"].tolist() == [0.25, 0.25]
    assert part.usage["latency_s"].tolist() == [1.5, 1.5]
    assert part.usage[["prompt_tokens", "answer_tokens"]].iloc[0].tolist() == [48.0, 2.0]
    assert note(part, "failed call").startswith("1 failed call")


def opik(i, spans, failed=False):
    return {
        "id": f"trace{i}",
        "start_time": "2026-01-02 09:00:00+00:00",
        "end_time": "2026-01-02 09:00:05+00:00",
        "name": "answer",
        "input": {"messages": [user(TEXTS[i])]},
        "output": {},
        "spans": spans,
        "feedback_scores": [],
        "error_info": {"message": "no"} if failed else None,
        "thread_id": None,
    }


def opik_span(i, failed=False, kind="llm", inside=()):
    return {
        "id": f"span{i}{kind}",
        "start_time": "2026-01-02 09:00:00.500000+00:00",
        "end_time": "2026-01-02 09:00:02+00:00",
        "type": kind,
        "input": {"messages": [user(TEXTS[i])]},
        "model": "wren" if failed else "wren-0611",
        "usage": None
        if failed
        else {"prompt_tokens": 48, "completion_tokens": 0, "total_tokens": 78},
        "total_cost": None,
        "error_info": {"message": "no"} if failed else None,
        "spans": list(inside),
        "feedback_scores": [],
    }


def test_opiks_trees_have_a_call_for_each_span_of_a_model(tmp_path):
    rows = [
        opik(0, [opik_span(0)]),
        opik(1, [opik_span(1, failed=True)], failed=True),
        opik(2, [opik_span(2, kind="general", inside=[opik_span(2)])]),
    ]
    part = one(written(tmp_path / "opik", json.dumps(rows)), "trace_trees")
    assert texts_of(part) == [TEXTS[0], TEXTS[2]]
    assert part.usage["model"].tolist() == ["wren-0611"] * 2
    assert part.usage["latency_s"].tolist() == [1.5, 1.5]
    assert part.usage["answer_tokens"].tolist() == [30.0, 30.0]
    assert "(1 of wren-0611)" in note(part, "failed call")


def test_an_input_that_is_an_object_is_no_query_but_what_it_asks(tmp_path):
    rows = [observation(0, input={"question": TEXTS[0]}), observation(1, input={"topic": TEXTS[1]})]
    part = one(written(tmp_path / "lf", json.dumps(rows)), "trace_trees")
    assert texts_of(part) == [TEXTS[0], TEXTS[1]]


def test_a_structure_that_was_cut_off_is_no_query(tmp_path):
    broken = "[{'message.role': 'user', 'message.content': 'How hi..."
    row = phoenix_row(0) | {"attributes.llm.input_messages": broken}
    path = written(tmp_path / "s.csv", pd.DataFrame([row]).to_csv(index=False))
    assert texts_of(one(path, "phoenix_spans")) == [TEXTS[0]]
    preview = mlflow_row(1, spans=[], request='{"model": "wren", "messages": [{"role": "us...')
    rows = json.dumps([mlflow_row(0), preview])
    part = one(written(tmp_path / "m", rows), "mlflow_traces")
    assert texts_of(part) == [TEXTS[0]]
    assert note(part, "no person said a text").startswith("1 request")
