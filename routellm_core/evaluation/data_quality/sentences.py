"""Sentences of the findings, for screen and terminal."""

from routellm_core.evaluation.data_quality.findings import DataFinding
from routellm_core.types import Benchmark, ModelPair
from routellm_core.wording.numbers import p_text, quality_with_unit


def finding(found: DataFinding, card: Benchmark, model_pair: ModelPair) -> str:
    """One sentence with its figures.

    Args:
        found: from `check`.
        card: of the benchmark.
        model_pair: the one that was checked.
    """

    def quality(name: str) -> str:
        return quality_with_unit(found.figures[name], card.quality_unit)

    n = {name: f"{value:,.0f}" for name, value in found.figures.items()}
    weak, strong = model_pair
    model, slice_name = (*found.models, "")[0], (*found.slices, "")[0]
    match found.kind:
        case "off_scale":
            return (
                f"{n['n_off']} of {n['n_queries']} qualities of {model} are no number from "
                f"{card.quality_low:g} to {card.quality_high:g}."
            )
        case "always_equal":
            return (
                f"Both models have the same quality on all {n['n_queries']} queries: there is "
                "nothing to route."
            )
        case "swapped_models":
            return (
                f"{strong}, named as the strong model, reaches {quality('quality_strong')}, below "
                f"the {quality('quality_weak')} of {weak} ({_signs(found, n)}): swap them. As it "
                "is, strong calls cost quality, and the better router has the lower APGR."
            )
        case "broken_slice" | "reversed_gap":
            lowest = f", and its lowest quality of all {n['n_slices']} slices"
            return (
                f"On {slice_name} {strong} reaches {quality('quality_strong')}, below the "
                f"{quality('quality_weak')} of {weak}{lowest * (found.kind == 'broken_slice')} "
                f"({_signs(found, n)})."
            )
        case "no_gap":
            return (
                f"In {n['n_flat']} of {n['n_slices']} slices the 95% interval of the gap contains "
                "0: no router can be seen to gain anything there."
            )
        case "tiny_slice":
            return (
                f"{n['n_tiny']} of {n['n_slices']} slices have fewer than {n['fewest']} queries, "
                f"the smallest {n['smallest']}: their intervals are wide."
            )
        case "repeated_queries":
            return (
                f"{n['n_repeated']} of {n['n_queries']} queries repeat the text of an earlier one; "
                f"{n['n_different']} of the {n['n_repeated_texts']} repeated texts have different "
                "outcomes. Each text is one draw in intervals."
            )
        case "missing_tokens":
            what = f"answers of {model}" if found.models else "queries"
            some, average = f"{n['n_missing']} of {n['n_queries']}", "the mean of the others"
            if found.figures["n_missing"] == found.figures["n_queries"]:
                some, average = f"all {n['n_queries']}", "the paper's average"
            return f"The tokens of {some} {what} were not counted: costs take {average}."
        case "copied_tokens":
            return (
                f"Both models have the same number of answer tokens on all {n['n_counted']} "
                "queries where both were counted: costs of one of them are wrong."
            )
        case "constant_measure":
            return (
                f"All {n['n_models']} models have {quality('quality')} on all {n['n_queries']} "
                "queries: this measure tells nothing apart."
            )
        case "non_english":
            return (
                f"{n['n_non_english']} of {n['n_queries']} queries with a text are not in English: "
                "the shipped routers learned from English, so their scores say less there."
            )
        case "constant_quality" if not found.slices:
            return f"{model} has one and the same quality on all its {n['n_queries']} queries."
        case "constant_quality":
            return (
                f"{model} has {quality('quality')} on every one of the {n['n_queries']} queries of "
                f"{slice_name}, which chance does not explain ({p_text(found.p_value)})."
            )
        case "below_chance":
            return (
                f"{model} is right on {found.figures['share_right']:.2%} of the {n['n_queries']} "
                f"queries of {slice_name}, where guessing gives {found.figures['guessing']:.0%} "
                f"({p_text(found.p_value)}): its answers were likely misread."
            )
        case "same_length":
            longest = ", none more" * bool(found.figures["is_longest"])
            return (
                f"{n['n_same']} of {n['n_counted']} answers of {model} have "
                f"{found.figures['tokens']:g} tokens{longest}: they were cut off there, or not "
                "counted."
            )
        case "empty_answers" | "cut_answers":
            what = "empty" if found.kind == "empty_answers" else "cut off at a limit"
            without = (
                f"it reaches {quality('quality_of_others')} on the {n['n_others']} others and "
                f"{quality('quality')} on all"
                if found.figures["n_others"]
                else "there are no others"
            )
            return f"{n['n_lacking']} of {n['n_queries']} answers of {model} are {what}: {without}."
        case "missing_answers":
            beside = ""
            if found.figures["n_of_other"] and found.figures["n_rest"]:
                beside = (
                    f"; {strong if model == weak else weak} reaches {quality('quality_of_other')} "
                    f"on {n['n_of_other']} of them and {quality('quality_rest')} on the rest "
                    f"({p_text(found.p_value)})"
                )
            return (
                f"{model} has no outcome on {n['n_missing']} of {n['n_queries']} queries, which "
                f"the pair leaves out{beside}."
            )
        case "contaminated":
            return (
                f"{n['n_contaminated']} of {n['n_queries']} queries stand in what routers learned "
                "from and are left out of every figure."
            )


def _signs(found: DataFinding, n: dict[str, str]) -> str:
    return (
        f"n = {n['n_queries']}; better on {n['n_better']} queries, worse on {n['n_worse']}, "
        f"{p_text(found.p_value)}"
    )
