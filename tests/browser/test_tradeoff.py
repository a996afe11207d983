"""The Trade-off page as a person uses it, on the shipped data."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from routellm_core.store import Store
from routellm_core.types import ModelPair
from tests.browser.checks import (
    at_rest,
    link,
    link_lacks,
    link_says,
    nothing_scrolls_sideways,
    nothing_serious,
)

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def app_env(tmp_path_factory):
    """A store of the tests' own, built by the app itself at its first visit."""
    return {"ROUTELLM_STORE": str(tmp_path_factory.mktemp("app") / "explorer.duckdb")}


@pytest.fixture
def visit(streamlit_server, browser_page, app_env):
    def visit(query="", **screen):
        page = browser_page(**screen)
        page.goto(f"{streamlit_server('app.py', app_env)}/{query}")
        expect(page.locator(".live-curve .chart")).to_be_visible(timeout=60_000)
        return page

    return visit


def number(page, tile):
    return page.locator(f"[data-tile={tile}] .number")


def drag_knob(page, dx, *, release=True):
    box = page.locator(".handle .knob").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y)
    page.mouse.move(x + dx, y)
    if release:
        page.mouse.up()


def test_the_first_paint_is_a_finished_picture(visit):
    page = visit()
    expect(page.locator(".sentence")).to_contain_text(
        re.compile(r"At α = 0\.\d+, 30% of queries go to gpt-4-1106: \d\d\.\d% right")
    )
    for tile in ("alpha", "share", "quality", "pgr", "cost", "saving"):
        expect(number(page, tile)).to_have_text(re.compile(r"\d"))
    expect(page.locator("[data-tile=quality]")).to_contain_text("n 14,037")
    expect(page.get_by_text("Where the quality comes from")).to_be_visible()


def test_tiles_and_sentence_move_while_dragging_and_the_link_follows_on_release(visit):
    page = visit()
    sentence, quality = page.locator(".sentence"), number(page, "quality")
    before = sentence.inner_text(), quality.inner_text()
    name = page.locator(".st-key-model_name code")
    named = name.inner_text()
    drag_knob(page, -120, release=False)
    expect(sentence).not_to_have_text(before[0])
    expect(quality).not_to_have_text(before[1])
    link_lacks(page, "mode")
    slices = page.locator(".data-table tbody")
    waiting = slices.inner_text()
    page.mouse.up()
    link_says(page, mode="alpha")
    expect(slices).not_to_have_text(waiting)
    alpha = float(link(page)["wanted"])
    # What depends on Python agrees with what the browser shows.
    assert float(number(page, "alpha").inner_text()) == pytest.approx(alpha, abs=0.001)
    expect(name).not_to_have_text(named)
    assert float(name.inner_text().rsplit("-", 1)[1]) == pytest.approx(alpha, abs=0.001)


def test_a_reload_restores_what_the_link_holds(visit):
    page = visit()
    drag_knob(page, -150)
    link_says(page, mode="alpha")
    page.get_by_role("button", name="Pin A").click()
    link_says(page, mode="alpha", pin=r"0\.\d+")
    alpha, held = number(page, "alpha").inner_text(), link(page)
    page.reload()
    expect(number(page, "alpha")).to_have_text(alpha, timeout=20_000)
    at_rest(page)
    assert link(page) == held
    expect(page.get_by_role("button", name="Unpin A")).to_be_visible()


def test_a_budget_says_what_was_wanted_and_what_is_achieved(visit):
    page = visit()
    page.locator(".modes label", has_text="Budget").click()
    page.get_by_label("$ a month").fill("400")
    page.get_by_label("$ a month").press("Enter")
    link_says(page, mode="budget", wanted="400(\\.0)?")
    status = page.locator(".status")
    expect(status).to_have_text(re.compile(r"wanted \$400\.00 a month · achieved \$3\d\d\.\d\d"))
    drag_knob(page, 60)
    link_says(page, mode="alpha")
    expect(status).to_have_text("custom α")


def test_a_budget_that_buys_nothing_is_said_in_words(visit):
    page = visit("?mode=budget&wanted=1&queries_per_month=1000000")
    expect(page.locator("[role=alert]").filter(has_text="does not pay for")).to_be_visible()


