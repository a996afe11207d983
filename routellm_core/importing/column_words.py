"""Usual names of the columns of a table, and words that say what a column is not."""

import re

from routellm_core.importing.measures import FALLING

# Usual names of a column, the likeliest first; compared in lower case, with `_` for what is no
# letter or digit.
QUERY = (
    *("query", "prompt", "question", "input", "instruction", "user_query", "user_prompt"),
    *("input_text", "query_text", "prompt_text", "question_text", "problem", "request", "text"),
    *("user_input", "user_message", "turns", "inputs", "prompts", "queries", "questions"),
    *("messages", "conversation", "frage", "pregunta", "pergunta", "domanda", "вопрос", "问题"),
)
QUERY_ID = (
    *("query_id", "question_id", "prompt_id", "sample_id", "example_id", "item_id", "doc_id"),
    *("task_id", "request_id", "id", "qid", "uid", "uuid", "key", "canonical_id", "case_id"),
    *("problem_id", "instance_id", "test_id", "row_id", "record_id", "query_idx", "idx"),
)
SLICE = (
    *("slice", "category", "subject", "topic", "domain", "task", "eval_name", "task_name"),
    *("task_type", "dataset", "group", "subset", "type"),
)
MODEL = (
    *("model", "model_name", "model_id", "llm", "llm_name", "llm_id", "generator", "engine"),
    *("deployment", "model_group", "provider_model", "selected_model", "chosen_model"),
    *("routed_model", "model_used", "response_model", "answered_by", "system", "candidate"),
    *("policy_model", "target_model", "model_key", "llm_selected", "engine_name", "modelname"),
    *("modell", "modelo", "modèle", "модель", "模型", "assistant", "chatbot", "bot", "provider"),
)
QUALITY = (
    *("quality", "score", "correct", "is_correct", "correctness", "accuracy", "acc", "grade"),
    *("rating", "passed", "pass", "success", "reward", "performance", "exact_match", "result"),
    *("points", "outcome", "verdict", "right", "graded", "judge_score", "mark", "is_right"),
    *("is_success", "successful", "solved", "em", "f1", "f1_score", "match", "label_correct"),
    *("quality_score", "eval_score", "metric_value", "final_score", "overall_score"),
    *("richtig", "bewertung", "punkte", "correcto", "puntaje", "nota", "thumbs", "thumb"),
    *("user_feedback", "user_rating", "feedback", "vote"),
)
METRICS = frozenset(
    {
        *(
            "exact_match",
            "em",
            "f1",
            "f1_score",
            "reward",
            "bleu",
            "rouge_l",
            "meteor",
            "judge_score",
        ),
        *FALLING,
    }
)
"""Names of qualities that are of one metric: runs by another one are not joined with them."""
METRIC = (
    *("metric", "metric_name", "measure", "measure_name", "scorer", "scorer_name", "evaluator"),
    *("evaluator_name", "criterion", "criteria", "score_name", "grader", "eval_metric"),
)
"""Columns that name the measure of a row's grade."""
VALUE = ("value", "metric_value", "score_value", "measure_value")
"""Columns of grades of a table that names their measures."""
BEST = (
    *("max_score", "max_points", "maximum_score", "max_grade", "points_possible", "out_of"),
    *("possible_points", "full_marks", "max_rating", "score_max"),
)
"""Columns of the best grade that a row could have."""
MORE_IS_BETTER = ("higher_is_better", "greater_is_better", "more_is_better", "bigger_is_better")
LESS_IS_BETTER = ("lower_is_better", "less_is_better", "smaller_is_better", "minimize")
STARTED = ("start_time", "started_at", "start", "starttime", "request_start", "started")
ENDED = ("end_time", "ended_at", "end", "endtime", "request_end", "ended", "finished_at")
PROMPT_TOKENS = (
    *("prompt_tokens", "input_tokens", "tokens_in", "n_prompt_tokens", "num_prompt_tokens"),
    *("prompt_token_count", "input_token_count", "n_input_tokens"),
)
ANSWER_TOKENS = (
    *("answer_tokens", "completion_tokens", "output_tokens", "response_tokens", "tokens_out"),
    *("n_completion_tokens", "num_completion_tokens", "output_token_count", "n_output_tokens"),
    "completion_token_count",
)
COST = (
    *("cost_usd", "cost", "total_cost", "usd", "cost_dollars", "price", "spend", "price_usd"),
    *("total_cost_usd", "cents", "inference_cost", "request_cost", "response_cost", "api_cost"),
)
CURRENCY = ("currency", "cost_currency", "currency_code", "price_currency", "cost_unit")
SECONDS = (
    *("latency_s", "latency", "latency_seconds", "duration", "duration_s", "elapsed", "time_s"),
    *("response_time", "seconds", "total_time", "time_taken", "latency_sec", "runtime"),
    *("generation_time", "inference_time", "wall_time", "elapsed_time", "total_latency"),
)
MILLISECONDS = (
    *("latency_ms", "duration_ms", "elapsed_ms", "response_time_ms", "request_duration_ms"),
    *("time_ms", "latencyms"),
)
REPEAT = (
    *("run", "repeat", "repetition", "repetition_number", "epoch", "seed", "trial", "attempt"),
    *("run_id", "run_number", "repeat_index", "trial_index", "sample_index", "rep", "replicate"),
)
"""Columns that number several answers of one model to one query."""
ERROR = (
    *("error", "error_message", "exception", "failure_reason", "error_type", "is_error", "failed"),
)
STATUS = (
    *("status", "state", "call_status", "request_status", "status_code", "http_status"),
    *("response_status", "http_status_code", "response_code", "http_code"),
)
FAILED = frozenset(
    {
        *(
            "error",
            "errored",
            "failed",
            "failure",
            "timeout",
            "timed_out",
            "exception",
            "timed out",
        ),
        *("cancelled", "canceled", "aborted", "rate_limited", "expired", "refused", "api_error"),
    }
)
"""Values of a status that say that a call failed, as do HTTP's from 400 on."""
CACHED = ("cached", "is_cached", "cache_hit", "from_cache", "was_cached")
ANSWER = (
    *("response", "output", "completion", "generation", "model_output", "model_answer"),
    *("model_response", "prediction", "reply", "response_text", "output_text", "generated_text"),
    *("model_completion", "answer_text", "generated_answer", "answer"),
)
STOP_REASON = (
    *("finish_reason", "stop_reason", "finish_reasons", "stop_reasons", "done_reason"),
    *("stop", "finish", "stopped_by"),
)
TOTAL_TOKENS = ("total_tokens", "tokens_total", "n_tokens", "num_tokens", "total_token_count")
THOUGHTS = (
    *("reasoning_tokens", "thinking_tokens", "thought_tokens", "thoughts_tokens"),
    *("tokens_reasoning", "n_reasoning_tokens", "reasoning_token_count"),
)
"""Columns of tokens of thoughts, which may stand beside those of the answer."""
NO_MODEL = frozenset(
    {
        *("time", "times", "timestamp", "date", "datetime", "duration", "durations", "latency"),
        *("elapsed", "seconds", "secs", "sec", "ms", "millis", "milliseconds", "minutes", "hours"),
        *("id", "ids", "uuid", "uid", "hash", "key", "tokens", "token", "count", "counts", "total"),
        *("num", "number", "len", "length", "lengths", "size", "index", "idx", "level", "row"),
        *("rows", "fold", "seed", "epoch", "epochs", "step", "steps", "turn", "turns", "round"),
        *("run", "repeat", "repetition", "trial", "attempt", "attempts", "year", "month", "day"),
        *("hour", "minute", "start", "started", "end", "ended", "created", "updated", "at"),
        *("cost", "costs", "price", "usd", "eur", "cny", "spend", "dollars", "temperature"),
        *("weight", "split", "version", "offset", "position", "page", "bytes", "chars"),
        *("characters", "words", "difficulty", "label", "target", "answer", "reference"),
        *("expected", "gold", "truth", "solution", "rank", "shot", "shots", "contaminated"),
        *("choices", "unnamed", "n", "top", "p", "k", "threshold", "budget", "retries", "port"),
        *("status", "code", "rate", "cached", "priority", "age", "votes", "likes", "ttft", "tpot"),
        *("queue", "queued", "wait", "waiting", "delay", "first", "lat", "lon", "lng", "latitude"),
        *("longitude", "entropy", "confidence", "probability", "prob", "logprob", "percentile"),
        *("popularity", "frequency", "readability", "sentiment", "complexity", "score", "mean"),
        *("median", "std", "stddev", "variance", "percent", "hits", "views", "frac", "fraction"),
        *("distance", "similarity", "entailment", "hardness", "ratio", "quantile"),
        *("discrimination", "span", "trace", "session", "user", "thread", "annotators", "max"),
        *("currency", "timeout", "stream", "dataset", "experiment", "batch", "chunk"),
    }
)
"""Words in the names of columns of numbers that are no model's qualities."""
NO_QUERY = frozenset(
    {
        *("response", "answer", "output", "completion", "generation", "reference", "explanation"),
        *("judgment", "judgement", "reasoning", "comment", "target", "label", "expected", "gold"),
        *("rationale", "feedback", "reply", "solution", "system"),
    }
)
"""Words in the names of columns that hold texts, but none that a user wrote."""
BATTLE = (
    *(frozenset({f"{name}_a", f"{name}_b"}) for name in ("model", "winner_model", "assistant")),
    *(frozenset({f"{name}_1", f"{name}_2"}) for name in ("generator", "model")),
    *(
        frozenset({f"{name}_a", f"{name}_b", verdict})
        for name in ("response", "answer", "output")
        for verdict in ("winner", "preference", "verdict")
    ),
    frozenset({"chosen_model", "rejected_model"}),
)
"""Columns that say, together, that a table holds battles, which are no benchmark."""
_GRADED = (
    *("score", "quality", "correct", "accuracy", "acc", "grade", "rating", "passed", "pass"),
    *("correctness", "exact_match", "em", "f1", "right", "reward", "performance", "points"),
    *("judge_score", "bleu", "rouge_l", "error_rate", "loss", "wer", "cer", "perplexity"),
)
_WORDS = "|".join(sorted(_GRADED, key=len, reverse=True)).replace("_", "[_ ]")
QUALITY_OF = re.compile(
    rf"^(?:(?P<m1>.+?)\s*[|:/\-_. ([]+(?:is_)?(?P<w1>{_WORDS})[)\]]?"
    rf"|(?:is_)?(?P<w2>{_WORDS})\s*[|:/\-_. ([]+(?:(?:of|for)_)?(?P<m2>[^)\]]+)[)\]]?)$",
    re.IGNORECASE,
)
"""Names of columns of the grades of one model, by one measure."""
OF_NO_MODEL = frozenset(
    {
        *("final", "overall", "human", "judge", "total", "mean", "avg", "average", "raw", "max"),
        *("normalized", "normalised", "min", "weighted", "llm", "model", "answer", "response"),
        *("output", "eval", "expert", "user", "auto", "automatic", "manual", "strict", "flexible"),
        *("is", "semantic", "exact", "partial", "task", "test", "the", "my", "scaled", "style"),
        *("clarity", "tone", "safety", "fluency", "coherence", "format", "length", "difficulty"),
        *("question", "query", "prompt", "confidence", "norm", "threshold", "possible"),
    }
)
"""Words that name no model where they stand alone before a measure."""
AMOUNTS = {
    **dict.fromkeys(COST, "cost_usd"),
    **dict.fromkeys(ANSWER_TOKENS, "answer_tokens"),
    **dict.fromkeys((*SECONDS, *MILLISECONDS), "latency"),
    **dict.fromkeys(ANSWER, "answer"),
}
NO_QUALITY = frozenset({*AMOUNTS, *PROMPT_TOKENS})
_AMOUNTS = "|".join(sorted(AMOUNTS, key=len, reverse=True))
AMOUNT_OF = re.compile(
    rf"^(?:(?P<m1>.+?)\s*[|:/\-_. ([]+(?P<w1>{_AMOUNTS})[)\]]?"
    rf"|(?P<w2>{_AMOUNTS})\s*[|:/\-_. ([]+(?:(?:of|for)_)?(?P<m2>[^)\]]+)[)\]]?)$",
    re.IGNORECASE,
)
TOTALS = frozenset(
    {
        *("mean", "average", "avg", "total", "totals", "sum", "overall", "median", "std", "stdev"),
        *("min", "max", "count", "grand total", "mean score", "average score", "mittelwert"),
        *("summe", "gesamt", "durchschnitt", "moyenne", "promedio", "media", "среднее", "итого"),
        *("std dev", "standard deviation", "accuracy", "macro avg", "micro avg", "overall mean"),
    }
)
"""Texts of the first cell of rows that sum a table up."""


def plain_name(column: str) -> str:
    """The name of a column as it is compared.

    >>> plain_name(" Input Tokens ")
    'input_tokens'
    """
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.strip())
    return re.sub(r"\W+", "_", split).strip("_").lower()
