// What a history holds most of: nodes of the graph by how many of its items they are joined to.

import {cypher, served} from "../api.js";
import {make} from "../dom.js";
import {number, say} from "../words/index.js";
import {share} from "./bars.js";
import {relationName} from "./names.js";

const SHOWN = 12, PER_RELATION = 3, MOST = 500;
const HELD = `MATCH (a:Item)-[r]->(b) WHERE a.id IN $items AND label(b) <> 'Item'
RETURN label(r) AS relation, b.id AS id, b.name AS name, count(*) AS items ORDER BY items DESC, id LIMIT 200`;

/** A panel with the interests in these items; none where there is no graph to ask. */
export function interests(items) {
  const panel = make("div", {class: "panel interests"}, make("h2", {}, say("interests")));
  const asked = items.slice(0, MOST);
  served().then(async health => {
    if (!health.graph || !asked.length) return panel.remove();
    const {rows} = await cypher(HELD, {items: asked.map(id => `item:${id}`)}, 200);
    const counts = new Map(), kept = rows.filter(([relation]) => {
      counts.set(relation, (counts.get(relation) ?? 0) + 1);
      return counts.get(relation) <= PER_RELATION;
    }).slice(0, SHOWN);
    if (!kept.length) return panel.remove();
    panel.append(make("p", {class: "muted"}, say("interests.long", {n: number(asked.length)})),
      make("ul", {class: "short"}, kept.map(([relation, id, name, held]) => make("li", {class: "interest"},
        make("a", {href: `#/graph?node=${encodeURIComponent(id)}`}, make("small", {}, relationName(relation)), make("span", {}, name ?? id)),
        share(held / asked.length), make("span", {class: "figure"}, number(held))))));
  }).catch(() => panel.remove());
  return panel;
}
