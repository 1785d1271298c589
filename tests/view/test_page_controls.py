"""Controls of the page: they find what they say, keep the focus and what is typed, and say what went wrong."""

import dataclasses
import re

import numpy as np
import pytest

from slvm_data import RECIPES, Recipe
from slvm_data.recipe.original import as_original
from slvm_data.view.dataset import of_folder, of_recipe

FOCUSED = "(document.activeElement.ariaLabel ?? '') + document.activeElement.tagName"
REFUSED = {"status": 400, "body": '{"error": "the file is damaged"}', "content_type": "application/json"}


def count_is(page, count):
    page.wait_for_function(f"() => document.querySelector('.count').textContent === '{count} sequences'")


@pytest.fixture(scope="module")
def mixed():
    """A ball, whose g is a vector, pendulums, whose g is a number, and masses on springs, without g and l."""
    tasks = tuple(RECIPES["mixed_physics_iclr2023"].tasks[i] for i in (8, 3, 4))
    return of_recipe(Recipe(name="mixed", tasks=tasks, train=7, val=0, test=0))


@pytest.mark.parametrize("way", ["+", "-"])
def test_tasks_without_the_parameter_come_last(way, mixed, visit):
    page = visit(mixed)
    lengths = mixed.parameters(2, "train")["l"]
    best = np.argsort(lengths if way == "+" else -lengths)
    page.get_by_label("Sort by").select_option(f"{way}l")
    page.wait_for_selector(".grid")
    shown = page.locator(".cell").all_inner_texts()
    assert [re.sub(r" · l .*", "", text) for text in shown[:7]] == [f"task 2 · #{i}" for i in best]
    others = [f"task {task} · #{i} · l –" for i in range(7) for task in (0, 1)]
    assert shown[7:] == others


def test_a_number_is_no_component_of_a_vector(mixed, visit):
    page = visit(mixed)
    page.get_by_label("Sort by").select_option("+g/1")
    page.wait_for_selector(".grid")
    assert page.locator(".cell").all_inner_texts()[6:8] == ["task 1 · #6 · g (0, -2.5)", "task 0 · #0 · g –"]
    page.get_by_text("Filter by parameters").click()
    page.get_by_label("g at most", exact=True).fill("4")
    page.get_by_label("g at most", exact=True).press("Enter")
    count_is(page, 7)
    assert {text.split(" · ")[0] for text in page.locator(".cell").all_inner_texts()} == {"task 2"}


def test_what_is_typed_outlasts_what_comes(folder, visit):
    page = visit(of_folder(folder("pendulum3")))
    held = []
    page.route("**/parameters?*", lambda route: held.append(route))
    page.get_by_text("Filter by parameters").click()
    page.get_by_label("m at least").focus()
    page.keyboard.type("0.7")
    page.keyboard.press("Tab")
    page.keyboard.type("0.")
    page.wait_for_timeout(50)
    for route in held:
        route.continue_()
    page.unroute("**/parameters?*")
    page.wait_for_function("() => document.querySelector('.count').textContent !== '210 sequences'")
    page.keyboard.type("8")
    page.keyboard.press("Enter")
    made = [of_folder(folder("pendulum3")).parameters(k, "train")["m"] for k in range(3)]
    count_is(page, sum(int(((m >= np.float32(0.7)) & (m <= np.float32(0.8))).sum()) for m in made))
    assert page.evaluate(FOCUSED) == "m at mostINPUT"


def test_arrow_keys_choose_and_the_focus_stays(folder, visit):
    page = visit(of_folder(folder("pendulum3")))
    for label in ("Split", "Task", "Sort by"):
        page.get_by_label(label, exact=True).focus()
        first = page.locator(".cell").first.element_handle()
        page.keyboard.press("ArrowDown")
        page.wait_for_function("(cell) => !cell.isConnected", arg=first)
        assert page.evaluate(FOCUSED) == f"{label}SELECT"


