"""Usual names of the columns of a table, and words that say what a column is not."""

import re

from routellm_core.importing.measures import FALLING

# Usual names of a column, the likeliest first; compared in lower case, with `_` for what is no
# letter or digit.
QUERY = (
    *("query", "prompt", "question", "input", "instruction", "user_query", "user_prompt"),
    *("input_text", "query_text", "prompt_text", "question_text", "problem", "request", "text"),
    *("user_input", "user_message", "turns", "inputs", "prompts", "queries", "questions"),
    *("messages", "conversation"),
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
    *("policy_model", "target_model", "model_key", "llm_selected", "engine_name"),
)
QUALITY = (
    *("quality", "score", "correct", "is_correct", "correctness", "accuracy", "acc", "grade"),
    *("rating", "passed", "pass", "success", "reward", "performance", "exact_match", "result"),
    *("points", "outcome", "verdict", "right", "graded", "judge_score", "mark", "is_right"),
    *("is_success", "successful", "solved", "em", "f1", "f1_score", "match", "label_correct"),
    *("quality_score", "eval_score", "metric_value", "final_score", "overall_score"),
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
    *("total_cost_usd", "inference_cost", "request_cost", "response_cost", "api_cost"),
)
CURRENCY = ("currency", "cost_currency", "currency_code", "price_currency", "cost_unit")
SECONDS = (
    *("latency_s", "latency", "latency_seconds", "duration", "duration_s", "elapsed", "time_s"),
    *("response_time", "seconds", "total_time", "time_taken", "latency_sec"),
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
        *(
            "distance",
            "similarity",
            "entailment",
            "hardness",
            "ratio",
            "quantile",
            "discrimination",
        ),
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
BATTLE = frozenset(
    {
        *("model_a", "model_b", "winner", "generator_1", "generator_2", "preference"),
        *("winner_model_a", "winner_model_b", "response_a", "response_b"),
    }
)
"""Columns that say a table holds battles, which are no benchmark."""
QUALITY_OF = re.compile(
    r"^(?:(?P<m1>.+?)[|:/\-_. ](?:is_)?(?:score|quality|correct|accuracy|grade|rating|passed)"
    r"|(?:score|quality|correct|accuracy|grade|rating|passed)[|:/\-_. ](?:of_)?(?P<m2>.+))$",
    re.IGNORECASE,
)
AMOUNTS = {
    **dict.fromkeys(COST, "cost_usd"),
    **dict.fromkeys(ANSWER_TOKENS, "answer_tokens"),
    **dict.fromkeys((*SECONDS, *MILLISECONDS), "latency"),
    **dict.fromkeys(ANSWER, "answer"),
}
NO_QUALITY = frozenset({*AMOUNTS, *PROMPT_TOKENS})
AMOUNT_OF = re.compile(
    rf"^(?P<model>.+?)[|:/\-_. ](?P<what>{'|'.join(sorted(AMOUNTS, key=len, reverse=True))})$",
    re.IGNORECASE,
)
