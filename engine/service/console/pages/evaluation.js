// The report of an evaluation, as `weft evaluate` or `weft demo` wrote it beside the artefact.

import {get, latest} from "../api.js";
import {make} from "../dom.js";
import {partName} from "../parts/bars.js";
import {bars, intervals} from "../parts/intervals.js";
import {reliabilityPicture} from "../parts/reliability.js";
import {empty, trouble, waiting} from "../parts/states.js";
import {known, number, percent, say, signed} from "../words/index.js";

export function show(main) {
  const ask = latest(), place = make("div", {}, waiting("rows", 4));
  main.append(make("div", {class: "page-head"}, make("h1", {}, say("page.evaluation")), make("p", {class: "muted"}, say("evaluation.about"))), place);
  ask(signal => get("/v1/evaluation", {}, signal)).then(report => {
    if (!report) {
      const hint = empty("evaluation", say("report.none"), say("report.none.long"));
      hint.append(make("pre", {class: "command"}, make("code", {}, "weft evaluate ARTEFACT")));
      place.replaceChildren(hint);
      return;
    }
    place.replaceChildren(...boards(report));
  }).catch(error => place.replaceChildren(trouble(error)));
  return ask.stop;
}

function boards(report) {
  const numbers = Object.entries(report.data).filter(([, value]) => typeof value === "number");
  const left = [fits(report),
    slices(report.by_history, say("by.length"), say("by.length.long", {metric: report.metric})),
    slices(report.by_popularity, say("by.popularity"), say("by.popularity.long", {metric: report.metric})),
    segments(report), contributions(report), timings(report)], right = [gates(report), reliability(report)];
  return [make("dl", {class: "tiles"}, numbers.map(([name, value]) => make("div", {class: "tile"}, make("dt", {}, named(name)), make("dd", {}, number(value))))),
    make("p", {class: "note"}, report.subtitle),
    rankers(report),
    make("div", {class: "boards"}, make("div", {}, left), make("div", {}, right)),
    make("p", {class: "muted"}, Object.entries(report.environment ?? {}).map(([name, version]) => `${name} ${version}`).join(" · "))];
}

const named = name => known(`data.${name}`) ? say(`data.${name}`) : name.replaceAll("_", " ");
const figure = value => value === null || value === undefined ? "–" : number(value, Math.abs(value) < 10 ? 4 : 1);

function board(title, words, ...content) {
  return make("section", {class: "panel board"}, make("h2", {}, title), words && make("p", {class: "muted"}, words), ...content);
}

/** Every ranker by one metric, to be chosen, and all metrics as a table. */
function rankers(report) {
  const metrics = Object.keys(report.rankers[0].metrics), place = make("div", {});
  const groups = [...new Set(report.rankers.map(row => row.group ?? ""))];
  const select = make("select", {on: {change: () => paint(select.value)}}, metrics.map(name => make("option", {value: name, selected: name === report.metric}, name)));
  function paint(metric) {
    place.replaceChildren(...groups.map(group => {
      const rows = report.rankers.filter(row => (row.group ?? "") === group && row.metrics[metric]?.mean !== null && row.metrics[metric] !== undefined)
        .sort((a, b) => b.metrics[metric].mean - a.metrics[metric].mean);
      return make("div", {}, group && make("h3", {}, group), intervals(`${group} ${metric}`, rows.map(row => ({
        name: row.name, ...row.metrics[metric], figure: figure(row.metrics[metric].mean), first: row === report.rankers[0], colour: row === report.rankers[0] ? "accent" : "c12"}))));
    }));
  }
  paint(metrics.includes(report.metric) ? report.metric : metrics[0]);
  const best = Object.fromEntries(metrics.map(name => [name, Math.max(...report.rankers.map(row => row.metrics[name]?.mean ?? -Infinity))]));
  return board(say("rankers"), "", make("div", {class: "list-head"}, make("p", {class: "muted grow"}, say("rankers.long")),
    make("label", {class: "inline"}, make("span", {}, say("metric")), select)), place,
  make("details", {}, make("summary", {}, say("metrics.all")), table([say("ranker"), ...metrics], report.rankers.map(row => [row.name,
    ...metrics.map(name => make("span", {class: row.metrics[name]?.low !== null && row.metrics[name]?.mean === best[name] ? "best" : null}, figure(row.metrics[name]?.mean)))]))));
}

