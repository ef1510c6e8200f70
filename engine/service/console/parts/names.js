// Names of what the graph holds, for people.

import {cypher, served} from "../api.js";
import {known, say} from "../words/index.js";

/** HAS_COLOUR is colour; in words where the dictionary has it. */
export function relationName(relation) {
  if (known(`relation.${relation}`)) return say(`relation.${relation}`);
  return relation.replace(/^HAS_/, "").replaceAll("_", " ").toLowerCase();
}

export const labelName = label => known(`label.${label}`) ? say(`label.${label}`) : label;

/** A column of items, such as a facet. */
export const columnName = column => known(`column.${column}`) ? say(`column.${column}`) : column.replaceAll("_", " ");

const NAMES = "MATCH (n) WHERE n.id IN $ids RETURN n.id AS id, n.name AS name";

/** A function that names nodes: by the graph if it can be asked, by their ids if not. */
export async function naming(ids, signal) {
  const short = id => id.slice(id.indexOf(":") + 1);
  if (!ids.length || !(await served()).graph) return short;
  const names = new Map((await cypher(NAMES, {ids}, 1000, signal)).rows);
  return id => names.get(id) ?? short(id);
}
