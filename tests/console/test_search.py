"""The page of search: words, pictures, filters and taste, also without a mouse."""

import base64
import json

import httpx2
import pytest
from playwright.sync_api import expect


def items(page):
    return page.locator(".found li .title").all_inner_texts()


def asked(opener, **given):
    found = httpx2.get(f"{opener.served}/v1/search", params={"n": 20, **given}, timeout=60).json()
    return [one["title"] for one in found["items"]]


def test_by_keyboard_alone(open_page):
    page = open_page("#/search")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    field = page.get_by_role("combobox", name="What are you looking for?")
    expect(field).to_be_focused()
    page.keyboard.type("whi", delay=20)
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    marked = page.locator(f"#{field.get_attribute('aria-activedescendant')}")
    expect(marked).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(field).to_have_attribute("aria-expanded", "false")
    expect(field).to_have_value("whi")
    page.keyboard.type("te sneakers")
    page.keyboard.press("Enter")
    page.wait_for_selector(".found")
    assert items(page) == asked(open_page, q="white sneakers")
    expect(page.locator("#live")).to_have_text("20 items")
    page.locator(".found .title").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("dialog .contributions")).to_be_visible()


def test_what_is_understood_met_and_misspelt_is_shown(open_page):
    page = open_page("#/search?q=white sneekers under 600, not leather")
    page.wait_for_selector(".found")
    chips = page.locator(".told .chip").all_inner_texts()
    assert any("white" in one for one in chips)
    assert any("up to 600" in one for one in chips)
    assert any("not leather" in one for one in chips)
    expect(page.locator(".found mark").first).to_be_visible()
    expect(page.locator(".found .reasons li").first).to_contain_text("named in the query")
    page.locator(".mean button").click()
    expect(page.locator("#query")).to_have_value("white sneakers under 600, not leather")


def test_filters_are_those_of_the_service(open_page):
    page = open_page("#/search?q=white sneakers")
    box = page.locator(".facet input").first
    name = page.locator(".facet label span").first.inner_text()
    column = httpx2.get(f"{open_page.served}/v1/facets", params={"q": "white sneakers"}).json()["facets"][0]["column"]
    box.check()
    expect(page.locator(".told .chip.on")).to_contain_text(name)
    page.wait_for_selector(".found")
    assert items(page) == asked(open_page, q="white sneakers", where=json.dumps({column: [name]}))
    page.locator(".told .chip.on").click()
    expect(page.locator(".told .chip.on")).to_have_count(0)


def test_without_a_filter_that_leaves_nothing(open_page):
    page = open_page('#/search?q=white sneakers&where={"brand": "Nike", "price": [null, 1]}')
    expect(page.locator(".note").last).to_contain_text("Without price")
    expect(page.locator(".found li").first).to_be_visible()


def test_taste_weighs_as_much_as_the_slider_says(open_page):
    page = open_page("#/search?q=shoes&user=u0001")
    slider = page.get_by_role("slider")
    expect(slider).to_be_enabled()
    page.wait_for_selector(".found")
    assert items(page) == asked(open_page, q="shoes", user="u0001")
    with page.expect_response(lambda answer: "personal=0&" in answer.url):
        slider.focus()
        page.keyboard.press("Home")
    expect(page.locator("output")).to_have_text("0%")
    page.wait_for_selector(".found")
    assert items(page) == asked(open_page, q="shoes")


def test_a_question_is_answered(open_page):
    page = open_page("#/search?q=what material is it?")
    answer = httpx2.get(f"{open_page.served}/v1/search", params={"q": "what material is it?"}).json()["answer"]
    expect(page.locator(".answer blockquote")).to_have_text(answer["text"])


DROP = """async ([kind, data, target]) => {
  const bytes = Uint8Array.from(atob(data), one => one.charCodeAt(0));
  const given = new DataTransfer();
  given.items.add(new File([bytes], "look.jpg", {type: "image/jpeg"}));
  const made = kind === "paste" ? new ClipboardEvent("paste", {clipboardData: given, bubbles: true})
    : new DragEvent("drop", {dataTransfer: given, bubbles: true, cancelable: true});
  document.querySelector(target).dispatchEvent(made);
}"""


@pytest.mark.parametrize("way", ["file", "drop", "paste"])
def test_a_picture_finds_the_item_it_is_of(open_page, way):
    picture = httpx2.get(f"{open_page.served}/v1/image", params={"item": "p0001"}).content
    title = httpx2.get(f"{open_page.served}/v1/similar/p0002", params={"n": 119}).json()["items"]
    title = next(one["title"] for one in title if one["item_id"] == "p0001")
    page = open_page("#/search")
    if way == "file":
        page.set_input_files("input[type=file]", {"name": "look.jpg", "mimeType": "image/jpeg", "buffer": picture})
    else:
        page.evaluate(DROP, [way, base64.b64encode(picture).decode(), "main"])
    expect(page.locator(".found .title").first).to_have_text(title)
    expect(page.locator(".look img")).to_be_visible()
    page.get_by_role("button", name="Take the picture away").click()
    expect(page.locator(".found")).to_have_count(0)


def test_typing_asks_once_and_ends_what_it_asked_before(open_page):
    page = open_page("#/search")
    questions = []
    page.on("request", lambda one: questions.append(one.url) if "suggest" in one.url else None)
    page.locator("#query").press_sequentially("sneakers", delay=10)
    expect(page.locator(".options li").first).to_be_visible()
    assert len(questions) < len("sneakers")
    assert questions[-1].endswith("q=sneakers")


def test_nothing_found_is_told(open_page):
    page = open_page("#/search?q=xyzzyqq")
    expect(page.locator(".state")).to_contain_text("Nothing found")
