// Who changed the rules, when, and how.

import {make} from "../dom.js";
import {day, say} from "../words/index.js";

export function audit(changes) {
  if (!changes.length) return make("p", {class: "muted"}, say("audit.none"));
  return make("ol", {class: "audit"}, changes.map(one => make("li", {},
    make("div", {class: "audit-head"}, make("strong", {}, one.what), make("span", {class: "muted"}, say("by.whom", {who: one.who})),
      make("time", {class: "muted", datetime: one.time}, moment(one.time))),
    (one.before.length > 0 || one.after.length > 0) && make("details", {}, make("summary", {}, say("difference")),
      make("div", {class: "difference"}, lines(one.before, "gone", "−"), lines(one.after, "come", "+"))))));
}

const moment = time => `${day(Date.parse(time) / 1000)}, ${new Date(time).toLocaleTimeString()}`;

const lines = (rules, kind, sign) => rules.map(rule => make("pre", {class: kind}, make("code", {}, `${sign} ${JSON.stringify(rule)}`)));