def test_a_promise_moves_alpha_stands_in_the_link_and_is_left_by_hand(visit):
    page = visit()
    usual, said = number(page, "alpha").inner_text(), page.locator(".promised")
    expect(said).to_be_hidden()
    page.locator(".modes label", has_text="Guarantee").click()
    link_says(page, mode="promise", promise="keep", wanted="0.95", confidence="0.95")
    expect(said).to_contain_text("◆ With 95% confidence at least 95% of the strong model's quality")
    expect(said).to_contain_text(re.compile(r"On 6,270 held-out queries: 9\d\.\d% kept"))
    expect(said).to_contain_text("This holds for the training method.")
    expect(said).to_contain_text("Moving α by hand ends the guarantee.")
    expect(number(page, "alpha")).not_to_have_text(usual)
    assert page.get_by_label("Seed").count() == 0  # who may draw seeds guarantees nothing
    page.get_by_label("What is guaranteed").select_option("lose at most")
    link_says(page, mode="promise", promise="lose", wanted="0.02", confidence="0.95")
    expect(page.get_by_label("points against always gpt-4-1106")).to_have_value("2")
    page.get_by_label("Confidence").select_option("with 99% confidence")
    expect(said).to_contain_text("With 99% confidence at most 2 points are lost")
    marks = page.locator(".chart .promise-mark"), page.locator(".histogram .promise-mark")
    for mark in marks:
        expect(mark).to_be_visible()
    alpha, promised, held = number(page, "alpha").inner_text(), said.inner_text(), link(page)
    page.reload()
    expect(said).to_have_text(re.sub(r"\n+", "", promised), timeout=20_000)
    expect(number(page, "alpha")).to_have_text(alpha)
    at_rest(page)
    assert link(page) == held
    knob = page.locator(".handle .knob")
    knob.scroll_into_view_if_needed()
    height = knob.bounding_box()["y"]
    drag_knob(page, -40, release=False)
    expect(said).to_have_text(re.compile("^α was moved by hand: nothing is guaranteed here"))
    expect(marks[0]).to_be_visible()
    page.mouse.up()
    link_says(page, mode="alpha")
    link_lacks(page, "promise", "confidence")
    expect(page.locator(".status")).to_have_text("custom α")
    for mark in marks:
        expect(mark).to_be_hidden()
    assert knob.bounding_box()["y"] == pytest.approx(height, abs=1)
    page.get_by_role("button", name="Undo").click()
    link_says(page, mode="promise", promise="lose", wanted="0.02", confidence="0.99")
    expect(said).to_contain_text("With 99% confidence at most 2 points are lost")
    expect(number(page, "alpha")).to_have_text(alpha)


def test_a_promise_out_of_reach_says_how_many_labels_would_do(visit):
    page = visit("?benchmark=mt_bench&mode=promise")
    problem = page.locator("[role=alert]").filter(has_text="are too few to guarantee")
    expect(problem).to_contain_text(re.compile(r"32 calibration queries.*You need about \d+"))
    expect(page.locator(".promised")).to_be_hidden()
    page.get_by_label("% of gpt-4-1106's quality").fill("150")
    page.get_by_label("% of gpt-4-1106's quality").press("Enter")
    expect(page.locator("[role=alert]").filter(has_text="keeping 150% of the")).to_be_visible()


def test_the_keyboard_moves_alpha(visit):
    page = visit()
    before = number(page, "alpha").inner_text()
    slider = page.get_by_role("slider")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("PageUp")
    expect(number(page, "alpha")).not_to_have_text(before)
    link_says(page, mode="alpha")


def test_two_tabs_do_not_disturb_each_other(visit):
    one, other = visit(), visit("?benchmark=gsm8k")
    unmoved = number(other, "alpha").inner_text()
    drag_knob(one, -100)
    link_says(one, mode="alpha")
    other.wait_for_timeout(500)
    expect(number(other, "alpha")).to_have_text(unmoved)
    link_lacks(other, "mode")
    expect(other.locator("[data-tile=quality]")).to_contain_text("n 1,307")


def test_going_back_takes_the_picture_along(visit):
    page = visit("?benchmark=gsm8k")
    first = number(page, "alpha").inner_text()
    drag_knob(page, -100)
    link_says(page, mode="alpha")
    expect(number(page, "alpha")).not_to_have_text(first)
    at_rest(page)
    page.go_back()
    expect(number(page, "alpha")).to_have_text(first)
    link_lacks(page, "mode")


def test_the_command_line_reads_while_the_dashboard_is_open(visit, app_env):
    visit()
    done = subprocess.run(
        [sys.executable, "-m", "routellm_core", "status", "--json"],
        env={**os.environ, **app_env},
        capture_output=True,
        check=True,
    )
    assert len(json.loads(done.stdout)["benchmarks"]) == 5


def test_names_of_slices_and_models_are_shown_as_text(
    streamlit_server, browser_page, built_store, tmp_path
):
    """A slice that looks broken is named in a sentence of the page, which reads Markdown."""
    hostile = "![x](http://evil.example/a.png) [click](http://evil.example) <b>$y$"
    path = tmp_path / "hostile.duckdb"
    shutil.copy(built_store, path)
    with Store(path) as store:
        add_hostile_benchmark(store, hostile)
    page = browser_page()
    outside = []
    page.on("request", lambda r: outside.append(r.url) if "evil" in r.url else None)
    url = streamlit_server("app.py", {"ROUTELLM_STORE": str(path)})
    page.goto(f"{url}/?benchmark=hostile")
    expect(page.locator(".live-curve .chart")).to_be_visible(timeout=60_000)
    alert = page.locator("[data-testid=stAlert]")
    expect(alert).to_contain_text("![x](http:")
    expect(alert).to_contain_text("<b>$y$: the outcomes look broken")
    expect(page.locator("[data-testid=stAlert] a, [data-testid=stAlert] img")).to_have_count(0)
    assert outside == []


