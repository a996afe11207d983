"""What is odd about the outcomes of a benchmark, before anybody reads a router's figures from them.

`check` runs every check and gives findings: what was seen, in one sentence with its figures, and
the queries it concerns. `effect_of_excluding` says what the figures of a router are without those.
"""

from routellm_core.evaluation.data_quality.checking import GUESSING, check
from routellm_core.evaluation.data_quality.excluding import Effect, Headline, effect_of_excluding
from routellm_core.evaluation.data_quality.findings import (
    FALSE_ALARM,
    SEVERITIES,
    Finding,
    Severity,
)

__all__ = [
    "FALSE_ALARM",
    "GUESSING",
    "SEVERITIES",
    "Effect",
    "Finding",
    "Headline",
    "Severity",
    "check",
    "effect_of_excluding",
]
