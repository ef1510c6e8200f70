// A box for queries in Cypher: what is asked, its parameters, and the rows as a table and as a picture.

import {cypher, latest} from "../api.js";
import {announce, button, make} from "../dom.js";
import {number, say} from "../words/index.js";
import {relationName} from "./names.js";
import {empty, trouble} from "./states.js";

const ROWS = 100;
const EXAMPLES = {
  labels: ["MATCH (n)\nRETURN label(n) AS label, count(*) AS nodes\nORDER BY nodes DESC"],
  relations: ["MATCH (a)-[r]->(b)\nRETURN label(a) AS head, label(r) AS relation, label(b) AS tail, count(*) AS edges\nORDER BY edges DESC"],
  busiest: ["MATCH (a:Item)-[r]->(b)\nRETURN b AS node, label(r) AS relation, count(*) AS items\nORDER BY items DESC\nLIMIT 15"],
  shared: ["MATCH (a:Item {id: $item})-[r]->(b)<-[s]-(c:Item)\nWHERE label(b) <> 'Category'\nRETURN a, r, b, s, c\nLIMIT 30", {item: "item:…"}],
  path: ["MATCH p = (a:Item {id: $from})-[*1..3]-(b:Item {id: $to})\nRETURN p\nLIMIT 8", {from: "item:…", to: "item:…"}],
};
/** Two items that have something in common. */
const TWO = "MATCH (a:Item)-[r]->(b)<-[s]-(c:Item) WHERE a.id < c.id RETURN a.id AS first, c.id AS second";

/** The box; `picture(nodes, edges)` is called with what rows hold, `open(id)` with a node of the table. */
export function cypherBox(picture, open) {
  const ask = latest(), answer = make("div", {class: "answer-rows", "aria-live": "polite"});
  const query = make("textarea", {id: "cypher", class: "code", rows: 5, maxlength: 4000, spellcheck: "false", autocapitalize: "off"}, EXAMPLES.labels[0]);
  const parameters = make("input", {id: "parameters", type: "text", class: "code", value: "{}", maxlength: 4000, spellcheck: "false", autocomplete: "off"});

  async function run() {
    let given;
    try {
      given = JSON.parse(parameters.value.trim() || "{}");
      if (!given || typeof given !== "object" || Array.isArray(given)) throw new SyntaxError();
      parameters.removeAttribute("aria-invalid");
    } catch {
      parameters.setAttribute("aria-invalid", "true");
      answer.replaceChildren(empty("graph", say("parameters.bad"), say("parameters.bad.long")));
      return;
    }
    try {
      const found = await ask(signal => cypher(query.value, given, ROWS, signal));
      answer.replaceChildren(...shown(found));
      announce(say("rows.n", {n: number(found.rows.length)}));
    } catch (error) {
      answer.replaceChildren(trouble(error));
    }
  }

  function shown(found) {
    if (!found.rows.length) return [empty("graph", say("rows.none"))];
    const [nodes, edges] = drawn(found.rows);
    return [make("div", {class: "list-head"}, make("p", {class: "muted grow"}, say(found.rows.length === ROWS ? "rows.most" : "rows.n", {n: number(found.rows.length)})),
      nodes.length > 0 && button(say("draw", {n: nodes.length}), () => picture(nodes, edges))),
    make("div", {class: "table-scroll", tabindex: "0", role: "region", "aria-label": say("rows")}, make("table", {class: "table"},
      make("thead", {}, make("tr", {}, found.columns.map(name => make("th", {scope: "col"}, name)))),
      make("tbody", {}, found.rows.map(row => make("tr", {}, row.map(value => make("td", {class: typeof value === "number" ? "figure" : null}, cell(value, open))))))))];
  }

  query.addEventListener("keydown", event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      run();
    }
  });
  /** Examples name two items that are really there. */
  async function take(name) {
    const [text, wanted = {}] = EXAMPLES[name];
    query.value = text;
    const names = Object.keys(wanted);
    try {
      const two = names.length ? (await cypher(TWO, {}, 1)).rows[0] ?? [] : [];
      parameters.value = JSON.stringify(Object.fromEntries(names.map((key, at) => [key, two[at] ?? ""])));
      run();
    } catch (error) {
      answer.replaceChildren(trouble(error));
    }
  }
  const element = make("section", {class: "panel cypher", "aria-labelledby": "cypher-title"},
    make("h2", {id: "cypher-title"}, say("cypher")), make("p", {class: "muted"}, say("cypher.long")),
    make("div", {class: "row", role: "group", "aria-label": say("examples")}, Object.keys(EXAMPLES).map(name => button(say(`example.${name}`), () => take(name), {class: "chip"}))),
    make("label", {class: "field-name", for: "cypher"}, say("query")), query,
    make("div", {class: "who-field"}, make("label", {class: "grow", for: "parameters"}, make("span", {class: "field-name"}, say("parameters")), parameters),
      button(say("run"), run, {class: "main", title: say("run.long")})),
    answer);
  return {element, leave: ask.stop};
}

const isNode = value => value && typeof value === "object" && "id" in value && "label" in value;
const isPath = value => value && typeof value === "object" && Array.isArray(value.nodes);
const isRelation = value => value && typeof value === "object" && "label" in value && !("id" in value);

function cell(value, open) {
  if (value === null || value === undefined) return "–";
  if (isNode(value)) return button(value.name ?? value.id, () => open(value.id), {class: "link", title: value.id});
  if (isPath(value)) return value.nodes.flatMap((node, at) => [at ? ` – ${relationName(value.relationships[at - 1].label)} – ` : "", cell(node, open)]);
  if (isRelation(value)) return relationName(value.label);
  if (typeof value === "number") return number(value, Number.isInteger(value) ? 0 : 3);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Nodes and edges of rows: those of paths, and of columns that stand as node, relation, node. A row does not say which
 * way a relation points, so these edges have no arrows. */
function drawn(rows) {
  const nodes = new Map(), edges = new Map();
  const node = one => nodes.set(one.id, {id: one.id, name: one.name ?? one.id, label: one.label});
  const join = (a, relation, b) => {
    const [from, to] = [a.id, b.id].sort();
    edges.set(`${from} ${relation} ${to}`, {from, to, relation});
  };
  for (const row of rows) {
    row.forEach((value, at) => {
      if (isNode(value)) node(value);
      if (isRelation(value) && isNode(row[at - 1]) && isNode(row[at + 1])) join(row[at - 1], value.label, row[at + 1]);
      if (isPath(value)) {
        value.nodes.forEach(node);
        value.relationships.forEach((one, place) => join(value.nodes[place], one.label, value.nodes[place + 1]));
      }
    });
  }
  return [[...nodes.values()], [...edges.values()]];
}
