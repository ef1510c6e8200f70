// What a query found, as lines with the words that were met marked, and reasons.

import {make} from "../dom.js";
import {say} from "../words/index.js";
import {stacked} from "./bars.js";
import {picture} from "./items.js";
import {columnName} from "./names.js";
import {empty} from "./states.js";

const REASONS = 3;

/** Everything that stands below the query: an answer, the items, or those found without some condition. */
export function found(list, state, open) {
  const parts = list.answer ? [answer(list.answer)] : [];
  if (list.items.length) return [...parts, rows(list.items, open)];
  if (!list.relaxed) return [...parts, empty("search", say("nothing"), say("nothing.search"))];
  const dropped = list.relaxed.dropped.map(columnName).join(", ");
  return [...parts, make("p", {class: "note"}, say("relaxed", {what: dropped})), rows(list.relaxed.items, open)];
}

function answer(one) {
  return make("figure", {class: "panel answer"}, picture(one, 56), make("div", {},
    make("blockquote", {}, one.text), make("figcaption", {class: "muted"}, one.title)));
}

function rows(items, open) {
  const scale = Math.max(...items.map(item => item.score), 1e-9);
  return make("ol", {class: "found"}, items.map(item => make("li", {class: "panel"},
    picture(item, 88),
    make("div", {},
      make("button", {type: "button", class: "title", "aria-haspopup": "dialog", on: {click: () => open(item)}}, marked(item.title, item.why?.matches ?? [])),
      make("ul", {class: "reasons"}, (item.why?.reasons ?? []).slice(0, REASONS).map(text => make("li", {}, text)))),
    make("div", {class: "scored"}, make("span", {class: "figure"}, item.score.toFixed(2)), stacked(item.contributions, scale)))));
}

/** The title with what was met marked; places are counted in characters, as Python counts them. */
function marked(title, matches) {
  const characters = [...title], parts = [];
  let at = 0;
  for (const one of matches.filter(each => each.column === "title").sort((a, b) => a.start - b.start)) {
    if (one.start < at) continue;
    parts.push(characters.slice(at, one.start).join(""), make("mark", {class: one.by, title: say(`by.${one.by}`, {of: one.of})}, characters.slice(one.start, one.end).join("")));
    at = one.end;
  }
  return [...parts, characters.slice(at).join("")];
}