def test_a_portrait_is_chosen_and_the_focus_stays(visit):
    recipe = dataclasses.replace(RECIPES["double_pendulum"], train=3, val=0, test=0)
    page = visit(of_recipe(recipe), "#sequence/0/train/1")
    page.get_by_label("Phase portrait", exact=True).focus()
    page.keyboard.press("ArrowDown")
    assert page.locator(".portrait").get_attribute("aria-label") == "Phase portrait of q2, p2"
    assert page.evaluate(FOCUSED) == "Phase portraitSELECT"
    page.get_by_role("button", name="Next sequence").press("Enter")
    page.wait_for_selector("h2:text('#2')")
    assert page.locator(".portrait").get_attribute("aria-label") == "Phase portrait of q2, p2"
    assert page.evaluate("document.activeElement.dataset.keep") == "title"  # there is no next one


def test_the_focus_goes_into_a_sequence_and_back(folder, visit):
    page = visit(of_folder(folder("pendulum3")))
    page.locator(".cell").nth(5).press("Enter")
    page.wait_for_selector(".sequence")
    assert page.evaluate(FOCUSED) == "H2"
    page.get_by_role("button", name="Next sequence").press("Enter")
    page.wait_for_selector("h2:text('#2')")
    assert page.evaluate(FOCUSED) == "Next sequenceBUTTON"
    page.keyboard.press("Escape")
    page.wait_for_selector(".group")
    assert page.evaluate("document.activeElement.dataset.keep") == "sequence/2/train/2"


def test_at_the_last_page_the_focus_stays_in_the_pager(folder, visit):
    page = visit(of_folder(folder("pendulum3")))
    page.get_by_role("button", name="Next page").focus()
    for number in (2, 3, 4):
        page.keyboard.press("Enter")
        page.wait_for_function(f"() => document.querySelector('.pager input').value === '{number}'")
        assert page.evaluate(FOCUSED) == ("PageINPUT" if number == 4 else "Next pageBUTTON")


@pytest.fixture
def moved(visit):
    """Pages of three tasks that become one as g is moved."""
    recipe = dataclasses.replace(RECIPES["pendulum3"], train=40, val=1, test=1, steps=4)

    def open_page(part=""):
        return visit(of_recipe(recipe), part)

    return open_page


def move(page):
    page.get_by_role("slider", name="g", exact=True).press("ArrowRight")
    page.wait_for_selector(".command code:text-matches(' g=')")


def undo(page):
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function("() => !document.querySelector('.command code').textContent.includes(' g=')")


def test_of_fewer_pages_the_last_is_shown(moved):
    page = moved()
    page.get_by_label("Page", exact=True).fill("2")
    page.get_by_label("Page", exact=True).press("Enter")
    page.wait_for_selector("h3:text('#21')")
    move(page)
    count_is(page, 40)
    assert page.locator(".cell").count() == 40
    undo(page)
    assert page.locator(".group h3").first.inner_text() == "#21"


def test_what_was_opened_comes_back(moved):
    page = moved("#sequence/1/train/3")
    move(page)
    assert page.locator("h2").inner_text() == "train #3"
    page.get_by_role("button", name="Next sequence").click()
    page.wait_for_selector("h2:text('#4')")
    assert page.url.endswith("#sequence/1/train/4")
    undo(page)
    assert page.locator("h2").inner_text() == "train #4 of task 1: g 3"


def test_the_task_that_was_chosen_comes_back(moved):
    page = moved()
    page.get_by_label("Task", exact=True).select_option("2")
    count_is(page, 40)
    move(page)
    assert page.get_by_label("Task", exact=True).count() == 0
    undo(page)
    count_is(page, 40)
    assert page.get_by_label("Task", exact=True).input_value() == "2"
    assert page.locator(".cell").first.inner_text() == "task 2 · #0"


CONTROLS = {
    "filter": ("", lambda page: page.get_by_label("Split", exact=True).select_option("val")),
    "pager": ("", lambda page: page.get_by_role("button", name="Next page").click()),
    "context": ("#sequence/0/train/1", lambda page: page.get_by_role("button", name="Draw others").click()),
}


