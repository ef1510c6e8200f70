// The knowledge graph: looked around in node by node, or asked in Cypher.

import {get, latest, served} from "../api.js";
import {announce, button, icon, make} from "../dom.js";
import {combobox} from "../parts/combobox.js";
import {cypherBox} from "../parts/cypher.js";
import {around, busiest, MORE, named, next, schema} from "../parts/neighbours.js";
import {columnName, labelName, relationName} from "../parts/names.js";
import {labelColour, network} from "../parts/network.js";
import {empty, trouble, waiting} from "../parts/states.js";
import {number, say} from "../words/index.js";

/** Neighbours of a relation that are drawn at once; a colour may have thousands. */
const DRAWN = 10;

export function show(main, route) {
  const ask = latest(), about = make("section", {class: "panel about", "aria-label": say("node")}), tools = make("div", {class: "tools"});
  const place = make("div", {class: "canvas", role: "img", "aria-label": say("graph.picture")});
  const hidden = new Set();
  let drawing = null, overview = false;

  async function choose(id) {
    remember(id);
    about.replaceChildren(waiting("lines", 5));
    try {
      const node = await ask(signal => around(id, signal));
      if (!node) {
        about.replaceChildren(empty("graph", say("node.unknown", {id}), say("node.unknown.long")));
        return;
      }
      if (overview) drawing.clear();
      overview = false;
      grow(node, node.groups.flatMap(group => group.nodes.slice(0, DRAWN)));
      about.replaceChildren(...told(node));
      announce(say("node.told", {name: node.name, n: number(node.groups.reduce((all, one) => all + one.total, 0))}));
    } catch (error) {
      about.replaceChildren(trouble(error, () => choose(id)));
    }
  }

  function grow(node, others) {
    drawing.add([{id: node.id, name: node.name, label: node.label, size: 34}, ...others.map(({id, name, label}) => ({id, name, label}))],
      others.map(one => ({from: one.outward ? node.id : one.id, to: one.outward ? one.id : node.id, relation: one.relation, directed: true})), node.id);
    drawing.choose(node.id);
    paint();
  }

  function told(node) {
    const item = node.id.startsWith("item:") ? node.id.slice(5) : null;
    return [make("h2", {}, node.name), make("p", {class: "muted"}, swatch(node.label), `${labelName(node.label)} · ${node.id}`),
      item !== null && make("p", {}, make("a", {href: `#/user?by=history&history=${encodeURIComponent(item)}`}, say("node.recommend"))),
      ...node.groups.map(group => neighbours(node, group))].filter(Boolean);
  }

  /** What a relation leads to, as a list; more of it is asked for when it is wanted, and drawn with the rest. */
  function neighbours(node, group) {
    const list = make("ul", {class: "neighbours"});
    let listed = 0;
    const extend = nodes => {
      list.append(...nodes.map(other => entry(other.name, other.label, () => choose(other.id))));
      listed += nodes.length;
      more.textContent = say("node.more", {n: number(Math.min(group.total - listed, MORE))});
      more.hidden = listed >= group.total;
    };
    const more = button("", async () => {
      more.disabled = true;
      try {
        if (group.nodes.length <= listed) group.nodes.push(...await ask(signal => next(node.id, group, signal)));
        const fresh = group.nodes.slice(listed, listed + MORE);
        if (!fresh.length) group.total = listed;
        extend(fresh);
        grow(node, fresh);
        list.children[listed - fresh.length]?.querySelector("button").focus();
      } catch (error) {
        list.append(trouble(error));
      }
      more.disabled = false;
    }, {class: "quiet"});
    extend(group.nodes.slice(0, DRAWN));
    return make("div", {}, make("h3", {}, `${relationName(group.relation)} `, make("small", {}, number(group.total))), list, more);
  }

  /** The relations and labels of the picture: what they mean, and which are shown. */
  function paint() {
    const [nodes, edges] = drawing.size();
    place.setAttribute("aria-label", say("graph.picture.of", {nodes: number(nodes), edges: number(edges)}));
    const relations = [...drawing.relations()].sort((a, b) => b[1] - a[1]);
    const legend = make("ul", {class: "legend", "aria-label": say("labels")}, drawing.labels().map(label => make("li", {}, swatch(label), labelName(label))));
    // The overview names relations together, so there is nothing to choose among.
    tools.replaceChildren(legend, overview ? "" : make("fieldset", {class: "relations"}, make("legend", {class: "field-name"}, say("relations.shown")), relations.map(([relation, count]) => make("label", {class: "chip check"},
        make("input", {type: "checkbox", checked: !hidden.has(relation), on: {change: event => {
          if (event.target.checked) hidden.delete(relation);
          else hidden.add(relation);
          drawing.filter(hidden);
        }}}), make("span", {}, relationName(relation)), make("small", {}, number(count))))));
  }

  /** All labels as nodes and relations between them as edges: where one begins without a node in mind. */
  async function all() {
    try {
      const {labels, edges} = await ask(schema);
      overview = true;
      drawing.clear();
      const most = Math.max(...labels.map(([, count]) => count)), joined = together(edges);
      const widest = Math.max(...joined.map(one => one.count), 1);
      drawing.add(labels.map(([label, count]) => ({id: label, name: `${labelName(label)} ${number(count)}`, label, size: 26 + 44 * Math.sqrt(count / most)})),
        joined.map(({count, ...edge}) => ({...edge, directed: true, width: 1 + 4 * Math.sqrt(count / widest)})));
      paint();
      about.replaceChildren(make("h2", {}, say("overview")), make("p", {class: "muted"}, say("overview.long")),
        make("ul", {class: "neighbours"}, labels.map(([label, count]) => entry(labelName(label), label, () => some(label), count))));
    } catch (error) {
      about.replaceChildren(trouble(error, all));
    }
  }

  async function some(label) {
    drawing.choose(label);
    try {
      const nodes = await ask(signal => busiest(label, signal));
      about.replaceChildren(make("h2", {}, swatch(label), labelName(label)), make("p", {class: "muted"}, say("busiest.long")),
        make("ul", {class: "neighbours"}, nodes.map(node => entry(node.name, label, () => choose(node.id), node.edges))), button(say("back"), all, {class: "quiet"}));
      about.querySelector("button")?.focus({preventScroll: true});
    } catch (error) {
      about.replaceChildren(trouble(error));
    }
  }

  function picture(nodes, edges) {
    remember("");
    overview = false;
    drawing.clear();
    drawing.add(nodes, edges);
    paint();
    about.replaceChildren(make("h2", {}, say("drawn")), make("p", {class: "muted"}, say("drawn.long", {nodes: number(nodes.length), edges: number(edges.length)})));
    place.scrollIntoView({block: "center"});
  }

  main.append(make("div", {class: "page-head"}, make("h1", {}, say("page.graph")), make("p", {class: "muted"}, say("graph.about"))));
  const box = cypherBox(picture, choose);
  served().then(health => {
    const start = health.graph ? all : () => about.replaceChildren(empty("graph", say("graph.none"), say("graph.none.long")));
    main.append(finder(choose, start), make("div", {class: "explore"}, make("div", {class: "panel stage"}, place, zooming(() => drawing), tools), about));
    if (health.graph) main.append(box.element);
    drawing = network(place, id => overview ? some(id) : choose(id));
    const id = route.given.get("node");
    if (id) choose(id);
    else start();
  }).catch(error => main.append(trouble(error)));
  return () => {
    ask.stop();
    box.leave();
    drawing?.leave();
  };
}

