// What a query was taken for, and what it may have been meant as.

import {button, make} from "../dom.js";
import {say} from "../words/index.js";
import {columnName} from "./names.js";

/** Chips of what is named, limited, refused, dropped and repaired; a better spelling; notes. */
export function understood(found, state, go) {
  const meant = found.understood, told = [];
  if (meant.kind !== "find") told.push(chip("kind", say(`kind.${meant.kind}`), meant.about.join(", ")));
  const refused = new Set(meant.conditions.map(one => one.told));
  for (const one of meant.named) {
    const column = columnName(one.node.slice(0, Math.max(0, one.node.indexOf(":"))));
    if (one.negated) {
      if (!refused.has(`not ${one.name}`)) told.push(chip("not", column, say("not", {name: one.name})));
    } else told.push(chip("named", column, one.name, one.surface));
  }
  for (const one of meant.conditions) told.push(chip(one.dropped ? "dropped" : "limit", columnName(one.field), one.told, one.dropped ? say("dropped") : ""));
  for (const [from, to] of meant.repairs) told.push(chip("repair", say("read.as"), `${from} → ${to}`));
  const lines = [];
  if (told.length) lines.push(make("ul", {class: "chips", "aria-label": say("understood")}, make("li", {class: "chips-name", "aria-hidden": "true"}, say("understood")), told));
  if (found.did_you_mean) {
    lines.push(make("p", {class: "mean"}, say("did.you.mean"), " ", button(found.did_you_mean.query, () => go({q: found.did_you_mean.query}), {class: "link"})));
  }
  if (meant.dropped.length) lines.push(make("p", {class: "note"}, say("dropped.long", {what: meant.dropped.join(", ")})));
  if (state.user && !found.personal && state.personal > 0) lines.push(make("p", {class: "note"}, say("query.only")));
  for (const note of meant.notes) lines.push(make("p", {class: "note"}, note));
  return lines;
}

const chip = (kind, name, text, about) => make("li", {}, make("span", {class: `chip told-${kind}`, title: about || null}, name && make("small", {}, name), " ", text));
