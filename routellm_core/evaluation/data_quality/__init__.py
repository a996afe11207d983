"""Checks of the outcomes of a benchmark, before a router's figures are read from them.

`check` runs every check and gives findings: a kind, figures and the queries that it concerns;
`sentences` words them. `effect_of_excluding` gives the figures of a router without those queries.
"""

from routellm_core.evaluation.data_quality.checking import GUESSING, check
from routellm_core.evaluation.data_quality.excluding import Effect, Headline, effect_of_excluding
from routellm_core.evaluation.data_quality.findings import (
    FALSE_ALARM,
    SEVERITIES,
    DataFinding,
    Severity,
)

__all__ = [
    "FALSE_ALARM",
    "GUESSING",
    "SEVERITIES",
    "DataFinding",
    "Effect",
    "Headline",
    "Severity",
    "check",
    "effect_of_excluding",
]