def add_hostile_benchmark(store, name):
    """Four slices, the last with a reversed gap, and scores by a shipped router."""
    rng = np.random.default_rng(0)
    slices = np.repeat(["a", "b", "c", name], 60)
    ids = [f"q{i}" for i in range(len(slices))]
    broken = slices == name
    weak, strong = f"small {name}", f"large {name}"
    outcomes = pd.DataFrame(
        {
            "query_id": [*ids, *ids],
            "model": np.repeat([weak, strong], len(ids)),
            "quality": np.concatenate([np.where(broken, 1.0, 0.0), np.where(broken, 0.0, 1.0)]),
        }
    )
    card = store.benchmark("mmlu")
    card = replace(card, benchmark_id="hostile", title=name, origin="user")
    store.add_benchmark(card, pd.DataFrame({"query_id": ids, "slice": slices}), outcomes)
    scores = pd.DataFrame({"query_id": ids, "strong_win_rate": rng.random(len(ids))})
    pair = ModelPair(weak=weak, strong=strong)
    store.add_strong_win_rates("hostile", pair, "mf-golden", "in_domain", scores)


def test_the_axes_switch_and_stay_in_the_link(visit):
    page = visit()
    page.get_by_role("radio", name="cost").click()
    link_says(page, x="cost")
    expect(page.locator(".live-curve .chart")).to_contain_text("per 1,000 queries")
    page.get_by_role("radio", name="gap recovered").click()
    link_says(page, x="cost", y="pgr")
    expect(page.locator(".live-curve .chart")).to_contain_text("gap recovered")


def test_another_benchmark_and_router_are_chosen_in_the_sidebar(visit):
    page = visit()
    page.get_by_role("combobox", name=re.compile("Benchmark")).click()
    page.get_by_role("option", name=re.compile("MT-Bench")).click()
    link_says(page, benchmark="mt_bench")
    expect(page.locator("[data-tile=quality]")).to_contain_text("n 72")
    page.get_by_role("combobox", name=re.compile("Router")).click()
    page.get_by_role("option", name=re.compile(r"^bert · 0\.\d+")).click()
    link_says(page, router=r"bert-golden\.untouched")


def test_the_threshold_goes_on_to_deploy_with_its_evidence(visit):
    page = visit("?router=mf-golden.in_domain&mode=share&wanted=0.25")
    name = page.locator(".st-key-model_name code").inner_text().strip()
    page.get_by_role("button", name="Deploy this threshold").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="The policy alone (JSON)").click()
    link_says(page, router=r"mf-golden\.in_domain", mode="share", wanted=r"0\.25")
    document = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert document["evidence"]["n_queries"] == 14_037
    assert len(document["evidence"]["data_hash"]) == 64
    assert document["chosen_by"]["wanted"] == 0.25
    assert name == f"router-mf-{document['threshold']!r}"


def test_the_slices_sort_by_any_column(visit):
    page = visit()
    rows = page.locator(".data-table tbody tr")
    expect(rows).to_have_count(12)
    expect(rows.first).to_contain_text("professional law")
    page.get_by_role("button", name="Show all 57").click()
    expect(rows).to_have_count(57)
    page.get_by_role("button", name="slice", exact=True).click()
    expect(rows.first).to_contain_text("abstract algebra")
    page.get_by_role("button", name="PGR", exact=True).click()
    expect(rows.last).to_contain_text("–")  # what is undefined comes last
    page.get_by_role("button", name="PGR ↓").click()
    expect(rows.last).to_contain_text("–")
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("PGR ↑")


def test_a_link_to_the_chart_of_slices_that_once_was_shows_the_table(visit):
    page = visit("?slices=chart&mode=share&wanted=0.3")
    expect(page.locator(".data-table tbody tr")).to_have_count(12)


def test_nothing_is_fetched_from_outside(streamlit_server, browser_page, app_env):
    page = browser_page()
    url = streamlit_server("app.py", app_env)
    outside = []
    page.on(
        "request",
        lambda r: outside.append(r.url) if not r.url.startswith((url, "blob:", "data:")) else None,
    )
    page.goto(url)
    expect(page.locator(".live-curve .chart")).to_be_visible(timeout=60_000)
    expect(page.locator(".data-table")).to_be_visible()
    assert outside == []


VIEWS = ["", "?mode=promise", "?mode=promise&benchmark=mt_bench"]
"""As it opens, with a promise, and with one out of reach."""


@pytest.mark.parametrize("query", VIEWS)
@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, color_scheme, query):
    page = visit(query, color_scheme=color_scheme)
    nothing_serious(page)


@pytest.mark.parametrize("query", VIEWS)
def test_a_phone_needs_no_horizontal_scroll(visit, query):
    page = visit(query, width=390, height=844)
    nothing_scrolls_sideways(page)
    edge = page.locator(".live-curve").bounding_box()
    for part in page.locator(".controls *:visible").all():
        box = part.bounding_box()
        assert box["x"] + box["width"] <= edge["x"] + edge["width"] + 1
    for target in page.locator(".controls :is(button, select, .modes label)").all():
        assert target.bounding_box()["height"] >= 40
