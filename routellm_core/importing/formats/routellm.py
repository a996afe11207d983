"""RouteLLM's evaluation files: MMLU, GSM8K and MT-Bench outcomes of GPT-4 and Mixtral.

Reads a checkout's folder or a .tar.gz of it. A query is `contaminated` when RouteLLM found it in
its training data: for MMLU and GSM8K when its exact text is listed, for MT-Bench when the text of
either turn is.

What the token counts mean (cl100k_base, for both models):

- `prompt_tokens`: what the user wrote, each sentence once. MMLU and GSM8K: the query. MT-Bench:
  both turns; the conversation that goes along again with turn two is not counted.
- `answer_tokens`: MMLU has no answers on file, so NaN. GSM8K: the response. MT-Bench: the answers
  to both turns, as the judge saw them.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from routellm_core.errors import DataError
from routellm_core.importing import Imported
from routellm_core.importing.readers.checkout import Checkout, is_archive
from routellm_core.importing.tokens import NOT_COUNTED, Counting, n_tokens
from routellm_core.text_keys import group_key, text_hash
from routellm_core.types import Benchmark

EVALS = "routellm/evals"
WEAK, STRONG = "mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"
MODELS = (WEAK, STRONG)
SOURCE = "RouteLLM's repository, routellm/evals"


def recognises(path: Path) -> bool:
    """True if the folder, or the .tar.gz, holds `routellm/evals`."""
    if not path.is_dir() and not is_archive(path):
        return False
    try:
        Checkout(path, EVALS)
    except DataError:
        return False
    return True


def read(path: Path, *, counting: Counting = "wanted") -> list[Imported]:
    """The three benchmarks.

    Args:
        path: root of a RouteLLM checkout, or a .tar.gz of it.
        counting: of tokens; without the tokenizer counts are NaN and a note says so, unless they
            are needed.

    Raises:
        DataError: a file or column is missing, empty or of another form.
        MissingPackageError: the tokenizer is needed and absent.
    """
    checkout = Checkout(path, EVALS)
    return [
        _mmlu(checkout, counting),
        _gsm8k(checkout, counting),
        _mt_bench(checkout, counting),
    ]


def _mmlu(checkout: Checkout, counting: Counting) -> Imported:
    folder = f"{EVALS}/mmlu/responses"
    subjects = []
    for name in checkout.names(folder, ".csv"):
        frame = checkout.csv(name, ("prompt", *MODELS))
        subject = Path(name).stem.removeprefix("mmlu_")
        frame["slice"] = subject
        frame["query_id"] = [f"{subject}-{row:04d}" for row in range(len(frame))]
        for model in MODELS:
            frame[model] = _right(frame[model], name)
        subjects.append(frame)
    if not subjects:
        raise DataError(f"{folder}: there is no .csv file; take a complete checkout")
    rows = pd.concat(subjects, ignore_index=True)
    return _imported(
        _card("mmlu", "MMLU", "Knowledge across 57 subjects, multiple choice.", "MIT"),
        rows,
        contaminated=rows["prompt"].isin(_listed(checkout, "mmlu")),
        prompt_tokens=n_tokens(rows["prompt"].tolist(), counting),
        answer_tokens={model: np.full(len(rows), np.nan) for model in MODELS},
    )


def _gsm8k(checkout: Checkout, counting: Counting) -> Imported:
    name = f"{EVALS}/gsm8k/gsm8k_responses.csv"
    responses = {model: f"{model}_response" for model in MODELS}
    rows = checkout.csv(name, ("prompt", *MODELS, *responses.values()))
    rows["slice"] = "gsm8k"
    rows["query_id"] = [f"gsm8k-{row:04d}" for row in range(len(rows))]
    for model in MODELS:
        rows[model] = _right(rows[model], name)
    return _imported(
        _card("gsm8k", "GSM8K", "Grade-school word problems of several steps.", "MIT"),
        rows,
        contaminated=rows["prompt"].isin(_listed(checkout, "gsm8k")),
        prompt_tokens=n_tokens(rows["prompt"].tolist(), counting),
        answer_tokens={
            model: n_tokens(rows[column].tolist(), counting) for model, column in responses.items()
        },
    )


def _mt_bench(checkout: Checkout, counting: Counting) -> Imported:
    name = f"{EVALS}/mt_bench/question.jsonl"
    questions = checkout.json_lines(name, {"question_id": int, "category": str, "turns": list})
    for row, turns in enumerate(questions["turns"], start=1):
        if len(turns) != 2 or not all(isinstance(turn, str) for turn in turns):
            raise DataError(f"{name}, line {row}, field 'turns': is not two texts; fetch it again")
    if questions["question_id"].duplicated().any():
        raise DataError(f"{name}, field 'question_id': holds a number twice; fetch it again")
    turns = pd.DataFrame(questions["turns"].tolist(), columns=[1, 2])
    rows = pd.DataFrame(
        {
            "query_id": questions["question_id"].astype(str),
            "slice": questions["category"],
            "prompt": turns[1],
        }
    )
    judged = _judgements(checkout, questions)
    listed = _listed(checkout, "mt_bench")
    answer_tokens = {}
    for model in MODELS:
        of_model = judged.xs(model, level="model")
        rows[model] = (
            of_model.groupby("question_id")["score"].mean()[questions["question_id"]].to_numpy()
        )
        conversations = of_model.xs(2, level="turn")["user_prompt"][questions["question_id"]]
        answers = [
            _answers(conversation, *asked)
            for conversation, asked in zip(conversations, questions["turns"], strict=True)
        ]
        answer_tokens[model] = sum(
            n_tokens([answer[turn] for answer in answers], counting) for turn in (0, 1)
        )
    return _imported(
        _card("mt_bench", "MT-Bench", "Open-ended, judged by GPT-4.", "Apache-2.0"),
        rows,
        contaminated=turns.isin(listed).any(axis=1),
        prompt_tokens=sum(n_tokens(turns[t].tolist(), counting) for t in (1, 2)),
        answer_tokens=answer_tokens,
    )


def _judgements(checkout: Checkout, questions: pd.DataFrame) -> pd.DataFrame:
    """Scores and judged conversations by (question_id, model, turn), complete for both models."""
    name = f"{EVALS}/mt_bench/judgements.jsonl"
    judged = checkout.json_lines(
        name,
        {
            "question_id": int,
            "model": str,
            "turn": int,
            "score": (int, float),
            "user_prompt": str,
        },
    )
    unknown = sorted(set(judged["model"]) - set(MODELS))
    if unknown:
        raise DataError(f"{name}, field 'model': {', '.join(unknown)} is none of {MODELS}")
    off = ~judged["score"].between(1, 10)
    if off.any():
        raise DataError(
            f"{name}, field 'score': {judged['score'][off].iloc[0]} on line "
            f"{int(off.to_numpy().argmax()) + 1} is outside 1 to 10; judge that answer again"
        )
    judged = judged.set_index(["question_id", "model", "turn"])
    wanted = pd.MultiIndex.from_product([questions["question_id"], MODELS, (1, 2)])
    if judged.index.has_duplicates or set(judged.index) != set(wanted):
        raise DataError(
            f"{name}: there must be one judgement a question, model and turn; "
            f"{len(wanted.difference(judged.index))} are missing, "
            f"{int(judged.index.duplicated().sum())} repeat, "
            f"{len(judged.index.difference(wanted))} belong to no question; fetch it again"
        )
    return judged


def _answers(conversation: str, turn_one: str, turn_two: str) -> tuple[str, str]:
    """The assistant's answers to both turns, out of what the judge of turn two was shown."""
    between = "\n\n### Assistant A:\n"
    _, _, shown = conversation.partition("<|The Start of Assistant A's Conversation with User|>")
    shown, ended, _ = shown.rpartition("\n\n<|The End of Assistant A's Conversation with User|>")
    _, first, rest = shown.partition(f"### User:\n{turn_one}{between}")
    answer_one, second, answer_two = rest.partition(f"\n\n### User:\n{turn_two}{between}")
    if not (ended and first and second):
        raise DataError(
            f"{EVALS}/mt_bench/judgements.jsonl, field 'user_prompt': a conversation does not hold "
            f"both turns of its question (it starts {conversation[:40]!r}); fetch it again"
        )
    return answer_one, answer_two


