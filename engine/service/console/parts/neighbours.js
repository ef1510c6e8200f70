// What the graph says of a node, and of itself.

import {cypher, get} from "../api.js";

const FIRST = 100;
/** Neighbours that more of a relation are asked for at once. */
export const MORE = 50;
const SCHEMA = "MATCH (a)-[r]->(b) RETURN label(a) AS a, label(r) AS relation, label(b) AS b, count(*) AS edges ORDER BY edges DESC";
const LABELS = "MATCH (n) RETURN label(n) AS label, count(*) AS nodes ORDER BY nodes DESC";
const BUSIEST = label => `MATCH (n:${label})-[r]-(b) RETURN n.id AS id, n.name AS name, count(*) AS edges ORDER BY edges DESC, id`;

/** {id, name, label} of a node, and its relations as {relation, total, nodes}: the neighbours that tell most, and how many
 * there are. Null where there is no such node. */
export async function around(node, signal) {
  try {
    const found = await get("/v1/graph/neighbours", {node, n: FIRST}, signal);
    const groups = Object.entries(found.relations).sort((a, b) => a[1] - b[1]).map(([relation, total]) => ({relation, total, nodes: found.neighbours.filter(one => one.relation === relation)}));
    return {...found.node, groups};
  } catch (error) {
    if (error.status === 422 || error.status === 404) return null;
    throw error;
  }
}

/** The next neighbours of a relation. */
export async function next(node, group, signal) {
  return (await get("/v1/graph/neighbours", {node, relation: group.relation, n: MORE, skip: group.nodes.length}, signal)).neighbours;
}

/** The node that a text names best, or null. */
export const named = async (q, signal) => (await get("/v1/graph/nodes", {q, n: 1}, signal)).nodes[0]?.id ?? null;

/** How many nodes each label has, and how many edges join which labels. */
export async function schema(signal) {
  const [labels, edges] = await Promise.all([cypher(LABELS, {}, 100, signal), cypher(SCHEMA, {}, 1000, signal)]);
  return {labels: labels.rows, edges: edges.rows};
}

/** The nodes of a label with most edges. A label cannot be a parameter, so only a plain name is asked for. */
export async function busiest(label, signal) {
  if (!/^[A-Za-z_]\w{0,99}$/.test(label)) return [];
  return (await cypher(BUSIEST(label), {}, 20, signal)).rows.map(([id, name, edges]) => ({id, name: name ?? id, label, edges}));
}
