// Means with their intervals, and shares, as lines of one chart.

import {make} from "../dom.js";

/** Rows {name, note, mean, low, high, colour, first, figure} on one scale, which has nothing in it; `zero` marks that. */
export function intervals(caption, rows, zero = false) {
  const values = rows.flatMap(row => [row.mean, row.low ?? row.mean, row.high ?? row.mean]);
  const least = Math.min(0, ...values), most = Math.max(0, ...values), spare = .04 * (most - least || 1);
  const from = least - spare, whole = most + spare - from;
  const at = value => `${100 * (value - from) / whole}%`;
  return chart(caption, rows, row => [
    zero && make("i", {class: "zero", css: {"--at": at(0)}}),
    row.low !== null && row.low !== undefined && make("i", {class: "span", css: {"--low": at(row.low), "--high": at(row.high)}}),
    make("i", {class: "dot", css: {"--mean": at(row.mean)}}),
  ]);
}

/** Rows {name, mean, figure, colour} as bars from nothing. */
export function bars(caption, rows) {
  const most = Math.max(...rows.map(row => row.mean), 1e-9);
  return chart(caption, rows, row => make("i", {class: "fill", css: {"--mean": `${100 * row.mean / most}%`}}));
}

function chart(caption, rows, lane) {
  return make("table", {class: "intervals"}, make("caption", {class: "unseen"}, caption), make("tbody", {}, rows.map(row => make("tr", {class: row.first ? "first" : null},
    make("th", {scope: "row"}, row.name, row.note && make("small", {}, " ", row.note)),
    make("td", {"aria-hidden": "true"}, make("span", {class: "lane", css: {"--colour": `var(--${row.colour ?? "c0"})`}}, lane(row))),
    make("td", {class: "figure"}, row.figure)))));
}
