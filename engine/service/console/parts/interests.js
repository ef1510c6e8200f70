// What a history holds more of than the catalogue: things of the graph, as the service tells them of a user, or counted here
// for a bare history.

import {cypher, served} from "../api.js";
import {make} from "../dom.js";
import {number, percent, say} from "../words/index.js";
import {share} from "./bars.js";
import {relationName} from "./names.js";

const SHOWN = 12, PER_RELATION = 3, MOST = 500;
const HELD = `MATCH (a:Item)-[r]->(b) WHERE a.id IN $items AND label(b) <> 'Item'
RETURN label(r) AS relation, b.id AS node, b.name AS name, count(*) AS items ORDER BY items DESC, node LIMIT 200`;

/** The interests of a user, lately and over all, where they differ. */
export function interestsOf(user) {
  const same = JSON.stringify(user.session.map(one => one.node)) === JSON.stringify(user.interests.map(one => one.node));
  return [user.interests.length > 0 && panel(say("interests"), say("interests.long"), user.interests),
    !same && user.session.length > 0 && panel(say("session"), say("session.long"), user.session)].filter(Boolean);
}

/** What most of these items share; nothing where there is no graph to ask. */
export function interestsIn(items) {
  const place = make("div", {}), asked = items.slice(0, MOST);
  served().then(async health => {
    if (!health.graph || !asked.length) return;
    const {rows} = await cypher(HELD, {items: asked.map(id => `item:${id}`)}, 200);
    const counts = new Map(), kept = rows.filter(([relation]) => {
      counts.set(relation, (counts.get(relation) ?? 0) + 1);
      return counts.get(relation) <= PER_RELATION;
    }).slice(0, SHOWN);
    if (!kept.length) return;
    place.append(panel(say("interests"), say("interests.items", {n: number(asked.length)}),
      kept.map(([relation, node, name, held]) => ({relation, node, name: name ?? node, share: held / asked.length}))));
  }).catch(() => {});  // the list is as good without
  return place;
}

function panel(title, words, likings) {
  return make("div", {class: "panel interests"}, make("h2", {}, title), make("p", {class: "muted"}, words),
    make("ul", {class: "short"}, likings.map(one => make("li", {class: "interest", title: one.lift ? say("lift", {n: number(one.lift, 1)}) : null},
      make("a", {href: `#/graph?node=${encodeURIComponent(one.node)}`}, make("small", {}, relationName(one.relation)), make("span", {}, one.name)),
      share(one.share), make("span", {class: "figure"}, percent(one.share))))));
}
