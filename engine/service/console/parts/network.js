// A drawing of nodes and edges, by Cytoscape.js, in the colours of the page.

import cytoscape from "../vendor/cytoscape.js";
import {colour} from "../dom.js";
import {relationName} from "./names.js";

const PALETTE = ["c8", "c7", "c9", "c10", "c11"];
const LONGEST = 26, FEW = 40;

/** The colour of a label; one that is not known gets the next, the same as long as the page is open. */
const given = new Map(Object.entries({Item: "c0", Brand: "c1", Category: "c2", Attribute: "c3", Collection: "c4", User: "c5", Person: "c6", Entity: "c12"}));
export function labelColour(label) {
  if (!given.has(label)) given.set(label, PALETTE[given.size % PALETTE.length]);
  return given.get(label);
}

const short = name => [...name].length > LONGEST ? `${[...name].slice(0, LONGEST - 1).join("")}…` : name;

function style() {
  const ink = colour("ink"), card = colour("card"), edge = colour("edge"), accent = colour("accent"), muted = colour("muted");
  const font = getComputedStyle(document.body).fontFamily;
  return [
    {selector: "node", style: {
      "background-color": node => colour(labelColour(node.data("label"))), label: node => short(node.data("name")), width: "data(size)", height: "data(size)",
      color: ink, "font-size": 11, "font-family": font, "text-valign": "bottom", "text-margin-y": 4, "text-wrap": "wrap", "text-max-width": 110,
      "text-background-color": card, "text-background-opacity": .8, "text-background-padding": 1, "min-zoomed-font-size": 7, "border-width": 2, "border-color": card}},
    {selector: "edge", style: {
      width: edge => edge.data("width") ?? 1.4, "line-color": edge, "curve-style": "bezier", opacity: .75, "font-size": 9, "font-family": font, color: muted,
      "text-background-color": card, "text-background-opacity": 1, "text-background-padding": 2, "text-rotation": "autorotate", "min-zoomed-font-size": 7}},
    {selector: "edge[?directed]", style: {"target-arrow-shape": "triangle", "target-arrow-color": edge, "arrow-scale": .8}},
    {selector: "edge.named", style: {label: one => one.data("told") ?? relationName(one.data("relation"))}},
    {selector: "node.chosen", style: {"border-color": accent, "border-width": 4, "font-weight": "bold"}},
    {selector: "edge.chosen", style: {"line-color": accent, "target-arrow-color": accent, opacity: 1, label: one => one.data("told") ?? relationName(one.data("relation"))}},
    {selector: ".away", style: {display: "none"}},
  ];
}

/** Places in rings around the origin, wider than high as the canvas is, every other ring turned by half a step. */
function rings(ids) {
  const places = new Map();
  for (let ring = 0, at = 0; at < ids.length; ring++) {
    const radius = 150 + 105 * ring, room = Math.min(ids.length - at, Math.floor(2 * Math.PI * radius / 92));
    for (let step = 0; step < room; step++, at++) {
      const angle = 2 * Math.PI * (step + ring / 2) / room - Math.PI / 2;
      places.set(ids[at], {x: 1.45 * radius * Math.cos(angle), y: radius * Math.sin(angle)});
    }
  }
  return places;
}

/** A drawing in a place of the page; `pick(id)` is called when a node is pressed. */
export function network(place, pick) {
  const graph = cytoscape({container: place, style: style(), minZoom: .15, maxZoom: 3, boxSelectionEnabled: false, autounselectify: true});
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const hidden = new Set();
  graph.on("tap", "node", event => pick(event.target.id()));
  graph.on("mouseover", "node", () => { place.style.cursor = "pointer"; });
  graph.on("mouseout", "node", () => { place.style.cursor = ""; });
  const paint = () => graph.style(style());
  const dark = matchMedia("(prefers-color-scheme: dark)");
  window.addEventListener("themechange", paint);
  dark.addEventListener("change", paint);

  /** Nodes {id, name, label, size} and edges {from, to, relation, directed, width} more; those that are there stay. New ones
   * begin beside the node they are added to. */
  function add(nodes, edges, beside = null) {
    const at = beside && graph.getElementById(beside).nonempty() ? graph.getElementById(beside).position() : {x: 0, y: 0};
    const fresh = nodes.filter(node => graph.getElementById(node.id).empty());
    graph.add(fresh.map((node, place) => ({
      group: "nodes", data: {size: 22, ...node},
      position: {x: at.x + 130 * Math.cos(2 * Math.PI * place / fresh.length), y: at.y + 130 * Math.sin(2 * Math.PI * place / fresh.length)}})));
    const ids = edges.map(edge => ({...edge, id: `${edge.from} ${edge.relation} ${edge.to}`}));
    graph.add(ids.filter((edge, place) => graph.getElementById(edge.id).empty() && ids.findIndex(one => one.id === edge.id) === place)
      .map(({from, to, ...data}) => ({group: "edges", data: {...data, source: from, target: to}})));
    graph.edges().toggleClass("named", graph.edges().length <= FEW);
    filter(hidden);
    settle();
  }

  /** A node and what is joined to it stand in rings; anything else is laid out by forces. */
  function settle() {
    const centre = graph.nodes().filter(node => node.closedNeighborhood().nodes().length === graph.nodes().length).max(node => node.degree()).ele;
    const calmly = {animate: calm || graph.nodes().length > 150 ? false : "end", animationDuration: 320, fit: true, padding: 36};
    if (centre && graph.nodes().length > 3) {
      const places = rings(graph.nodes().filter(node => node.id() !== centre.id()).map(node => node.id()));
      graph.layout({...calmly, name: "preset", animate: Boolean(calmly.animate), positions: node => places.get(node.id()) ?? {x: 0, y: 0}}).run();
      return;
    }
    graph.layout({...calmly, name: "cose", randomize: false, nodeRepulsion: () => 60000, idealEdgeLength: () => 70, nodeOverlap: 16, gravity: .6, numIter: 900,
      nodeDimensionsIncludeLabels: true}).run();
  }

  /** Mark a node and what is joined to it. */
  function choose(id) {
    graph.elements().removeClass("chosen");
    const node = graph.getElementById(id);
    node.addClass("chosen");
    node.connectedEdges().addClass("chosen");
  }

  /** Show no edges of these relations, and no node that only they lead to. */
  function filter(relations) {
    if (relations !== hidden) {
      hidden.clear();
      relations.forEach(one => hidden.add(one));
    }
    graph.edges().forEach(edge => { edge.toggleClass("away", hidden.has(edge.data("relation"))); });
    graph.nodes().forEach(node => {
      const edges = node.connectedEdges();
      node.toggleClass("away", edges.nonempty() && !node.hasClass("chosen") && edges.every(edge => edge.hasClass("away")));
    });
  }

  return {
    add, choose, filter, settle,
    clear: () => { graph.elements().remove(); hidden.clear(); },
    has: id => graph.getElementById(id).nonempty(),
    zoom: by => graph.zoom({level: graph.zoom() * by, renderedPosition: {x: graph.width() / 2, y: graph.height() / 2}}),
    fit: () => graph.fit(undefined, 36),
    labels: () => [...new Set(graph.nodes().map(node => node.data("label")))],
    /** How many edges there are of each relation. */
    relations: () => graph.edges().reduce((all, edge) => all.set(edge.data("relation"), (all.get(edge.data("relation")) ?? 0) + 1), new Map()),
    size: () => [graph.nodes().length, graph.edges().length],
    leave() {
      window.removeEventListener("themechange", paint);
      dark.removeEventListener("change", paint);
      graph.destroy();
    },
  };
}

