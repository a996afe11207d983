"""The Train page as a person uses it: from the data to a kept router on the Trade-off page."""

import json
import shutil
from pathlib import Path

import pytest

from routellm_core.store import Store
from routellm_core.training.job import TrainingPlan
from tests.browser.checks import nothing_scrolls_sideways, nothing_serious
from tests.long_work import write_job
from tests.test_train_page import PAIR, TITLE, add_tiny

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = pytest.mark.browser

_LONG = 300_000  # loading what embeds the queries takes long on a busy machine
CHOSEN = "golden=tiny&score_on=&train_router=sw_ranking"


@pytest.fixture(scope="module")
def app_env(built_store, tmp_path_factory):
    """The shipped figures, and a tiny benchmark of invented texts."""
    path = tmp_path_factory.mktemp("app") / "explorer.duckdb"
    shutil.copy(built_store, path)
    with Store(path) as store:
        add_tiny(store)
    return {"ROUTELLM_STORE": str(path)}


@pytest.fixture
def visit(go_to):
    """Goes to Train."""

    def visit(query=CHOSEN, **screen):
        page = go_to("Train", query, **screen)
        expect(page.get_by_role("button", name="Start training")).to_be_visible(timeout=60_000)
        expect(page.locator(".html-table").first).to_be_visible(timeout=60_000)
        return page

    return visit


@pytest.fixture
def at_work(app_env):
    """A run that this process is at work on; `at_work(n)` tells how far it is."""
    folder = Path(app_env["ROUTELLM_STORE"]).parent / "runs" / "mf-at-work"
    plan = TrainingPlan("mf", *PAIR, golden=("tiny",))
    write_job(folder, plan)

    def tell(n):
        lines = [
            {
                "time": 100.0 + i,
                "stage": f"in domain, fold {1 + i // 10} of 5: training",
                "done": i % 10 + 1,
                "total": 10,
                "loss": 0.7 - 0.01 * (i % 10),
                "held_out_loss": 0.69 - 0.005 * (i % 10) if i % 2 else None,
            }
            for i in range(n)
        ]
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / "progress.jsonl").write_text(text)

    yield tell
    write_job(folder, plan, "cancelled")
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()


def test_from_the_data_to_the_kept_router_on_the_tradeoff_page(visit):
    page = visit()
    expect(page.get_by_text("Tiny <b>set</b>").first).to_be_visible()
    expect(page.get_by_test_id("stMetric").filter(has_text="Battles")).to_contain_text("40")
    page.get_by_role("button", name="Start training").click()
    expect(page.locator(".at-work")).to_contain_text("sw_ranking-tiny-mine", timeout=60_000)
    page.get_by_role("link", name="Trade-off", exact=True).click()  # the training does not mind
    expect(page.locator(".live-curve .chart")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Train", exact=True).click()
    table = page.get_by_role("table", name="Figures of sw_ranking-tiny-mine", exact=True)
    expect(table).to_be_visible(timeout=_LONG)
    expect(page.locator(".at-work")).to_have_count(0)
    expect(table).to_contain_text(TITLE)
    expect(table).to_contain_text("0.")

    page.get_by_role("button", name="Keep it …").click()
    page.get_by_label("Its name on the other pages").fill("heron")
    page.get_by_role("button", name="Keep", exact=True).click()  # typed, and clicked at once
    expect(page.get_by_text("heron is kept: Trade-off and Compare show it")).to_be_visible(
        timeout=60_000
    )
    page.get_by_role("button", name="See it on the Trade-off page").click()
    expect(page.locator("[data-tile=quality]")).to_contain_text("n 40", timeout=60_000)
    chosen = page.get_by_role("radio", name="sw_ranking").first
    expect(chosen).to_be_checked()
    assert "router=heron.in_domain" in page.url


def test_watching_moves_nothing_but_the_figures(visit, at_work):
    at_work(2)
    page = visit()
    work = page.locator(".at-work")
    expect(work).to_contain_text("fold 1 of 5")
    drawn = page.get_by_test_id("stVegaLiteChart").get_by_role("img")
    expect(drawn).to_contain_text("training 0.6900")
    cancel = page.get_by_role("button", name="Cancel")
    before = cancel.bounding_box()
    for n in (9, 15, 31):
        at_work(n)
        expect(work).to_contain_text(f"fold {1 + (n - 1) // 10} of 5")
        expect(work).to_contain_text(f"{(n - 1) % 10 + 1} of 10")
        assert cancel.bounding_box() == before
    expect(drawn).to_contain_text("earlier")


def test_an_option_and_a_choice_stand_in_the_link(visit):
    page = visit("golden=tiny&score_on=&train_router=mf")
    page.get_by_text("Options of mf: all as usual").click()
    epochs = page.get_by_role("spinbutton", name="n epochs")
    epochs.fill("3")
    epochs.press("Enter")
    expect(page.get_by_text("Options of mf: 1 changed")).to_be_visible()
    page.get_by_role("button", name="unseen slices").click()
    page.wait_for_url("**mf.n_epochs=3**")
    page.wait_for_url("**train_views=in_domain**unseen_slices**")


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, at_work, color_scheme):
    at_work(25)
    page = visit(color_scheme=color_scheme)
    expect(page.get_by_test_id("stVegaLiteChart")).to_be_visible()
    nothing_serious(page)


def test_a_phone_needs_no_horizontal_scroll(visit, at_work):
    at_work(25)
    page = visit(width=390, height=844)
    nothing_scrolls_sideways(page, ".html-table", "[data-testid=stVegaLiteChart]")
