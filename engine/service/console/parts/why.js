// Why an item is shown: a drawer with what adds to its score, whom that is owed to, and paths in the graph.

import {get, latest, post} from "../api.js";
import {announce, button, icon, make} from "../dom.js";
import {language, number, percent, say} from "../words/index.js";
import {contributions, share} from "./bars.js";
import {line, picture} from "./items.js";
import {naming} from "./names.js";
import {pathPicture} from "./paths.js";
import {trouble, waiting} from "./states.js";

const ask = latest();

/** Open the drawer for an item of a list. `who` is {user} or {history} or {}; `chosen()` is called when the user chose it. */
export function openWhy(item, who, chosen) {
  const body = make("div", {class: "drawer-body"}), title = make("h2", {id: "why-title"}, item.title);
  const close = button("", () => drawer.close(), {class: "quiet icon", "aria-label": say("close")});
  close.append(icon("close"));
  const drawer = make("dialog", {class: "drawer", "aria-labelledby": "why-title"}, make("header", {}, title, close), body);
  drawer.addEventListener("click", event => { if (event.target === drawer) drawer.close(); });
  drawer.addEventListener("close", () => { ask.stop(); drawer.remove(); });
  document.body.append(drawer);
  drawer.showModal();
  fill(drawer, body, item, who, chosen);
}

async function fill(drawer, body, item, who, chosen) {
  const reasons = make("div", {}, waiting("lines", 4));
  body.replaceChildren(head(item), actions(drawer, body, item, who, chosen), ...added(item), reasons);
  if (!who.user && !who.history?.length) {
    reasons.replaceChildren(make("p", {class: "muted"}, say("why.nobody")));
    return;
  }
  try {
    const [why, names] = await ask(async signal => {
      const found = await get("/v1/explain", {item: item.item_id, ...who, language}, signal);
      const ids = [...new Set(found.paths.flatMap(path => path.edges.flatMap(([from, , to]) => [from, to])))];
      return [found, await naming(ids, signal)];
    });
    reasons.replaceChildren(...ruled(why), ...(item.contributions ? [] : added(why)), ...owed(why), ...joined(why, names));
  } catch (error) {
    reasons.replaceChildren(error.status === 404 ? make("p", {class: "muted"}, error.message) : trouble(error));
  }
}

function head(item) {
  const chance = item.probability ?? null;
  return make("div", {class: "why-head"}, picture(item, 128), make("dl", {class: "facts"},
    make("div", {}, make("dt", {}, say("id")), make("dd", {}, item.item_id)),
    item.score !== undefined && make("div", {}, make("dt", {}, say("score")), make("dd", {}, item.score.toFixed(3))),
    item.cosine !== undefined && make("div", {}, make("dt", {}, say("likeness")), make("dd", {}, percent(item.cosine))),
    chance !== null && make("div", {}, make("dt", {title: say("chance.long")}, say("chance")), make("dd", {}, percent(chance, 1)))));
}

function added(item) {
  const told = item.why?.reasons ?? [];
  return [
    ...(told.length ? [make("h3", {}, say("reasons")), make("ul", {class: "sentences"}, told.map(text => make("li", {}, text)))] : []),
    ...(item.contributions ? [make("h3", {}, say("adds")), contributions(item.contributions, item.score)] : []),
  ];
}

function owed(why) {
  if (!why.owed_to.length) return [];
  return [make("h3", {}, say("owed")), make("ul", {class: "short"}, why.owed_to.map(one =>
    line(one, one.rank_without === why.rank ? null : say("without", {before: place(why.rank), after: place(one.rank_without)}), share(one.share), make("span", {class: "figure"}, percent(one.share)))))];
}

const place = rank => rank === null ? say("far") : number(rank);

/** What rules and the user's own word do with it. */
function ruled(why) {
  return why.rules.length ? [make("h3", {}, say("page.rules")), make("ul", {class: "sentences"}, why.rules.map(text => make("li", {}, text)))] : [];
}

function joined(why, names) {
  if (!why.paths.length) return [];
  return [make("h3", {}, say("in.graph")), pathPicture(why.paths, names, why.sentences),
    make("ul", {class: "sentences"}, why.sentences.map(text => make("li", {}, text)))];
}

function actions(drawer, body, item, who, chosen) {
  const row = make("div", {class: "row"});
  row.append(button(say("alike"), async () => {
    try {
      const found = await ask(signal => get(`/v1/similar/${encodeURIComponent(item.item_id)}`, {n: 12}, signal));
      body.replaceChildren(make("p", {class: "muted"}, say("alike.of", {title: item.title})),
        make("ol", {class: "short"}, found.items.map(one => make("li", {}, make("button", {type: "button", class: "line", on: {click: () => {
          drawer.querySelector("h2").textContent = one.title;
          fill(drawer, body, one, who, chosen);
        }}}, picture(one, 40), make("span", {class: "title"}, one.title), make("span", {class: "figure"}, percent(one.cosine)))))));
      body.querySelector("button")?.focus();
    } catch (error) {
      body.append(trouble(error));
    }
  }));
  row.append(make("a", {class: "button", href: `#/graph?node=${encodeURIComponent(`item:${item.item_id}`)}`, on: {click: () => drawer.close()}}, say("see.graph")));
  const tell = (path, more) => async event => {
    event.target.disabled = true;
    try {
      await post(path, {user_id: who.user, item_id: item.item_id, ...more});
      drawer.close();
      announce(say("taken"));
      chosen();
    } catch (error) {
      body.append(trouble(error));
    }
  };
  if (who.user && chosen) {
    row.append(button(say("chose"), tell("/v1/events"), {title: say("chose.long")}),
      button(say("dislike"), tell("/v1/feedback", {kind: "dislike"}), {title: say("dislike.long")}));
  }
  return row;
}
