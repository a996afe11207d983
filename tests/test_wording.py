"""Numbers and short texts: one form on screen and in the terminal, for whatever value comes."""

import math
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routellm_core.commands import evaluate
from routellm_core.policy.export import packing
from routellm_core.wording import numbers, text
from routellm_core.wording.numbers import DASH, MINUS, fixed, percent, signed, usd_text
from views.text.escape import plain

UNDEFINED = [None, math.nan, math.inf, -math.inf]
ONE_VALUE = [
    fixed,
    signed,
    percent,
    usd_text,
    numbers.significant,
    numbers.seconds_text,
    numbers.ms_text,
    numbers.duration,
]
values = st.floats(allow_nan=False, allow_infinity=False)
digits = st.integers(0, 6)


def as_number(written):
    """What a reader takes a written figure for."""
    return float(written.replace(MINUS, "-").replace(",", "").strip("+$% sm"))


@pytest.mark.parametrize("write", ONE_VALUE)
@pytest.mark.parametrize("value", UNDEFINED)
def test_what_is_no_number_is_a_dash(write, value):
    assert write(value) == DASH
    assert numbers.both_ends((value, 1.0), write) == DASH
    assert numbers.span((0.0, value), write) == f"95% {DASH}"
    assert numbers.brackets((value, value), write) == f"[{DASH}, {DASH}]"


def test_a_p_value_and_a_quality_without_a_number_are_dashes():
    assert numbers.p_text(math.nan) == f"p {DASH}"
    assert numbers.quality_with_unit(math.nan, "share right") == DASH
    assert numbers.gpu_memory(None) == f"{DASH} GiB of GPU memory"


@given(values, digits)
def test_a_figure_reads_as_the_number_that_python_rounds_to(value, n):
    assert as_number(fixed(value, n)) == float(f"{value:.{n}f}")
    assert as_number(signed(value, n)) == float(f"{value:.{n}f}")


@pytest.mark.parametrize("write", ONE_VALUE)
@given(values)
def test_no_figure_has_a_hyphen_an_exponent_or_a_sign_before_zero(write, value):
    written = write(value)
    assert not re.search(r"-|e[+\d]|nan|inf", written)
    if not re.search("[1-9]", written):
        assert MINUS not in written
        assert "+" not in written


@given(st.floats(-1, 1))
def test_a_share_is_read_in_percent(share):
    assert as_number(percent(share)) == float(f"{100 * share:.1f}")


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        (0.0, "$0.00"),
        (-0.0, "$0.00"),
        (1234.5, "$1,234.50"),
        (0.00876, "$0.00876"),
        (0.1804, "$0.180"),
        (-0.5, "−$0.500"),
        (-1e-9, "$0.000000"),
        (1e-320, "$0.000000"),
    ],
)
def test_money_has_three_figures(usd, shown):
    assert usd_text(usd) == shown


@given(st.floats(1e-4, 1e12))
def test_three_figures_of_money_and_of_times_are_true(value):
    for written in (usd_text(value), numbers.seconds_text(value), numbers.ms_text(value)):
        assert as_number(written) == pytest.approx(value, rel=6e-3)


@pytest.mark.parametrize(
    ("value", "shown"), [(0.1234, "+0.123"), (-0.1234, "−0.123"), (-0.0001, "0.000")]
)
def test_a_margin_has_its_sign(value, shown):
    assert signed(value, 3) == shown


@given(st.floats(1, 1e9))
def test_a_number_of_queries_has_two_digits_and_is_never_rounded_below_what_is_needed(n):
    assert abs(numbers.two_digits(n) - n) <= max(0.05 * n, 1)
    assert 0 <= numbers.two_digits(n, up=True) - n <= max(0.1 * n, 1)
    assert len(str(numbers.two_digits(n)).rstrip("0")) <= 2


def test_a_number_of_queries_that_no_one_knows_is_said_in_words():
    assert numbers.more_queries(math.nan) == "how many more queries would show it is not known"
    assert numbers.short_more(math.nan) == "no gap"


def test_the_terminal_shows_a_figure_as_the_screen_does():
    """Of a line of `evaluate`: the same minus, the same dash."""
    report = {
        "benchmark": "b",
        "n_queries": 1_234,
        "model_pair": {"strong": "s", "weak": "w"},
        "quality_strong": 0.5,
        "quality_weak": math.nan,
        "oracle": {"apgr": 0.9},
        "routers": [],
        "ahead": [
            {
                "router": "a",
                "recipe": "r",
                "over": "b",
                "over_recipe": "r",
                "view": "in_domain",
                "gain": -0.0123,
                "gain_interval": (-0.02, 0.001),
            }
        ],
    }
    head, ahead = evaluate.lines(report)
    assert f"s {fixed(0.5, 6)}, w {DASH}," in head
    assert ahead.endswith(f"APGR {signed(-0.0123)} [{signed(-0.02)}, {signed(0.001)}]")


@pytest.mark.parametrize(
    ("long", "shown"),
    [
        ("  a\tb\r\n c ", "a b c"),
        ("\u202eevil\u2066 x\u200f", "evil x"),
        ("nul\0 bell\a esc\x1b del\x7f c1\x9b", "nul bell esc del c1"),
        ("x" * 30, "x" * 19 + "…"),
        ("1234567890123456789 more", "1234567890123456789…"),
        ("", ""),
        ("👩‍🔬 ok", "👩‍🔬 ok"),
    ],
)
def test_a_text_in_a_list_is_one_short_line_without_control_or_direction_marks(long, shown):
    assert text.one_line(long, 20) == shown


marks = st.text(
    st.characters(exclude_categories=("Cs",)) | st.sampled_from("\u202e\u2066\u200f\0\x1b\r\n")
)


@given(marks, st.integers(1, 60))
def test_no_mark_reaches_a_line(long, length):
    line = text.one_line(long, length)
    assert len(line) <= length
    assert not any(unicodedata.category(c) == "Cc" for c in line)
    assert not set(line) & set("\u061c\u200e\u200f\u202a\u202e\u2066\u2069")


@given(marks)
def test_a_whole_text_keeps_its_lines_and_has_no_control_characters(long):
    shown = text.whole_text(long)
    assert not any(unicodedata.category(c) == "Cc" for c in shown if c not in "\n\t")
    assert shown.count("\n") == len(re.findall("\r\n|\r|\n", long))


def test_control_characters_become_pictures():
    assert text.whole_text("a\r\nb\tc\0\x7f\x9b\u202e") == "a\nb\tc␀␡\ufffd\u202e"


@given(marks)
def test_screen_and_exported_files_escape_the_same_marks(name):
    assert plain(name).replace("\u2060", "") == text.escaped(name.replace("\u2060", ""))


def test_names_in_sentences_and_in_backticks():
    assert [text.joined(names) for names in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]
    assert text.code("a`b") == "`a'b`"
    assert packing.code is text.code
