// Questions to the service. What it refuses comes back as a Problem, with what to do about it where it says so.

/** An answer that is none: problem details (RFC 9457), or no answer at all. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? body.title ?? "");
    this.status = status;
    this.title = body.title ?? "";
    this.remedy = body.remedy ?? "";
  }
}

/** The key that was given for this tab, if the service asks for one; it is gone when the tab is closed. */
export function key() {
  try { return sessionStorage.getItem("weft.key") ?? ""; } catch { return ""; }
}

export function useKey(given) {
  try { sessionStorage.setItem("weft.key", given); } catch { /* then it is asked for again */ }
}

async function asked(path, given) {
  return (await exchange(path, given)).body;
}

/** The answer with its ETag, where what is sent back must say what it was read as. */
export async function exchange(path, {headers = {}, ...given} = {}) {
  let response;
  try {
    response = await fetch(path, {...given, headers: {...headers, ...credentials()}});
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, {});
  }
  if (response.status === 204) return {body: null, etag: null};
  const kind = response.headers.get("content-type") ?? "";
  const body = kind.includes("json") ? await response.json() : await response.text();
  if (!response.ok) throw new Problem(response.status, typeof body === "string" ? {title: body.slice(0, 200)} : body);
  return {body, etag: response.headers.get("etag")};
}

const credentials = () => key() ? {Authorization: `Bearer ${key()}`} : {};

/** A picture of the service, where an img alone would come without the key. */
export async function pictureOf(path) {
  const response = await fetch(path, {headers: credentials()});
  if (!response.ok) throw new Problem(response.status, {});
  return URL.createObjectURL(await response.blob());
}

/** A path with its parameters: empty ones are left out, those of a list are repeated. */
export function address(path, parameters = {}) {
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).filter(one => one !== "" && one !== null && one !== undefined).map(one => [name, one]));
  return pairs.length ? `${path}?${new URLSearchParams(pairs)}` : path;
}

export const get = (path, parameters, signal) => asked(address(path, parameters), {signal});

export const post = (path, body, signal) =>
  asked(path, {method: "POST", signal, headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});

/** A form with a file, as search by picture takes it. */
export function postForm(path, fields, signal) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) if (value !== "" && value !== null) form.append(name, value);
  return asked(path, {method: "POST", signal, body: form});
}

export const cypher = (query, parameters = {}, limit = 100, signal) => post("/v1/graph/query", {query, parameters, limit}, signal);

let health;
/** What is served; asked once. */
export function served() {
  health ??= get("/healthz").catch(error => { health = undefined; throw error; });
  return health;
}

/** One question at a time: a new one ends the one before, whose answer then never comes. */
export function latest() {
  let running = new AbortController();
  const ask = async work => {
    running.abort();
    running = new AbortController();
    const mine = running;
    try {
      const found = await work(mine.signal);
      return mine.signal.aborted ? new Promise(() => {}) : found;
    } catch (error) {
      if (mine.signal.aborted) return new Promise(() => {});
      throw error;
    }
  };
  ask.stop = () => running.abort();
  return ask;
}
