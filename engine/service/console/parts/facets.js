// Filters: the columns of what was found, and how many items each value would leave.

import {button, make} from "../dom.js";
import {number, say} from "../words/index.js";
import {columnName} from "./names.js";

const OPEN = 4, SHOWN = 5;

/** Filters with what is chosen; `changed(where)` hears the conditions as they should be. */
export function facets(columns, where, changed) {
  const useful = columns.filter(one => one.values.length > 1 || one.values.some(value => value.chosen));
  if (!useful.length) return "";
  const wide = matchMedia("(min-width: 56rem)").matches;
  return make("details", {open: wide, class: "panel"}, make("summary", {}, make("h2", {}, say("filters"))),
    useful.map((column, at) => facet(column, where, changed, at < OPEN)));
}

function facet(column, where, changed, open) {
  const list = make("ul", {});
  const paint = all => {
    list.replaceChildren(...(all ? column.values : column.values.filter((value, at) => at < SHOWN || value.chosen)).map(value => make("li", {},
      make("label", {class: "check"},
        make("input", {type: "checkbox", checked: value.chosen, on: {change: event => changed(toggled(where, column.column, value.value, event.target.checked))}}),
        make("span", {}, told(value.value)), make("small", {class: "figure"}, number(value.items))))));
  };
  paint(false);
  const rest = column.values.length > SHOWN && button(say("all.of", {n: column.values.length}), event => {
    paint(true);
    list.querySelectorAll("input")[SHOWN]?.focus();
    event.target.remove();
  }, {class: "quiet"});
  return make("details", {open: open || column.values.some(value => value.chosen), class: "facet"},
    make("summary", {}, make("h3", {}, columnName(column.column))),
    make("fieldset", {}, make("legend", {class: "unseen"}, columnName(column.column)), list), rest);
}

const told = value => Array.isArray(value) ? value.map(end => number(end, end % 1 ? 1 : 0)).join(" – ") : value;

/** The conditions with a value more or less: of words one must hold, and of ranges there is one. */
function toggled(where, column, value, chosen) {
  const {[column]: before, ...left} = where;
  if (Array.isArray(value)) return chosen ? {...left, [column]: value} : left;
  const words = [before ?? []].flat().filter(one => one !== value);
  if (chosen) words.push(value);
  return words.length ? {...left, [column]: words} : left;
}
