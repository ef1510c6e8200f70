// A history put together by hand: items are found by name, or ids are typed or pasted.

import {cypher, get, served} from "../api.js";
import {announce, button, icon, make} from "../dom.js";
import {say} from "../words/index.js";
import {combobox} from "./combobox.js";

const TITLES = "MATCH (a:Item) WHERE a.id IN $ids RETURN a.id AS id, a.name AS name";

/** A field that adds items, and chips that take them away; `changed(ids)` hears of every change. */
export function chooseHistory(ids, changed) {
  const chosen = [...ids], titles = new Map(), chips = make("ul", {class: "chips", "aria-label": say("history")});
  const field = combobox({
    id: "history-item", placeholder: say("history.example"), maxlength: 4000,
    suggest: async (text, signal) => {
      const found = await get("/v1/suggest", {q: text.slice(0, 500), n: 24}, signal);
      return found.completions.filter(one => one.kind === "item" && one.id).slice(0, 8)
        .map(one => ({text: one.text, note: one.id.slice(5), id: one.id.slice(5)}));
    },
    choose: option => {
      titles.set(option.id, option.text);
      add([option.id]);
    },
    submit: text => add(text.split(/[\s,;，；]+/).filter(Boolean)),
  });

  function add(more) {
    if (!more.length) return;
    chosen.push(...more);
    field.input.value = "";
    paint();
    changed([...chosen]);
  }

  function take(at) {
    const [gone] = chosen.splice(at, 1);
    paint();
    (chips.querySelectorAll("button")[Math.min(at, chosen.length - 1)] ?? field.input).focus();
    announce(say("taken.out", {title: titles.get(gone) ?? gone}));
    changed([...chosen]);
  }

  function paint() {
    chips.replaceChildren(...chosen.map((id, at) => {
      const press = button("", () => take(at), {class: "chip", "aria-label": say("take.out", {title: titles.get(id) ?? id})});
      press.append(make("span", {}, titles.get(id) ?? id), icon("close"));
      return make("li", {}, press);
    }));
  }

  paint();
  name().catch(() => {});  // then the ids stay
  /** Titles of ids that came with the address. */
  async function name() {
    if (!chosen.length || !(await served()).graph) return;
    for (const [id, title] of (await cypher(TITLES, {ids: chosen.map(id => `item:${id}`)}, 1000)).rows) titles.set(id.slice(5), title);
    paint();
  }
  return make("div", {class: "grow"}, make("label", {class: "field-name", for: "history-item"}, say("history.add")), field.box, chips);
}
