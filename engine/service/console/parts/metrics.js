// What /metrics says, in the text that Prometheus reads, as figures for people.

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([-+.\w]+)$/, LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

/** Samples {name, labels, value} of a text. */
export function samples(text) {
  return text.split("\n").filter(line => line && !line.startsWith("#")).map(line => LINE.exec(line)).filter(Boolean)
    .map(([, name, labels = "", value]) => ({name, labels: Object.fromEntries([...labels.matchAll(LABEL)].map(([, key, told]) => [key, told])), value: Number(value)}));
}

/** The first value of this name, or null. */
export const value = (all, name) => all.find(one => one.name === name)?.value ?? null;

/** Routes {route, requests, failed, middle, slow}, busiest first; the times are seconds below which half and 95% of all are. */
export function routes(all) {
  const found = new Map();
  for (const {labels, value: count} of all.filter(one => one.name === "weft_requests_total")) {
    const route = found.get(labels.route) ?? {route: labels.route, requests: 0, failed: 0, buckets: []};
    route.requests += count;
    if (Number(labels.status) >= 500) route.failed += count;
    found.set(labels.route, route);
  }
  for (const {labels, value: count} of all.filter(one => one.name === "weft_request_seconds_bucket")) {
    found.get(labels.route)?.buckets.push([labels.le === "+Inf" ? Infinity : Number(labels.le), count]);
  }
  return [...found.values()].map(({buckets, ...route}) => ({...route, middle: quantile(buckets, .5), slow: quantile(buckets, .95)}))
    .sort((a, b) => b.requests - a.requests);
}

/** A quantile of a histogram of [upper end, how many below], even within a bucket as Prometheus takes it; null without any. */
export function quantile(buckets, share) {
  const sorted = [...buckets].sort((a, b) => a[0] - b[0]), wanted = share * (sorted.at(-1)?.[1] ?? 0);
  if (!wanted) return null;
  const at = sorted.findIndex(([, below]) => below >= wanted), [from, before] = at ? sorted[at - 1] : [0, 0], [to, below] = sorted[at];
  return to === Infinity ? from : from + (to - from) * (wanted - before) / (below - before);
}
