// Items as pictures, cards and lines.

import {key, pictureOf} from "../api.js";
import {make} from "../dom.js";
import {percent, say} from "../words/index.js";
import {stacked} from "./bars.js";

/** With a key pictures are asked for by hand, and, as a browser would, when they come near the window. */
const seen = new IntersectionObserver(entries => {
  for (const {target} of entries.filter(one => one.isIntersecting)) {
    seen.unobserve(target);
    pictureOf(target.address).then(address => {
      target.addEventListener("load", () => URL.revokeObjectURL(address), {once: true});
      target.src = address;
    }).catch(() => target.dispatchEvent(new Event("error")));
  }
}, {rootMargin: "300px"});

/** A picture in a square that has its size from the start; the first letter of the title where there is none. */
export function picture(item, side) {
  const letter = () => make("span", {class: "letter", "aria-hidden": "true"}, [...item.title][0] ?? "·");
  const frame = make("span", {class: "picture"});
  if (!item.image) {
    frame.append(letter());
    return frame;
  }
  const image = make("img", {src: key() ? null : item.image, alt: "", width: side, height: side, loading: "lazy", decoding: "async"});
  image.addEventListener("error", () => image.replaceWith(letter()));
  if (key()) seen.observe(Object.assign(image, {address: item.image}));
  frame.append(image);
  return frame;
}

/** The best items as cards; `open(item)` is called with the one that is pressed. */
export function cards(items, open) {
  const scale = Math.max(...items.map(item => Object.values(item.contributions).reduce((all, value) => all + Math.max(0, value), 0)), 1e-9);
  return make("ol", {class: "cards"}, items.map((item, place) => make("li", {},
    make("button", {type: "button", class: "card", on: {click: () => open(item)}, "aria-haspopup": "dialog"},
      make("span", {class: "place"}, place + 1),
      picture(item, 176),
      make("span", {class: "title", title: item.title}, item.title),
      make("span", {class: "foot"},
        make("span", {class: "muted"}, item.item_id),
        item.probability !== null && make("span", {class: "chance", title: say("chance.long")}, percent(item.probability, 1))),
      stacked(item.contributions, scale)))));
}

/** A line of a history or of another short list: picture, title and a word below it, and what stands at its end. */
export function line(item, below, ...ends) {
  return make("li", {class: "line"}, picture(item, 40), make("span", {class: "grow"}, make("span", {class: "title", title: item.title}, item.title),
    below && make("small", {class: "muted"}, below)), ...ends);
}
