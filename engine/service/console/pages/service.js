// The service itself: whether it is up, what it serves, and how fast it answers.

import {get, key, latest, onAnswer, useKey} from "../api.js";
import {announce, button, make} from "../dom.js";
import {bars} from "../parts/intervals.js";
import {trouble, waiting} from "../parts/states.js";
import {number, say} from "../words/index.js";

const EVERY = 5000, TIMES = 7;
/** What is asked to measure: each is the commonest of its kind. */
const PROBES = [["/healthz", {}], ["/v1/recommend", {n: 10}], ["/v1/suggest", {q: "a"}], ["/v1/facets", {n: 5}], ["/v1/graph/nodes", {q: "a", n: 10}]];

export function show(main) {
  const ask = latest(), tiles = make("dl", {class: "tiles"}), failed = make("div", {});
  const measured = make("div", {});
  let stopped = false;

  async function refresh() {
    try {
      const health = await ask(signal => get("/healthz", {}, signal));
      failed.replaceChildren();
      tiles.replaceChildren(tile(say("status"), make("span", {class: "up"}, health.status === "ok" ? say("up") : health.status)),
        tile(say("data.items"), number(health.items)), tile(say("data.interactions"), number(health.events)), tile(say("page.graph"), say(health.graph ? "yes" : "no")));
    } catch (error) {
      tiles.replaceChildren();
      failed.replaceChildren(trouble(error, refresh));
    }
  }

  async function measure(event) {
    const press = event.currentTarget, found = new Map();
    press.disabled = true;
    measured.replaceChildren(waiting("lines", PROBES.length));
    const stop = onAnswer(({path, took}) => found.set(path, [...found.get(path) ?? [], took]));
    try {
      for (const [path, parameters] of PROBES) for (let time = 0; time < TIMES && !stopped; time++) await get(path, parameters);
      const rows = PROBES.map(([path]) => ({path, times: [...found.get(path) ?? []].sort((a, b) => a - b)})).filter(one => one.times.length);
      measured.replaceChildren(bars(say("latency"), rows.map(({path, times}) => {
        const median = times[times.length >> 1];
        return {name: path, mean: median, figure: say("ms", {n: number(median, median < 10 ? 1 : 0)})};
      })));
      announce(say("measured"));
    } catch (error) {
      measured.replaceChildren(trouble(error));
    }
    stop();
    press.disabled = false;
  }

  main.append(make("div", {class: "page-head"}, make("h1", {}, say("page.service")), make("p", {class: "muted"}, say("service.about"))), tiles, failed,
    make("div", {class: "boards"}, make("div", {}, make("section", {class: "panel board"}, make("h2", {}, say("latency")), make("p", {class: "muted"}, say("latency.long", {n: TIMES})),
      measured, make("div", {class: "row"}, button(say("measure"), measure, {class: "main"})))),
    make("div", {}, make("section", {class: "panel board"}, make("h2", {}, say("interface")), make("p", {class: "muted"}, say("interface.long")),
      make("p", {}, make("a", {href: "/openapi.json"}, "/openapi.json")), key() && button(say("key.forget"), () => {
        useKey("");
        location.reload();
      })))));
  refresh();
  const timer = setInterval(refresh, EVERY);
  return () => {
    stopped = true;
    clearInterval(timer);
    ask.stop();
  };
}

const tile = (name, value) => make("div", {class: "tile"}, make("dt", {}, name), make("dd", {}, value));
