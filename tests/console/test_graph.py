"""The page of the graph: looked around in, filtered, and asked in Cypher."""

import httpx2
from playwright.sync_api import expect

NODE = "brand:nike"


def around(opener, node=NODE):
    return httpx2.get(f"{opener.served}/v1/graph/neighbours", params={"node": node, "n": 1000}).json()


def size(page):
    """Nodes and edges of the picture, as it says of itself."""
    return [int(word) for word in page.locator(".canvas").get_attribute("aria-label").split() if word.isdecimal()]


def test_the_overview_has_every_label(open_page):
    page = open_page("#/graph")
    ask = {"query": "MATCH (n) RETURN label(n) AS label, count(*) AS nodes"}
    labels = dict(httpx2.post(f"{open_page.served}/v1/graph/query", json=ask).json()["rows"])
    expect(page.locator(".about .neighbours li")).to_have_count(len(labels))
    assert size(page)[0] == len(labels)
    page.locator(".about").get_by_role("button", name="Brand").click()
    busiest = "MATCH (n:Brand)-[r]-(b) RETURN n.name AS name, count(*) AS edges, n.id AS id ORDER BY edges DESC, id"
    [name, edges, _] = httpx2.post(f"{open_page.served}/v1/graph/query", json={"query": busiest}).json()["rows"][0]
    expect(page.locator(".about .neighbours li").first).to_contain_text(f"{name}{edges}")


def test_a_node_is_found_and_gone_on_from(open_page):
    page = open_page("#/graph")
    page.get_by_role("combobox", name="Find a node").press_sequentially("nike")
    expect(page.locator(".options li").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".about")).to_contain_text(NODE)
    found = around(open_page)
    told = page.locator(".about h3").all_inner_texts()
    assert sorted(int(one.split()[-1]) for one in told) == sorted(found["relations"].values())
    before = size(page)
    assert before[0] == 1 + sum(min(count, 10) for count in found["relations"].values())
    page.locator(".about .neighbours button").last.click()
    expect(page.locator(".about h2")).not_to_have_text("Nike")
    assert size(page)[0] > before[0]
    assert "node=" in page.url


def test_a_node_of_the_picture_can_be_pressed(open_page):
    page = open_page(f"#/graph?node={NODE}")
    page.wait_for_selector(".about h3")
    box = page.locator(".canvas").bounding_box()
    page.get_by_role("button", name="Larger").click()
    page.get_by_role("button", name="Show all").click()
    # The first neighbour stands straight above the node in the middle, at the upper edge with its distance from it.
    for part in range(4, 50, 2):
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * part / 100)
        if page.locator(".about h2").inner_text() != "Nike":
            break
    expect(page.locator(".about h2")).not_to_have_text("Nike")


def test_relations_are_filtered(open_page):
    page = open_page(f"#/graph?node={NODE}")
    box = page.get_by_role("checkbox", name="brand")
    box.uncheck()
    expect(box).not_to_be_checked()
    page.locator(".about .neighbours button").first.click()
    expect(page.get_by_role("checkbox", name="brand")).not_to_be_checked()


def test_cypher_gives_a_table_and_a_picture(open_page):
    page = open_page("#/graph")
    page.get_by_role("button", name="What items share").click()
    rows = page.locator(".answer-rows tbody tr")
    expect(rows.first).to_be_visible()
    assert "$item" in page.locator("#cypher").input_value()
    assert "item:p0" in page.locator("#parameters").input_value()
    draw = page.get_by_role("button", name="Draw")
    nodes = int(draw.inner_text().split()[1])
    draw.click()
    assert size(page)[0] == nodes
    rows.first.get_by_role("button").last.click()
    expect(page.locator(".about")).to_contain_text("item:")


def test_every_example_of_cypher_has_rows(open_page):
    page = open_page("#/graph")
    page.wait_for_selector(".about .neighbours")
    for press in page.get_by_role("group", name="Examples").get_by_role("button").all():
        with page.expect_response(lambda one: "graph/query" in one.url and '"limit":100' in one.request.post_data):
            press.click()
        expect(page.locator(".answer-rows tbody tr").first).to_be_visible()


def test_writing_is_refused_and_told(open_page):
    page = open_page("#/graph", refused=True)
    page.locator("#cypher").fill("MATCH (n) DETACH DELETE n")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("read")
    page.locator("#parameters").fill("[1]")
    page.get_by_role("button", name="Run").click()
    expect(page.locator(".answer-rows")).to_contain_text("no JSON object")


def test_an_unknown_node_is_told(open_page):
    page = open_page("#/graph?node=brand:none", refused=True)
    expect(page.locator(".about")).to_contain_text("There is no brand:none")
