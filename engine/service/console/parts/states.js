// What stands where there is nothing to show yet, nothing at all, or something went wrong.

import {icon, make} from "../dom.js";
import {known, say} from "../words/index.js";

/** A refusal of the service in words, and what to do about it. */
export function trouble(error, again = null) {
  const lost = error.status === 0;
  const remedy = error.remedy || (known(`remedy.${error.status}`) ? say(`remedy.${error.status}`) : "");
  return make("div", {class: "state bad", role: "alert"},
    make("strong", {}, lost ? say("lost") : error.title || say("failed")),
    !lost && error.message && error.message !== error.title && make("p", {}, error.message),
    remedy && make("p", {class: "muted"}, remedy),
    again && make("button", {type: "button", on: {click: again}}, say("again")));
}

export function empty(name, title, ...words) {
  return make("div", {class: "state"}, icon(name), make("strong", {}, title), words.map(text => make("p", {class: "muted"}, text)));
}

/** Grey shapes of the size of what comes, so that nothing jumps when it is there. */
export function waiting(shape, count) {
  return make("div", {class: `${shape} waiting`, "aria-hidden": "true"}, Array.from({length: count}, () => make("i")));
}
