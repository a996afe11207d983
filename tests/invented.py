"""Invented things to train on: word vectors in place of a model, golden labels, verdicts."""

import itertools
import re
from zlib import crc32

import numpy as np
import pandas as pd

from routellm_core.schemas import BATTLE_COLUMNS
from routellm_core.text_keys import group_key, text_hash
from routellm_core.types import Benchmark

SLICES = ("kettles", "ropes", "tides", "moths", "bells", "chalk")


class WordVectors:
    """Bags of words as unit vectors: texts that share all words but few are near each other."""

    dimension = 512

    def __init__(self, name="words"):
        self.name = name

    def embed(self, queries):
        vectors = np.zeros((len(queries), self.dimension), dtype=np.float32)
        for row, query in zip(vectors, queries, strict=True):
            for word in query.casefold().split():
                number = crc32(word.encode())
                row[[number % 256, 256 + (number >> 16) % 256]] += 1.0
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

    def token_shares(self, query):
        """A word is a token; the rows sum to the embedding."""
        spans = [match.span() for match in re.finditer(r"\S+", query)]
        rows = np.zeros((len(spans), self.dimension), dtype=np.float32)
        for row, (start, end) in zip(rows, spans, strict=True):
            number = crc32(query[start:end].casefold().encode())
            row[[number % 256, 256 + (number >> 16) % 256]] += 1.0
        return rows / max(np.linalg.norm(rows.sum(axis=0)), 1e-9), spans


def golden_texts(benchmark_id, n=60, slices=SLICES):
    """Queries that begin with "prove" where the small model fails, each slice having both."""
    verbs = ["prove" if is_hard(i, slices) else "say" for i in range(n)]
    return [
        f"{verb} {slices[i % len(slices)]} {benchmark_id}{i} now" for i, verb in enumerate(verbs)
    ]


def is_hard(i, slices=SLICES):
    return i // len(slices) % 2 == 0


def add_golden(store, benchmark_id, texts=None, slices=SLICES, models=("small", "large")):
    """A benchmark whose hard queries only the second model answers; its texts in order."""
    texts = golden_texts(benchmark_id, slices=slices) if texts is None else texts
    n = len(texts)
    query_id = [f"{benchmark_id}-{i:03}" for i in range(n)]
    weak = [0.0 if is_hard(i, slices) else 1.0 for i in range(n)]
    store.add_benchmark(
        Benchmark(benchmark_id, benchmark_id, "", "", "user", 0.0, 1.0, "share right", "", ""),
        pd.DataFrame(
            {
                "query_id": query_id,
                "slice": [slices[i % len(slices)] for i in range(n)],
                "cluster_id": [group_key(text) for text in texts],
                "text_hash": [text_hash(text) for text in texts],
            }
        ),
        pd.DataFrame(
            {
                "query_id": query_id * 2,
                "model": [models[0]] * n + [models[1]] * n,
                "quality": weak + [1.0] * n,
            }
        ),
    )
    rows = pd.DataFrame({"text_hash": [text_hash(t) for t in texts], "text": texts})
    store.add_texts(rows.drop_duplicates("text_hash"))
    return texts


def verdicts(n=60, models=("small", "large"), source="chat", queries=None):
    """Battles in the agreed form; a model later in the list is mostly better."""
    queries = queries or [f"tell about pebble{i} and cloud{i} of {source}" for i in range(n)]
    pairs = itertools.cycle(itertools.combinations(models, 2))
    n_pairs = len(models) * (len(models) - 1) // 2
    winners = ("model_b", "tie", "model_b", "model_a")
    rows = [
        (query, *pair, winners[i // n_pairs % len(winners)], "owl", source)
        for i, (query, pair) in enumerate(zip(queries, pairs, strict=False))
    ]
    return pd.DataFrame(rows, columns=list(BATTLE_COLUMNS))
