// A user or a bare history: what was done, what it says of interests, and what is recommended.

import {cypher, get, latest, post, served} from "../api.js";
import {announce, button, icon, make} from "../dom.js";
import {chooseHistory} from "../parts/choose.js";
import {cards, line} from "../parts/items.js";
import {interestsIn, interestsOf} from "../parts/interests.js";
import {empty, trouble, waiting} from "../parts/states.js";
import {openWhy} from "../parts/why.js";
import {day, number, say} from "../words/index.js";
import {columnName, naming} from "../parts/names.js";

const SHOWN = [12, 24, 48];
const LABELS = "MATCH (n) RETURN label(n) AS label, count(*) AS nodes";
const SOME = "MATCH (u:User) RETURN u.id AS id ORDER BY id LIMIT 5";

export function show(main, route) {
  const state = {
    user: route.rest,
    history: route.given.getAll("history"),
    bare: route.given.has("history") || route.given.get("by") === "history",
    mode: route.given.get("mode") === "interest" ? "interest" : "fused",
    n: SHOWN.find(n => String(n) === route.given.get("n")) ?? 12,
  };
  const ask = latest(), past = make("section", {class: "past", "aria-label": say("history")});
  const list = make("section", {"aria-labelledby": "list-title"});
  const go = change => {
    Object.assign(state, change);
    const given = new URLSearchParams([...(state.bare ? [["by", "history"], ...state.history.map(id => ["history", id])] : []),
      ...(state.mode === "fused" ? [] : [["mode", state.mode]]), ...(state.n === 12 ? [] : [["n", state.n]])]);
    const path = `#/user${state.user && !state.bare ? `/${encodeURIComponent(state.user)}` : ""}`;
    history.replaceState(null, "", given.size ? `${path}?${given}` : path);
    load();
  };
  async function load() {
    const who = state.bare ? {history: state.history} : {user: state.user};
    past.replaceChildren(...(state.bare || state.user ? [waiting("lines", 6)] : [hello(go)]));
    list.replaceChildren(controls(state, go), waiting("cards", state.n));
    try {
      const [known, found] = await ask(signal => Promise.all([
        state.bare ? null : state.user ? get(`/v1/users/${encodeURIComponent(state.user)}`, {n: 200}, signal).catch(unknown) : null,
        get("/v1/recommend", {...who, n: state.n, mode: state.mode}, signal),
      ]));
      if (known) past.replaceChildren(...person(known, load));
      else if (state.user && !state.bare) past.replaceChildren(empty("user", say("user.unknown", {user: state.user}), say("user.unknown.long")), hello(go));
      else if (state.bare) past.replaceChildren(...bare(state));
      ranked(list, found, who, () => load());
    } catch (error) {
      list.replaceChildren(trouble(error, load));
      past.replaceChildren();
    }
  }

  main.append(make("div", {class: "page-head"}, make("h1", {}, say("page.user")), make("p", {class: "muted"}, say("user.about"))),
    who(state, go), make("div", {class: "two"}, past, list));
  load();
  return () => ask.stop();
}

/** Of a user who is not there nothing is known; that is no failure. */
function unknown(error) {
  if (error.status === 404) return null;
  throw error;
}

/** Who is asked for: a user by id, or a history that is put together here. */
function who(state, go) {
  const form = make("form", {class: "who panel", role: "search", on: {submit: event => event.preventDefault()}});
  const by = bare => make("label", {}, make("input", {type: "radio", name: "by", checked: state.bare === bare, on: {change: () => {
    go({bare});
    fields();
  }}}), make("span", {}, say(bare ? "by.history" : "by.user")));
  const place = make("div", {class: "who-field"});
  function fields() {
    if (state.bare) {
      place.replaceChildren(chooseHistory(state.history, items => go({history: items})));
      return;
    }
    const input = make("input", {id: "user-id", type: "text", value: state.user, maxlength: 1000, autocomplete: "off", spellcheck: "false",
      placeholder: say("user.example"), enterkeyhint: "go"});
    const ask = event => {
      event?.preventDefault();
      go({user: input.value.trim()});
    };
    input.addEventListener("keydown", event => { if (event.key === "Enter" && !event.isComposing) ask(event); });
    place.replaceChildren(make("label", {class: "grow", for: "user-id"}, make("span", {class: "field-name"}, say("user.id")), input), button(say("show"), ask, {class: "main"}));
  }
  fields();
  form.append(make("fieldset", {class: "segments"}, make("legend", {class: "unseen"}, say("by")), by(false), by(true)), place);
  return form;
}

