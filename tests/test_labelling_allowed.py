"""Keys go where the operator says, and nowhere that only looks like it."""

import pytest

from routellm_core.errors import DataError
from routellm_core.labelling.key_allowlist import (
    VARIABLE,
    allowed_endpoints,
    check_allowed,
    is_below,
)
from routellm_core.labelling.plan import Endpoint, LabellingPlan

LAB = "https://lab.example/v1"


def plan(url=LAB, variable="LAB_API_KEY"):
    return LabellingPlan(
        weak=Endpoint("a", "http://other.example/v1", "a"),
        strong=Endpoint("b", url, "b", variable),
        judge=Endpoint("c", "http://other.example/v1", "c"),
    )


def test_entries_are_parted_by_blanks_or_commas_and_one_variable_has_several():
    text = f" A_KEY={LAB},B=http://[::1]:8000\n A_KEY=http://lab:8000/v1/ ,"
    assert allowed_endpoints({VARIABLE: text}) == {
        "A_KEY": (LAB, "http://lab:8000/v1/"),
        "B": ("http://[::1]:8000",),
    }
    assert allowed_endpoints({}) == allowed_endpoints({VARIABLE: " , "}) == {}


@pytest.mark.parametrize(
    "entry",
    [
        *("sk-secret", "=https://x", "sk-secret=https://x", "A", "A=", "A=x", "A=ftp://x"),
        *("A=https://", "A=https://u:p@x", "A=https://x:port", "A=https://x?q", "A=https://x/../y"),
        *("A=https://[::1", "A=https://x\\y", "A=https://x/%2e%2e"),
    ],
)
def test_an_entry_that_is_none_is_refused_and_not_repeated(entry):
    with pytest.raises(DataError, match="entry 2") as caught:
        allowed_endpoints({VARIABLE: f"A={LAB} {entry}"})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        *(LAB, f"{LAB}/", f"{LAB}/team/a", "https://LAB.example/v1", "HTTPS://lab.example:443/v1"),
        *("https://lab.example//v1",),
    ],
)
def test_an_address_at_or_below_an_allowed_one_is_below(address):
    assert is_below(address, LAB)
    check_allowed(plan(address), {"LAB_API_KEY": ("http://else", LAB)})


@pytest.mark.parametrize(
    "address",
    [
        *("http://lab.example/v1", "https://lab.example:8443/v1", "https://lab.example/v2"),
        *("https://lab.example", "https://lab.example/v10", "https://lab.example/V1"),
        *("https://lab.example.evil/v1", "https://evil/https://lab.example/v1"),
        *("https://evil-lab.example/v1", "https://xlab.example/v1", "https://lab.example./v1"),
        *(f"{LAB}/../v2", f"{LAB}/./x", f"{LAB}/%2e%2e/v2", f"{LAB}/..;/v2", f"{LAB}\\..\\v2"),
        *(
            "https://lab.example\\@evil/v1",
            "https://lab.example#@evil/v1",
            "https://lab\t.example/v1",
        ),
        *("https://ｌab.example/v1", "https://lab.example:0/v1", f"{LAB}#/v1", f"{LAB} /v1"),
    ],
)
def test_an_address_that_only_looks_like_it_is_not(address):
    assert not is_below(address, LAB)


def test_a_key_goes_to_its_own_addresses_only():
    allowed = {"LAB_API_KEY": (LAB,), "OTHER_API_KEY": ("https://other.example",)}
    check_allowed(plan(), allowed)
    with pytest.raises(DataError, match=r"may only go to https://lab\.example/v1;"):
        check_allowed(plan("https://other.example/v1"), allowed)
    with pytest.raises(DataError, match="'b': its key variable is not among") as caught:
        check_allowed(plan(variable="sk_typed_here"), allowed)
    assert "sk_typed_here" not in str(caught.value)
    with pytest.raises(DataError, match=VARIABLE):
        check_allowed(plan(), {})


def test_an_endpoint_that_wants_no_key_needs_no_leave():
    check_allowed(plan("http://anywhere:1", None), {})