def _imported(
    card: Benchmark,
    rows: pd.DataFrame,
    contaminated: pd.Series,
    prompt_tokens: Any,
    answer_tokens: dict[str, Any],
) -> Imported:
    """Tables from rows with query_id, slice, prompt and a column of qualities a model."""
    hashes = rows["prompt"].map(text_hash)
    queries = pd.DataFrame(
        {
            "query_id": rows["query_id"],
            "slice": rows["slice"],
            "cluster_id": rows["prompt"].map(group_key),
            "contaminated": contaminated,
            "prompt_tokens": prompt_tokens,
            "text_hash": hashes,
        }
    )
    outcomes = pd.concat(
        [
            pd.DataFrame(
                {
                    "query_id": rows["query_id"],
                    "model": model,
                    "quality": rows[model],
                    "answer_tokens": answer_tokens[model],
                }
            )
            for model in MODELS
        ],
        ignore_index=True,
    )
    texts = pd.DataFrame({"text_hash": hashes, "text": rows["prompt"]}).drop_duplicates("text_hash")
    notes = (NOT_COUNTED,) if queries["prompt_tokens"].isna().all() else ()
    return Imported(card, queries, outcomes, texts.reset_index(drop=True), notes)


def _listed(checkout: Checkout, benchmark_id: str) -> set[str]:
    name = f"{EVALS}/{benchmark_id}/contaminated_prompts.jsonl"
    return set(checkout.json_lines(name, {"eval_prompt": str})["eval_prompt"])


def _right(values: pd.Series, name: str) -> pd.Series:
    right = values.map({"True": 1.0, "False": 0.0})
    if right.isna().any():
        row = int(right.isna().to_numpy().argmax())
        raise DataError(
            f"{name}, column {values.name!r}, row {row + 1}: {values.iloc[row]!r} is neither True "
            "nor False; fetch the file again"
        )
    return right.astype(float)


def _card(benchmark_id: str, title: str, description: str, licence: str) -> Benchmark:
    judged = benchmark_id == "mt_bench"
    return Benchmark(
        benchmark_id=benchmark_id,
        title=title,
        description=description,
        weak_spots="",
        origin="user",
        quality_low=1.0 if judged else 0.0,
        quality_high=10.0 if judged else 1.0,
        quality_unit="points" if judged else "share right",
        source=SOURCE,
        licence=f"outcomes Apache-2.0 (RouteLLM), queries {licence}",
    )
