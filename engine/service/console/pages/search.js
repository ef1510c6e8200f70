// Search by words, by a picture, or by both; filters, what was understood, and why each item is there.

import {get, latest, postForm} from "../api.js";
import {announce, button, debounced, icon, make} from "../dom.js";
import {combobox} from "../parts/combobox.js";
import {facets} from "../parts/facets.js";
import {found as foundList} from "../parts/found.js";
import {columnName} from "../parts/names.js";
import {pictureInput} from "../parts/upload.js";
import {empty, trouble, waiting} from "../parts/states.js";
import {understood} from "../parts/understood.js";
import {openWhy} from "../parts/why.js";
import {number, percent, say} from "../words/index.js";

const PAGE = 20, MOST = 200;

export function show(main, route) {
  const state = {
    q: route.given.get("q") ?? "",
    user: route.given.get("user") ?? "",
    personal: between(Number(route.given.get("personal") ?? .5), 0, 1),
    literal: route.given.has("literal"),
    where: parsed(route.given.get("where")),
    picture: null,
    n: PAGE,
  };
  const ask = latest(), told = make("div", {class: "told"}), results = make("section", {"aria-label": say("results")});
  const filters = make("section", {class: "filters", "aria-label": say("filters")});
  const go = change => {
    Object.assign(state, {n: PAGE}, change);
    remember(state);
    load();
  };
  const form = asking(state, go);

  async function load() {
    form.refresh();
    if (!state.q && !state.picture) {
      ask.stop();
      told.replaceChildren();
      filters.replaceChildren();
      const panel = await hello(go);
      if (!state.q && !state.picture) results.replaceChildren(panel);
      return;
    }
    if (state.n === PAGE) results.replaceChildren(waiting("rows", 6));
    // Room for what comes above and beside the results, so that they stay where they appear.
    if (!told.childElementCount) told.replaceChildren(make("div", {class: "told-room"}));
    if (!filters.childElementCount) filters.replaceChildren(waiting("lines", 8));
    try {
      const [found, columns] = await ask(signal => Promise.all([search(state, signal),
        get("/v1/facets", {q: state.q, where: where(state), n: 12}, signal).catch(() => ({facets: []}))]));
      filters.replaceChildren(facets(columns.facets, state.where, chosen => go({where: chosen})));
      told.replaceChildren(...understood(found, state, go), ...active(state, go));
      const who = state.user ? {user: state.user} : {};
      results.replaceChildren(...foundList(found, state, item => openWhy(item, who, () => load())), ...more(found, state, go));
      announce(say("items.n", {n: found.items.length}));
    } catch (error) {
      results.replaceChildren(trouble(error, load));
    }
  }

  main.append(make("div", {class: "page-head"}, make("h1", {}, say("page.search")), make("p", {class: "muted"}, say("search.about"))),
    form.element, told, make("div", {class: "two"}, filters, results));
  load();
  return () => {
    ask.stop();
    form.leave();
  };
}

const between = (value, low, high) => Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : low;

function parsed(text) {
  try {
    const found = JSON.parse(text ?? "{}");
    return found && typeof found === "object" && !Array.isArray(found) ? found : {};
  } catch {
    return {};
  }
}

const where = state => Object.keys(state.where).length ? JSON.stringify(state.where) : "";

function search(state, signal) {
  const asked = {q: state.q, user: state.user, personal: state.personal, literal: state.literal || "", where: where(state), n: state.n, explain: true};
  return state.picture ? postForm("/v1/search", {...asked, image: state.picture}, signal) : get("/v1/search", asked, signal);
}

/** The address says what is shown, but for the picture, which stays here. */
function remember(state) {
  const given = new URLSearchParams(Object.entries({q: state.q, user: state.user, personal: state.personal === .5 ? "" : state.personal,
    literal: state.literal ? 1 : "", where: where(state)}).filter(([, value]) => value !== ""));
  history.replaceState(null, "", given.size ? `#/search?${given}` : "#/search");
}

