// A field that completes what is typed, by keyboard as by mouse (the pattern "combobox with list" of ARIA).

import {latest} from "../api.js";
import {debounced, make} from "../dom.js";

const WAIT = 90;
let made = 0;

/** A field with completions. `suggest(text, signal)` gives options {text, note}, `choose(option)` takes one, and
 * `submit(text)` what was typed when none is marked. Gives back {box, input, close}. */
export function combobox({suggest, choose, submit, ...given}) {
  const id = `options-${++made}`, ask = latest();
  const list = make("ul", {id, role: "listbox", class: "options", hidden: true, "aria-label": given["aria-label"]});
  const input = make("input", {
    type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", autocapitalize: "off", enterkeyhint: "search",
    "aria-expanded": "false", "aria-controls": id, "aria-autocomplete": "list", ...given});
  let options = [], marked = -1, typing = false;

  function close() {
    typing = false;
    ask.stop();
    options = [];
    mark(-1);
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
  }

  function mark(at) {
    marked = at;
    [...list.children].forEach((one, place) => one.setAttribute("aria-selected", String(place === at)));
    if (at < 0) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", list.children[at].id);
      list.children[at].scrollIntoView({block: "nearest"});
    }
  }

  function open(found) {
    options = found;
    list.replaceChildren(...found.map((option, at) => make("li", {
      id: `${id}-${at}`, role: "option", "aria-selected": "false",
      // The field keeps the focus: on mousedown it would lose it before the click.
      on: {mousedown: event => event.preventDefault(), click: () => take(at)},
    }, make("span", {}, option.text), option.note && make("small", {}, option.note))));
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(found.length > 0));
    mark(-1);
  }

  function take(at) {
    const option = options[at];
    close();
    choose(option);
  }

  const look = debounced(WAIT, async () => {
    const text = input.value;
    if (!typing) return;
    if (!text.trim()) return close();
    try {
      const found = await ask(signal => suggest(text, signal));
      if (typing) open(found);
    } catch {
      close();  // a completion that does not come is missed by nobody
    }
  });

  input.addEventListener("input", () => {
    typing = true;
    look();
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", event => {
    if (event.isComposing) return;  // these keys belong to whoever writes Chinese
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!options.length) {
        typing = true;
        look();
        return;
      }
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      mark((marked + 1 + step + options.length + 1) % (options.length + 1) - 1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (marked >= 0) take(marked);
      else {
        close();
        submit(input.value);
      }
    } else if (event.key === "Escape" && options.length) {
      event.preventDefault();
      close();
    }
  });
  return {box: make("div", {class: "combobox"}, input, list), input, close};
}