function table(head, rows) {
  return make("div", {class: "table-scroll", tabindex: "0", role: "region", "aria-label": head[0]}, make("table", {class: "table"},
    make("thead", {}, make("tr", {}, head.map((name, at) => make("th", {scope: "col", class: at ? "figure" : null}, name)))),
    make("tbody", {}, rows.map(row => make("tr", {}, row.map((value, at) => at ? make("td", {class: "figure"}, value) : make("th", {scope: "row"}, value)))))));
}

function fits(report) {
  if (!report.fits?.length) return null;
  const names = Object.keys(report.fits[0].metrics);
  return board(say("fits"), say("fits.long"), table([say("part"), say("data.users"), ...names],
    report.fits.map(one => [one.part, number(one.users), ...names.map(name => figure(one.metrics[name]))])));
}

function slices(rows, title, words) {
  if (!rows?.length) return null;
  return board(title, words, intervals(title, rows.map(row => ({name: row.label, note: say("users.n", {n: number(row.users)}), mean: row.mean, low: row.low, high: row.high, figure: figure(row.mean)}))));
}

function gates(report) {
  if (!report.gates?.length) return null;
  const tried = report.gates.filter(one => one.low !== one.high), kept = new Set(report.gates.filter(one => one.kept).map(one => one.part)), all = new Set(report.gates.map(one => one.part));
  return board(say("gates"), say("gates.long", {metric: report.gate_metric, kept: kept.size, all: all.size}), intervals(say("gates"), tried.map(one => ({
    name: partName(one.part), note: `${one.kind}${one.kept ? "" : ` · ${say("off")}`}`, mean: one.gain, low: one.low, high: one.high, figure: signed(one.gain, 4), colour: one.kept ? "c0" : "c12"})), true));
}

/** Groups that lose come first, and are the only ones shown unless more is wanted. */
function segments(report) {
  if (!report.segments?.length) return null;
  const harmed = report.segments.filter(one => one.harmed), rest = report.segments.filter(one => !one.harmed);
  const chart = (rows, title) => intervals(title, rows.map(one => ({name: one.label, note: one.by, mean: one.gain, low: one.low, high: one.high, figure: signed(one.gain, 4), colour: one.harmed ? "bad" : "c0"})), true);
  return board(say("segments"), say("segments.long", {rival: report.rival, metric: report.segments[0].metric}),
    harmed.length ? chart(harmed, say("harmed")) : make("p", {}, make("span", {class: "badge good"}, say("harmed.none", {n: report.segments.length}))),
    rest.length > 0 && make("details", {}, make("summary", {}, say("segments.all", {n: rest.length})), chart(rest, say("segments"))));
}

function reliability(report) {
  if (!report.reliability) return null;
  const {ece, brier, brier_of_mean: plain} = report.reliability;
  return board(say("chances"), say("chances.long", {ece: figure(ece), brier: figure(brier), plain: figure(plain)}), reliabilityPicture(report.reliability));
}

function contributions(report) {
  const rows = Object.entries(report.contributions ?? {}).sort((a, b) => b[1] - a[1]);
  return rows.length ? board(say("shares"), say("shares.long"), bars(say("shares"), rows.map(([part, share]) => ({name: partName(part), mean: share, figure: percent(share)})))) : null;
}

function timings(report) {
  const rows = Object.entries(report.timings ?? {});
  return rows.length ? board(say("timings"), "", bars(say("timings"), rows.map(([step, seconds]) => ({name: step, mean: seconds, figure: say("seconds", {n: number(seconds, seconds < 10 ? 1 : 0)}), colour: "c12"})))) : null;
}
