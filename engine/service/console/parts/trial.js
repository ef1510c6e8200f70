// What rules would change: how many lists, and some of them before and after.

import {make} from "../dom.js";
import {number, say} from "../words/index.js";
import {picture} from "./items.js";

/** The answer of a dry run. */
export function trial(found) {
  return [make("p", {class: "note"}, say("trial.of", {users: number(found.users), n: found.n})), clashes(found.conflicts), effects(found), ...found.examples.map(example)].filter(Boolean);
}

/** What is wrong with rules, or between them; nothing where nothing is. */
export function clashes(conflicts) {
  return conflicts.length > 0 && make("div", {class: "clashes", role: "status"}, make("h3", {}, say("conflicts")),
    make("ul", {class: "sentences"}, conflicts.map(one => make("li", {}, make("strong", {}, one.rules.join(" · ")), " ", one.words))));
}

function effects(found) {
  const columns = ["lists", "added", "removed", "moved", "mean_places", "short"];
  const row = (one, name) => make("tr", {class: name ? "sum" : null}, make("th", {scope: "row"}, name ?? one.name),
    columns.map(column => make("td", {class: "figure"}, number(one[column], column === "mean_places" ? 1 : 0))));
  return make("div", {class: "table-scroll", tabindex: "0", role: "region", "aria-label": say("effects")}, make("table", {class: "table"},
    make("thead", {}, make("tr", {}, make("th", {scope: "col"}, say("rule")), columns.map(column => make("th", {scope: "col", class: "figure"}, say(`effect.${column}`))))),
    make("tbody", {}, found.each.map(one => row(one)), row(found.all, say("all.together")))));
}

function example(one) {
  const places = new Map(one.before.map((item, at) => [item.item_id, at])), stay = new Set(one.after.map(item => item.item_id));
  return make("section", {class: "example"}, make("h3", {}, say("list.of", {user: one.user})), make("div", {class: "both"},
    half(say("before"), one.before, item => stay.has(item.item_id) ? null : ["out", say("goes")]),
    half(say("after"), one.after, (item, at) => {
      const was = places.get(item.item_id);
      if (was === undefined) return ["in", say("new")];
      return was === at ? null : was > at ? ["up", `↑ ${was - at}`] : ["down", `↓ ${at - was}`];
    })));
}

function half(title, items, change) {
  return make("div", {}, make("h4", {}, title), make("ol", {class: "short"}, items.map((item, at) => {
    const [kind, words] = change(item, at) ?? ["", ""];
    return make("li", {class: `line ${kind}`}, make("span", {class: "muted place"}, at + 1), picture(item, 40), make("span", {class: "title"}, item.title), words && make("span", {class: `badge ${kind}`}, words));
  })));
}
