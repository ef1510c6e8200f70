// Contributions as bars: what adds to a score, and what takes from it.

import {draw, make} from "../dom.js";
import {known, say, signed} from "../words/index.js";

const COLOURS = {
  attention: 0, later: 7, transitions: 1, als: 2, ease: 4, neighbours: 3, popularity: 5, content: 6, gnn: 8, interest: 9, prior: 10,
  words: 0, graph: 1, named: 2, meaning: 3, picture: 4, taste: 5,
};
const LEAST = .005;

/** A part by its name in words; a rule by the name that it has. */
export function partName(part) {
  if (part.startsWith("rule: ")) return part.slice(6);
  return known(`part.${part}`) ? say(`part.${part}`) : part;
}

export const partColour = part => `var(--c${COLOURS[part] ?? (part.startsWith("rule: ") ? 11 : 12)})`;

/** What adds to a score in one thin line, to the scale of the best item of the list. */
export function stacked(contributions, scale) {
  let at = 0;
  const pieces = Object.entries(contributions).filter(([, value]) => value >= LEAST).sort((a, b) => b[1] - a[1]).map(([part, value]) => {
    const width = 100 * value / scale;
    const piece = draw("rect", {x: at, y: 0, width: Math.max(0, width - .6), height: 4, css: {fill: partColour(part)}});
    at += width;
    return piece;
  });
  return draw("svg", {class: "stacked", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true"}, pieces);
}

/** Every part with its bar, left of the line where it takes away, and the sum below. */
export function contributions(parts, score) {
  const sorted = Object.entries(parts).filter(([part, value]) => Math.abs(value) >= LEAST || part.startsWith("rule: ")).sort((a, b) => b[1] - a[1]);
  const up = Math.max(0, ...sorted.map(([, value]) => value)), down = Math.max(0, ...sorted.map(([, value]) => -value));
  const whole = up + down || 1, zero = 100 * down / whole;
  const rest = score - sorted.reduce((all, [, value]) => all + value, 0);
  const row = ([part, value]) => make("tr", {},
    make("th", {scope: "row", title: known(`about.${part}`) ? say(`about.${part}`) : null}, partName(part)),
    make("td", {class: "track", "aria-hidden": "true"}, make("span", {class: "track-in", css: {"--zero": `${zero}%`}},
      make("i", {class: value < 0 ? "minus" : "", css: {
        left: `${value < 0 ? zero + 100 * value / whole : zero}%`, width: `${Math.max(100 * Math.abs(value) / whole, .6)}%`, "--colour": partColour(part)}}))),
    make("td", {class: "figure"}, signed(value)));
  return make("table", {class: "contributions"},
    make("caption", {class: "unseen"}, say("adds")),
    make("tbody", {}, sorted.map(row), Math.abs(rest) >= .0005 && make("tr", {class: "muted"},
      make("th", {scope: "row"}, say("part.rest")), make("td"), make("td", {class: "figure"}, signed(rest)))),
    make("tfoot", {}, make("tr", {}, make("th", {scope: "row"}, say("score")), make("td"), make("td", {class: "figure"}, signed(score)))));
}

/** A share of a whole, such as that of a past item in a score. */
export const share = part => make("span", {class: "share", "aria-hidden": "true"}, make("i", {css: {width: `${100 * Math.min(1, part)}%`}}));