@pytest.mark.parametrize("control", CONTROLS)
def test_what_goes_wrong_is_said(control, folder, visit):
    part, use = CONTROLS[control]
    page = visit(of_folder(folder("pendulum3")), part)
    page.route("**/sequences?*", lambda route: route.fulfill(**REFUSED))
    use(page)
    page.wait_for_selector("#trouble:not([hidden])")
    assert page.locator("#trouble").inner_text() == "the file is damaged"
    page.unroute("**/sequences?*")
    page.route("**/sequences?*", lambda route: route.abort())
    use(page) if control == "context" else page.get_by_label("tasks side by side").uncheck()
    page.wait_for_selector("#trouble:text('No answer')")
    page.unroute("**/sequences?*")


def test_the_skip_link_moves_the_focus_alone(folder, visit):
    page = visit(of_folder(folder("pendulum3")), "#sequence/1/train/3")
    page.locator(".skip").press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.wait_for_timeout(100)
    assert page.url.endswith("#sequence/1/train/3")
    assert page.locator(".sequence").count() == 1


def test_keys_of_sequences_leave_other_panels_alone(folder, visit):
    page = visit(of_folder(folder("pendulum3")), "#sequence/1/train/3")
    page.get_by_role("tab", name="Validation report").click()
    page.wait_for_selector(".report")
    page.locator("#main").focus()
    page.keyboard.press("End")
    page.wait_for_function("() => scrollY > 0")
    page.keyboard.press("Escape")
    page.keyboard.press(" ")
    page.wait_for_timeout(100)
    assert page.url.endswith("#report")
    place = page.locator(".place")
    assert (place.text_content(), page.locator("#transport button").nth(1).get_attribute("aria-label")) == (
        "frame 0 of 30",
        "Play",
    )


def test_arrows_scroll_a_command(moved):
    page = moved()
    page.set_viewport_size({"width": 360, "height": 700})
    try:
        page.locator(".command code").first.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("() => document.querySelector('.command code').scrollLeft > 0")
        assert page.locator(".place").text_content() == "frame 0 of 4"
    finally:
        page.set_viewport_size({"width": 1280, "height": 720})


def test_an_address_of_no_sequence_leads_to_all(folder, visit):
    page = visit(of_folder(folder("pendulum3")), "#sequence/0/train/70")
    assert page.locator(".cell").count() == 63
    for place in ("0/train/-1", "0/train/1.5", "3/train/0", "0/other/0", "0/train", "x"):
        page.evaluate("location.hash = 'sequence/1/train/3'")
        page.wait_for_selector("article.sequence")
        page.evaluate(f"location.hash = 'sequence/{place}'")
        page.wait_for_selector(".cell >> nth=62")
        assert page.locator(".cell").count() == 63
        assert page.locator("#trouble").is_hidden()


def test_nothing_else_was_complained_of(tab):
    """It is last; of requests that were refused on purpose the browser complains itself."""
    assert [text for text in tab.complaints if "Failed to load resource" not in text] == []


def test_what_cannot_be_moved_is_said(mixed, visit):
    page = visit(mixed)
    assert page.locator("#sequences > .note").all_inner_texts() == [
        "There are no sliders here: the tasks have no parameter in common."
    ]
    assert not page.locator(".slider").count()


def test_an_original_says_what_is_odd_about_it(visit):
    ball = dataclasses.replace(as_original(RECIPES["gravity"]), train=2, val=0, test=0)
    note = visit(of_recipe(ball)).locator("#sequences > .note")
    assert "Frame t shows state[t], of a ball the state before it" in note.inner_text()


def test_many_impacts_are_counted(visit):
    recipe = dataclasses.replace(RECIPES["gravity"], train=1, val=0, test=0, steps=300)
    page = visit(of_recipe(recipe), "#sequence/0/train/0")
    told = page.locator("dt:text('impacts') + dd").inner_text()
    assert len(told.split(", ")) == 13
    assert re.search(r", and \d+ more$", told)