/** One edge from label to label, however many relations there are. */
function together(rows) {
  const pairs = new Map();
  for (const [from, relation, to, count] of rows) {
    const key = `${from} ${to}`, pair = pairs.get(key) ?? {from, to, relations: [], count: 0};
    pair.relations.push(relationName(relation));
    pair.count += count;
    pairs.set(key, pair);
  }
  return [...pairs.values()].map(({relations, ...pair}) => ({...pair, relation: relations.join(" "),
    told: relations.length > 2 ? say("relations.n", {n: relations.length}) : relations.join(", ")}));
}

const remember = id => history.replaceState(null, "", id ? `#/graph?node=${encodeURIComponent(id)}` : "#/graph");

const swatch = label => make("i", {class: "swatch", css: {"--colour": `var(--${labelColour(label)})`}});

/** A line that leads to a node, or to those of a label. */
const entry = (name, label, press, count = null) => make("li", {}, make("button", {type: "button", class: "quiet", on: {click: press}},
  swatch(label), make("span", {}, name), count !== null && make("small", {class: "figure"}, number(count))));

function finder(choose, all) {
  const ask = latest();
  const field = combobox({
    id: "node", placeholder: say("node.example"), "aria-label": say("node.find"), maxlength: 1000,
    suggest: async (text, signal) => (await get("/v1/suggest", {q: text.slice(0, 500), n: 10}, signal)).completions
      .filter(one => one.id).map(one => ({text: one.text, note: columnName(one.kind), id: one.id})),
    choose: option => {
      field.input.value = option.text;
      choose(option.id);
    },
    submit: async text => {
      if (!text.trim()) return;
      try {
        choose(await ask(signal => named(text.trim(), signal)) ?? text.trim());
      } catch {
        choose(text.trim());
      }
    },
  });
  return make("form", {class: "panel ask-main", role: "search", on: {submit: event => event.preventDefault()}}, icon("search"), field.box,
    button(say("overview"), all));
}

function zooming(drawing) {
  return make("div", {class: "zoom"}, button("+", () => drawing().zoom(1.3), {"aria-label": say("zoom.in")}), button("−", () => drawing().zoom(1 / 1.3), {"aria-label": say("zoom.out")}),
    button("⤢", () => drawing().fit(), {"aria-label": say("zoom.fit")}));
}
