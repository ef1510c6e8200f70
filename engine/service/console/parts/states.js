// What stands where there is nothing to show yet, nothing at all, or something went wrong.

import {useKey} from "../api.js";
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
    error.status === 401 && keyForm(),
    again && make("button", {type: "button", on: {click: again}}, say("again")));
}

/** Where a key is typed that the service asks for. */
function keyForm() {
  const field = make("input", {id: "key", type: "password", autocomplete: "off", maxlength: 500, required: true});
  return make("form", {class: "key", on: {submit: event => {
    event.preventDefault();
    useKey(field.value.trim());
    location.reload();
  }}}, make("label", {class: "grow", for: "key"}, make("span", {class: "field-name"}, say("key")), field), make("button", {class: "main"}, say("key.use")));
}

export function empty(name, title, ...words) {
  return make("div", {class: "state"}, icon(name), make("strong", {}, title), words.map(text => make("p", {class: "muted"}, text)));
}

/** Grey shapes of the size of what comes, so that nothing jumps when it is there. */
export function waiting(shape, count) {
  return make("div", {class: `${shape} waiting`, "aria-hidden": "true"}, Array.from({length: count}, () => make("i")));
}
