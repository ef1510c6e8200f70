"""The page of rules: tried on the list of a user, put in force, told who did it, never over somebody else's change."""

import httpx2
import pytest
from playwright.sync_api import expect

USER = "u0001"
TOML = {"Content-Type": "application/toml"}


@pytest.fixture
def no_rules(served):
    """Whatever a test puts in force is taken away after it, since all pages share one service."""
    yield
    assert httpx2.put(f"{served}/v1/rules", content=b"", headers=TOML).json()["in_force"] == []


def recommended(served):
    items = httpx2.get(f"{served}/v1/recommend", params={"user": USER, "n": 10}).json()["items"]
    return [one["title"] for one in items]


def shown(page, half):
    return page.locator(".both > div").nth(half).locator(".title").all_inner_texts()


def test_a_rule_is_tried_then_put_in_force_and_told(open_page, no_rules):
    page = open_page("#/rules")
    before = recommended(open_page.served)
    first = httpx2.get(f"{open_page.served}/v1/recommend", params={"user": USER, "n": 1}).json()["items"][0]["item_id"]
    asked = {"node": f"item:{first}", "relation": "BELONGS_TO"}
    category = httpx2.get(f"{open_page.served}/v1/graph/neighbours", params=asked).json()["neighbours"][0]["id"]
    expect(page.get_by_text("No rule is in force.")).to_be_visible()
    apply = page.get_by_role("button", name="Put in force")
    expect(apply).to_be_disabled()
    page.locator("#rules").fill(f'[[rule]]\nname = "not the first"\nkind = "exclude"\nnode = "{category}"\n')
    page.locator("#whose").fill(USER)
    page.get_by_role("button", name="Try", exact=True).click()
    expect(apply).to_be_enabled()
    assert shown(page, 0) == before
    after = shown(page, 1)
    assert after[0] != before[0] and after[-1] not in before
    assert recommended(open_page.served) == before
    apply.click()
    expect(page.get_by_text("In force: not the first")).to_be_visible()
    expect(page.locator(".audit li")).to_have_count(1)
    assert recommended(open_page.served) == after


def test_what_was_edited_since_must_be_tried_again(open_page):
    page = open_page("#/rules")
    page.get_by_role("button", name="at most").click()
    page.get_by_role("button", name="Try", exact=True).click()
    apply = page.get_by_role("button", name="Put in force")
    expect(apply).to_be_enabled()
    page.locator("#rules").press("End")
    page.keyboard.type(" ")
    expect(apply).to_be_disabled()
    page.get_by_role("button", name="Undo my edits").click()
    expect(page.locator("#rules")).to_have_value("")


def test_a_mistake_is_told_with_its_line(open_page):
    page = open_page("#/rules", refused=True)
    page.locator("#rules").fill('[[rule]]\nname = "x"\nkind = "bost"\n')
    page.get_by_role("button", name="Try", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("did you mean `boost`?")
    expect(page.get_by_role("button", name="Put in force")).to_be_disabled()


def test_somebody_elses_change_is_not_overwritten(open_page, no_rules):
    page = open_page("#/rules", refused=True)
    page.get_by_role("button", name="bury").click()
    page.get_by_role("button", name="Try", exact=True).click()
    apply = page.get_by_role("button", name="Put in force")
    expect(apply).to_be_enabled()
    theirs = b'[[rule]]\nname = "theirs"\nkind = "boost"\nnode = "brand:nike"\nweight = 1\n'
    httpx2.put(f"{open_page.served}/v1/rules", content=theirs, headers=TOML)
    apply.click()
    expect(page.get_by_role("alert")).to_contain_text("changed since")
    page.get_by_role("button", name="Undo my edits").click()
    expect(page.get_by_text("In force: theirs")).to_be_visible()