function asking(state, go) {
  const field = combobox({
    id: "query", value: state.q, maxlength: 2000, placeholder: say("search.example"), "aria-label": say("search.label"), type: "search",
    suggest: async (text, signal) => (await get("/v1/suggest", {q: text.slice(0, 500)}, signal)).completions
      .map(one => ({text: one.text, note: [columnName(one.kind), one.items > 1 ? number(one.items) : ""].filter(Boolean).join(" · ")})),
    choose: option => {
      field.input.value = option.text;
      go({q: option.text});
    },
    submit: text => go({q: text.trim()}),
  });
  field.input.addEventListener("search", () => { if (!field.input.value) go({q: ""}); });
  const picture = pictureInput(file => go({picture: file}));
  const user = make("input", {id: "for-user", type: "text", value: state.user, maxlength: 1000, autocomplete: "off", spellcheck: "false",
    placeholder: say("optional"), on: {change: () => go({user: user.value.trim()})}});
  const share = make("output", {for: "personal"}), later = debounced(200, personal => go({personal}));
  const slider = make("input", {id: "personal", type: "range", min: 0, max: 1, step: .1, value: state.personal, on: {input: () => {
    share.textContent = percent(Number(slider.value));
    later(Number(slider.value));
  }}});
  const literal = make("input", {type: "checkbox", checked: state.literal, on: {change: () => go({literal: literal.checked})}});
  const element = make("form", {class: "ask panel", role: "search", on: {submit: event => event.preventDefault()}},
    make("div", {class: "ask-main"}, icon("search"), field.box, picture.element, button(say("find"), () => {
      field.close();
      go({q: field.input.value.trim()});
    }, {class: "main"})),
    picture.shown,
    make("div", {class: "ask-more"},
      make("label", {for: "for-user"}, make("span", {class: "field-name"}, say("for.user")), user),
      make("label", {for: "personal"}, make("span", {class: "field-name"}, say("taste"), " ", share), slider),
      make("label", {class: "check", title: say("literal.long")}, literal, make("span", {}, say("literal")))));
  return {
    element,
    leave: picture.leave,
    refresh() {
      if (document.activeElement !== field.input) field.input.value = state.q;
      picture.show(state.picture);
      slider.disabled = !state.user;
      share.textContent = state.user ? percent(state.personal) : "";
    },
  };
}

/** The filters in force, each to be taken away, also where no item is left that it could be counted by. */
function active(state, go) {
  const chips = Object.entries(state.where).map(([column, value]) => {
    const range = Array.isArray(value) && value.some(one => typeof one !== "string");
    const press = button("", () => {
      const {[column]: _, ...left} = state.where;
      go({where: left});
    }, {class: "chip on", "aria-label": say("filter.out", {column: columnName(column)})});
    press.append(make("span", {}, `${columnName(column)}: ${range ? value.map(one => one ?? "").join(" – ") : [value].flat().join(", ")}`), icon("close"));
    return make("li", {}, press);
  });
  return chips.length ? [make("ul", {class: "chips", "aria-label": say("filters")}, chips)] : [];
}

function more(found, state, go) {
  const n = Math.min(MOST, state.n + 2 * PAGE);
  return found.items.length === state.n && n > state.n ? [button(say("more"), () => go({n}), {class: "more"})] : [];
}

/** Before anything is asked: what there is, by the first columns that items can be told apart by. */
async function hello(go) {
  const panel = empty("search", say("search.none"), say("search.none.long"));
  const columns = (await get("/v1/facets", {n: 5}).catch(() => ({facets: []}))).facets;
  const words = columns.filter(one => typeof one.values[0]?.value === "string").slice(0, 4);
  panel.append(make("dl", {class: "browse"}, words.map(one => make("div", {}, make("dt", {}, columnName(one.column)),
    make("dd", {class: "row"}, one.values.map(({value}) => button(value, () => go({q: value}), {class: "chip"})))))));
  return panel;
}
