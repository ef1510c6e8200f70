"""The page of a user: history, interests, recommendations, and why each is there."""

import re

import httpx2
from playwright.sync_api import expect

USER = "u0001"


def test_a_user_has_a_history_interests_and_a_list(open_page):
    page = open_page(f"#/user/{USER}")
    expect(page.locator(".card")).to_have_count(12)
    best = httpx2.get(f"{open_page.served}/v1/recommend", params={"user": USER, "n": 12}).json()["items"]
    assert page.locator(".card .title").all_inner_texts() == [one["title"] for one in best]
    known = httpx2.get(f"{open_page.served}/v1/users/{USER}").json()
    expect(page.locator(".past ol .line")).to_have_count(len(known["history"]))
    expect(page.locator(".interest").first).to_be_visible()
    assert page.evaluate("[...document.images].every(one => one.width && one.height)")


def test_a_card_tells_why(open_page):
    page = open_page(f"#/user/{USER}")
    page.locator(".card").nth(1).click()
    item = httpx2.get(f"{open_page.served}/v1/recommend", params={"user": USER, "n": 2}).json()["items"][1]
    drawer = page.locator("dialog.drawer")
    expect(drawer.locator("h2")).to_have_text(item["title"])
    sums = drawer.locator(".contributions tbody .figure").all_inner_texts()
    assert abs(sum(float(one.replace("\N{MINUS SIGN}", "-")) for one in sums) - item["score"]) < 0.01
    asked = {"user": USER, "item": item["item_id"]}
    why = httpx2.get(f"{open_page.served}/v1/explain", params=asked).json()
    expect(drawer.locator("ul.short .line")).to_have_count(len(why["owed_to"]))
    if why["paths"]:
        expect(drawer.locator(".paths .node.goal")).to_have_text(item["title"])
        expect(drawer.locator(".paths path").first).to_have_attribute("d", re.compile(r"^M\d"))
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(page.locator(".card").nth(1)).to_be_focused()


def test_a_choice_changes_history_and_list(open_page):
    page = open_page("#/user/newcomer", refused=True)
    expect(page.locator(".note")).to_be_visible()
    page.locator(".card").first.click()
    title = page.locator("dialog h2").inner_text()
    page.get_by_role("button", name="The user chose it").click()
    expect(page.locator(".past ol .line .title")).to_have_text(title)
    expect(page.locator(".note")).to_have_count(0)


def test_what_is_not_wanted_goes_and_can_be_taken_back(open_page):
    page = open_page("#/user/u0005")
    title = page.locator(".card .title").first.inner_text()
    page.locator(".card").first.click()
    page.get_by_role("button", name="Not wanted").click()
    chip = page.locator(".unwanted .chip")
    expect(chip).to_have_text(title)
    assert title not in page.locator(".card .title").all_inner_texts()
    chip.click()
    expect(chip).to_have_count(0)
    expect(page.locator(".card .title").first).to_have_text(title)


def test_a_bare_history_is_put_together_by_keyboard(open_page):
    page = open_page("#/user")
    page.get_by_role("radio", name="A bare history").check()
    page.locator("#history-item").press_sequentially("nike")
    expect(page.locator(".options li").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".options li").first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    page.locator("#history-item").press_sequentially("p0001, p0007")
    page.keyboard.press("Enter")
    expect(page.locator(".who .chip")).to_have_count(3)
    expect(page.locator(".card")).to_have_count(12)
    assert re.findall(r"history=(\w+)", page.url)[1:] == ["p0001", "p0007"]
    page.locator(".who .chip").first.press("Enter")
    expect(page.locator(".who .chip")).to_have_count(2)


def test_what_is_refused_is_told_with_a_remedy(open_page):
    page = open_page("#/user?by=history&history=nothing", refused=True)
    trouble = page.get_by_role("alert")
    expect(trouble).to_contain_text("'nothing'")
    expect(trouble).to_contain_text("Look at the id again")