/** Some users to begin with, where the graph knows users. */
function hello(go) {
  const hints = make("div", {class: "row"});
  served().then(async health => {
    if (!health.graph) return;
    const labels = (await cypher(LABELS)).rows.map(([label]) => label);
    if (!labels.includes("User")) return;
    const users = (await cypher(SOME)).rows.map(([id]) => id.slice(id.indexOf(":") + 1));
    hints.replaceChildren(...users.map(user => button(user, () => {
      document.getElementById("user-id").value = user;
      go({user});
    }, {class: "chip"})));
  }).catch(() => {});  // without them the page is as good
  return make("div", {class: "panel hello"}, make("h2", {}, say("user.none")), make("p", {class: "muted"}, say("user.none.long")), hints);
}

function person(known, again) {
  const about = Object.entries(known.attributes).filter(([, values]) => values?.length);
  return [
    make("div", {class: "panel"}, make("h2", {class: "who-is"}, icon("user"), known.user_id),
      about.length > 0 && make("dl", {class: "facts"}, about.map(([name, values]) => make("div", {}, make("dt", {}, columnName(name)), make("dd", {}, [values].flat().join(", ")))))),
    unwanted(known, again),
    ...interestsOf(known),
    make("div", {class: "panel"}, make("h2", {}, say("history"), make("small", {}, say("events.n", {n: number(known.events)}))),
      known.history.length
        ? make("ol", {class: "short scroll", tabindex: "0", "aria-label": say("history")}, known.history.map(one => line(one, null,
          one.time > 0 && make("time", {class: "muted", datetime: new Date(1000 * one.time).toISOString()}, day(one.time)))))
        : make("p", {class: "muted"}, say("history.none"))),
  ].filter(Boolean);
}

/** What the user said against items, to be taken back. */
function unwanted(known, again) {
  const ids = [...new Set([...known.disliked, ...known.hidden])], names = ids.map(() => make("span"));
  if (!ids.length) return null;
  naming(ids.map(id => `item:${id}`)).then(name => ids.forEach((id, at) => { names[at].textContent = name(`item:${id}`); })).catch(() => {});
  return make("div", {class: "panel"}, make("h2", {}, say("unwanted")), make("ul", {class: "chips unwanted"}, ids.map((id, at) => {
    names[at].textContent = id;
    const press = button("", async () => {
      await post("/v1/feedback", {user_id: known.user_id, item_id: id, kind: "undo"}).catch(() => {});
      again();
    }, {class: "chip", title: say("take.back")});
    press.append(names[at], icon("close"));
    return make("li", {}, press);
  })));
}

function bare(state) {
  return state.history.length ? [interestsIn(state.history)] : [empty("user", say("history.empty"), say("history.empty.long"))];
}

function controls(state, go) {
  const option = (value, text, now) => make("option", {value, selected: value === now}, text);
  return make("div", {class: "list-head"},
    make("h2", {id: "list-title"}, say("recommended")),
    make("label", {class: "inline"}, make("span", {}, say("mode")), make("select", {on: {change: event => go({mode: event.target.value})}},
      ["fused", "interest"].map(mode => option(mode, say(`mode.${mode}`), state.mode)))),
    make("label", {class: "inline"}, make("span", {}, say("how.many")), make("select", {on: {change: event => go({n: Number(event.target.value)})}},
      SHOWN.map(n => option(n, String(n), state.n)))));
}

function ranked(list, found, who, again) {
  const head = list.firstChild;
  if (!found.items.length) {
    list.replaceChildren(head, empty("search", say("nothing"), say("nothing.list")));
    return;
  }
  list.replaceChildren(head, ...(found.personal ? [] : [make("p", {class: "note"}, say("popular"))]),
    cards(found.items, item => openWhy(item, who.user || who.history?.length ? who : {}, again)));
  announce(say("items.n", {n: found.items.length}));
}
