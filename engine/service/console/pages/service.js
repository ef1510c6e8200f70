// The service itself: whether it is up, what it serves, how much it is asked, and how fast it answers.

import {get, key, latest, useKey} from "../api.js";
import {button, draw, make} from "../dom.js";
import {routes, samples, value} from "../parts/metrics.js";
import {empty, trouble, waiting} from "../parts/states.js";
import {number, say} from "../words/index.js";

const EVERY = 3000, KEPT = 60;

export function show(main) {
  const ask = latest(), tiles = make("dl", {class: "tiles"}), busy = make("div", {}, waiting("lines", 6)), rate = make("div", {class: "rate"}), behind = make("p", {class: "muted"});
  const pace = [];
  let before = null;

  async function refresh() {
    try {
      const [health, text, shadow] = await ask(signal => Promise.all([get("/healthz", {}, signal), get("/metrics", {}, signal), get("/v1/shadow", {}, signal)]));
      const all = samples(text), now = performance.now(), busiest = routes(all), total = busiest.reduce((sum, one) => sum + one.requests, 0);
      // Its own questions are not what anybody wants to know of.
      if (before) pace.push(Math.max(0, total - before.total - 3) / ((now - before.now) / 1000));
      if (pace.length > KEPT) pace.shift();
      before = {now, total};
      tiles.replaceChildren(...told(health, all, total));
      rate.replaceChildren(...line(pace));
      behind.textContent = compared(shadow);
      busy.replaceChildren(busiest.length ? table(busiest) : empty("service", say("requests.none")));
    } catch (error) {
      before = null;
      busy.replaceChildren(trouble(error, refresh));
    }
  }

  main.append(make("div", {class: "page-head"}, make("h1", {}, say("page.service")), make("p", {class: "muted"}, say("service.about"))), tiles, behind,
    make("section", {class: "panel board"}, make("div", {class: "list-head"}, make("div", {class: "grow"}, make("h2", {}, say("requests")), make("p", {class: "muted"}, say("requests.long"))), rate), busy),
    make("p", {class: "muted interface"}, say("interface.long"), " ", make("a", {href: "/openapi.json"}, "/openapi.json"), " · ", make("a", {href: "/metrics"}, "/metrics"),
      key() && button(say("key.forget"), () => {
        useKey("");
        location.reload();
      }, {class: "quiet"})));
  refresh();
  const timer = setInterval(() => { if (!document.hidden) refresh(); }, EVERY);
  return () => {
    clearInterval(timer);
    ask.stop();
  };
}

function told(health, all, total) {
  const tile = (name, shown) => make("div", {class: "tile"}, make("dt", {}, name), make("dd", {}, shown));
  const unit = (figure, of) => [figure, " ", make("small", {}, of)];
  const memory = value(all, "process_resident_memory_bytes"), age = value(all, "weft_artefact_age_seconds");
  return [tile(say("status"), make("span", {class: "alive"}, health.status === "ok" ? say("up") : health.status)),
    tile(say("data.items"), number(health.items)), tile(say("data.users"), number(value(all, "weft_users") ?? 0)),
    tile(say("data.interactions"), number(health.events)), tile(say("events.taken"), number(value(all, "weft_events_taken_total") ?? 0)),
    tile(say("requests"), number(total)),
    memory !== null && tile(say("memory"), unit(number(memory / 2 ** 20), "MiB")),
    age !== null && tile(say("age"), unit(number(age / 3600, age < 36000 ? 1 : 0), say("hours")))].filter(Boolean);
}

/** How far an artefact agrees that answers in the background, in a line; empty without one. */
function compared({name, share, ready, trouble, on}) {
  if (name === null) return "";
  const told = Object.entries(on).map(([kind, one]) => say("shadow.on", {on: kind, n: number(one.compared),
    overlap: one.overlap === null ? "–" : number(100 * one.overlap, 1), missed: number(Object.values(one.missed).reduce((sum, many) => sum + many, 0))}));
  return [say("shadow.line", {name, share: number(100 * share, share < .1 ? 1 : 0)}), ready ? "" : trouble ?? say("shadow.off"), ...told].filter(Boolean).join(" ");
}

function table(busiest) {
  const seconds = taken => taken === null ? "–" : say("ms", {n: number(1000 * taken, taken < .01 ? 1 : 0)});
  const most = busiest[0].requests;
  return make("div", {class: "table-scroll", tabindex: "0", role: "region", "aria-label": say("requests")}, make("table", {class: "table requests"},
    make("thead", {}, make("tr", {}, [["route"], ["requests", "figure"], ["failed.n", "figure"], ["half", "figure"], ["slow", "figure"]].map(([name, kind]) => make("th", {scope: "col", class: kind}, say(name))))),
    make("tbody", {}, busiest.map(one => make("tr", {}, make("th", {scope: "row"}, one.route === "none" ? say("route.none") : make("code", {}, one.route), make("i", {class: "load", "aria-hidden": "true", css: {width: `${100 * one.requests / most}%`}})),
      make("td", {class: "figure"}, number(one.requests)), make("td", {class: one.failed ? "figure bad" : "figure"}, number(one.failed)),
      make("td", {class: "figure"}, seconds(one.middle)), make("td", {class: "figure"}, seconds(one.slow)))))));
}

/** Requests a second since the page was opened, as a thin line. */
function line(pace) {
  if (!pace.length) return [];
  const most = Math.max(...pace, 1), step = 160 / (KEPT - 1), from = 160 - step * (pace.length - 1);
  const now = number(pace.at(-1), 1);
  return [make("span", {class: "figure"}, say("per.second", {n: now})), draw("svg", {viewBox: "0 0 160 32", role: "img", "aria-label": say("per.second", {n: now})},
    draw("polyline", {points: pace.map((one, at) => `${(from + at * step).toFixed(1)},${(30 - 27 * one / most).toFixed(1)}`).join(" ")}))];
}
