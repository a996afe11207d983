"""Published figures of RouteLLM's routers: arXiv 2406.18665, version 4, tables 1 to 3 and 5."""

from typing import NamedTuple

from routellm_core.types import ModelPair

SOURCE = "https://arxiv.org/abs/2406.18665v4"
PAIR = ModelPair(weak="mistralai/Mixtral-8x7B-Instruct-v0.1", strong="gpt-4-1106-preview")


class Published(NamedTuple):
    """One row of the paper's tables; shares are fractions."""

    benchmark_id: str
    router: str
    """By this project's name of the method."""
    trained_on: str
    """In the paper's words."""
    cpt50: float
    cpt80: float
    apgr: float


PUBLISHED = (
    Published("mt_bench", "random", "–", 0.4903, 0.7808, 0.500),
    Published("mt_bench", "bert", "Arena", 0.7809, 0.8764, 0.391),
    Published("mt_bench", "causal_llm", "Arena", 0.2882, 0.7753, 0.573),
    Published("mt_bench", "mf", "Arena", 0.2532, 0.7426, 0.580),
    Published("mt_bench", "sw_ranking", "Arena", 0.3785, 0.5899, 0.610),
    Published("mt_bench", "bert", "Arena + judge", 0.1958, 0.3402, 0.751),
    Published("mt_bench", "causal_llm", "Arena + judge", 0.3150, 0.4875, 0.679),
    Published("mt_bench", "mf", "Arena + judge", 0.1340, 0.3131, 0.802),
    Published("mt_bench", "sw_ranking", "Arena + judge", 0.2321, 0.3604, 0.759),
    Published("mmlu", "random", "–", 0.5007, 0.7993, 0.500),
    Published("mmlu", "bert", "Arena", 0.4943, 0.7780, 0.502),
    Published("mmlu", "causal_llm", "Arena", 0.4888, 0.7793, 0.499),
    Published("mmlu", "mf", "Arena", 0.4500, 0.7686, 0.524),
    Published("mmlu", "sw_ranking", "Arena", 0.5582, 0.8025, 0.473),
    Published("mmlu", "bert", "Arena + gold", 0.4130, 0.7220, 0.572),
    Published("mmlu", "causal_llm", "Arena + gold", 0.3549, 0.7031, 0.600),
    Published("mmlu", "mf", "Arena + gold", 0.3546, 0.7140, 0.597),
    Published("mmlu", "sw_ranking", "Arena + gold", 0.3540, 0.7155, 0.603),
    Published("gsm8k", "random", "–", 0.5000, 0.8008, 0.497),
    Published("gsm8k", "bert", "Arena", 0.5878, 0.8384, 0.438),
    Published("gsm8k", "causal_llm", "Arena", 0.5609, 0.8356, 0.461),
    Published("gsm8k", "mf", "Arena", 0.5359, 0.8524, 0.4746),
    Published("gsm8k", "sw_ranking", "Arena", 0.5443, 0.8211, 0.4753),
    Published("gsm8k", "bert", "Arena + judge", 0.4476, 0.7909, 0.531),
    Published("gsm8k", "causal_llm", "Arena + judge", 0.3364, 0.6326, 0.622),
    Published("gsm8k", "mf", "Arena + judge", 0.3882, 0.7262, 0.565),
    Published("gsm8k", "sw_ranking", "Arena + judge", 0.4121, 0.7220, 0.568),
)


class PublishedSimilarity(NamedTuple):
    """S(B, D) of table 5, between a training set and a benchmark."""

    benchmark_id: str
    trained_on: str
    """In the paper's words."""
    similarity: float


SIMILARITY_EMBEDDER = "text-embedding-3-small"
PUBLISHED_SIMILARITY = (
    PublishedSimilarity("mt_bench", "Arena", 0.6078),
    PublishedSimilarity("mt_bench", "Arena + judge", 0.6525),
    PublishedSimilarity("mmlu", "Arena", 0.4823),
    PublishedSimilarity("mmlu", "Arena + gold", 0.5678),
    PublishedSimilarity("gsm8k", "Arena", 0.4926),
    PublishedSimilarity("gsm8k", "Arena + judge", 0.5335),
)
