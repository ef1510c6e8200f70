// Paths through the graph as a picture: what was liked on the left, the item on the right, what joins them between.

import {draw, make} from "../dom.js";
import {relationName} from "./names.js";

/** The nodes of a path from the liked item on, each with the relation that leads to it. */
function chain(path) {
  const nodes = [{id: `item:${path.liked}`, relation: null}], left = [...path.edges];
  while (left.length) {
    const here = nodes.at(-1).id, at = left.findIndex(([head, , tail]) => head === here || tail === here);
    if (at < 0) break;
    const [[head, relation, tail]] = left.splice(at, 1);
    nodes.push({id: head === here ? tail : head, relation});
  }
  return nodes;
}

/** A picture of the paths. `names` gives the name of a node, `sentences` say the same in words. */
export function pathPicture(paths, names, sentences) {
  const chains = paths.map(chain).filter(nodes => nodes.length > 1);
  const last = Math.max(...chains.map(nodes => nodes.length)) - 1;
  const columns = Array.from({length: last + 1}, () => new Map()), links = new Set();
  for (const nodes of chains) {
    // The last node is the item itself, whatever the length of the path.
    const places = nodes.map((node, at) => [at === nodes.length - 1 ? last : at, node]);
    for (const [column, node] of places) if (!columns[column].has(node.id)) columns[column].set(node.id, node);
    for (let at = 1; at < places.length; at++) {
      links.add(JSON.stringify([places[at - 1][0], places[at - 1][1].id, places[at][0], places[at][1].id]));
    }
  }
  const boxes = new Map();
  const box = (node, column) => {
    const made = make("span", {class: column === 0 ? "node liked" : column === last ? "node goal" : "node"},
      column > 0 && column < last && make("small", {}, relationName(node.relation)), make("span", {}, names(node.id)));
    boxes.set(`${column} ${node.id}`, made);
    return made;
  };
  const lines = draw("svg", {"aria-hidden": "true"});
  const figure = make("div", {class: "paths", role: "img", "aria-label": sentences.join("; "), css: {"--columns": last + 1}}, lines,
    columns.map((nodes, column) => make("div", {class: "column"}, [...nodes.values()].map(node => box(node, column)))));
  new ResizeObserver(() => {
    const whole = figure.getBoundingClientRect();
    lines.replaceChildren(...[...links].map(JSON.parse).map(([fromColumn, from, toColumn, to]) => {
      const a = boxes.get(`${fromColumn} ${from}`).getBoundingClientRect(), b = boxes.get(`${toColumn} ${to}`).getBoundingClientRect();
      const [x, y, u, v] = [a.right - whole.left, a.top + a.height / 2 - whole.top, b.left - whole.left, b.top + b.height / 2 - whole.top];
      return draw("path", {d: `M${x} ${y}C${(x + u) / 2} ${y} ${(x + u) / 2} ${v} ${u} ${v}`});
    }));
  }).observe(figure);
  return figure;
}
