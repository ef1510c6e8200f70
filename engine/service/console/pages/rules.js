// Rules: written, tried on lists of users, then put in force; and who changed what before.

import {address, exchange, get, latest} from "../api.js";
import {announce, button, make} from "../dom.js";
import {audit} from "../parts/audit.js";
import {trouble, waiting} from "../parts/states.js";
import {clashes, trial} from "../parts/trial.js";
import {say} from "../words/index.js";

const TEMPLATES = {
  boost: '[[rule]]\nname = "more of a brand"\nkind = "boost"\nnode = "brand:nike"\nweight = 1\n',
  bury: '[[rule]]\nname = "less of a brand"\nkind = "bury"\nnode = "brand:nike"\nweight = 0.5\n',
  exclude: '[[rule]]\nname = "nothing dear"\nkind = "exclude"\nitems = { price = [500, inf] }\n',
  require: '[[rule]]\nname = "up to 3000"\nkind = "require"\nitems = { price = [-inf, 3000] }\n',
  at_most: '[[rule]]\nname = "one of a collection"\nkind = "at_most"\nrelation = "HAS_COLLECTION"\nn = 1\ntop = 5\n',
};
const TOML = {"Content-Type": "application/toml"};

export function show(main) {
  const ask = latest(), outcome = make("section", {class: "outcome", "aria-label": say("outcome")}), log = make("div", {}, waiting("lines", 3));
  const text = make("textarea", {id: "rules", class: "code", rows: 12, spellcheck: "false", autocapitalize: "off", maxlength: 200000});
  const users = make("input", {id: "whose", type: "text", autocomplete: "off", spellcheck: "false", maxlength: 2000, placeholder: say("whose.example")});
  const force = make("p", {class: "muted"}), hint = make("p", {class: "muted", id: "apply-hint"});
  const editor = make("fieldset", {class: "whole", disabled: ""});  // until the rules are there, or they would take the place of what is typed
  let tag = null, tried = null;

  const send = (parameters, headers, signal) => exchange(address("/v1/rules", parameters), {method: "PUT", headers: {...TOML, ...headers}, body: text.value, signal});
  const attempt = button(say("try"), test);
  const apply = button(say("apply"), put, {"aria-describedby": "apply-hint"});
  const revert = button(say("revert"), load, {class: "quiet"});

  /** Only what was tried as it stands can be put in force. */
  function judge() {
    const ready = tried === text.value;
    apply.disabled = !ready;
    apply.classList.toggle("main", ready);
    attempt.classList.toggle("main", !ready);
    hint.textContent = say(ready ? "tried" : "try.first");
  }

  function told({body, etag}) {
    tag = etag;
    text.value = body.rules.rule?.length ? body.toml : "";
    force.textContent = body.in_force.length ? say("in.force", {names: body.in_force.join(" · ")}) : say("in.force.none");
    tried = null;
    editor.disabled = false;
    judge();
    return body;
  }

  async function load() {
    try {
      told(await ask(signal => exchange("/v1/rules", {signal})));
      outcome.replaceChildren();
    } catch (error) {
      outcome.replaceChildren(trouble(error, load));
    }
    history();
  }

  async function history() {
    try {
      log.replaceChildren(audit((await get("/v1/rules/audit", {n: 20})).changes));
    } catch (error) {
      log.replaceChildren(trouble(error));
    }
  }

  async function test() {
    const asked = text.value, user = users.value.split(/[\s,，]+/).filter(Boolean);
    outcome.replaceChildren(waiting("lines", 6));
    try {
      const {body} = await ask(signal => send({dry_run: true, user}, {}, signal));
      outcome.replaceChildren(make("h2", {}, say("trial")), ...trial(body));
      tried = asked;
      judge();
      announce(say("trial.done", {n: body.all.lists}));
    } catch (error) {
      outcome.replaceChildren(trouble(error));
    }
  }

  async function put() {
    apply.disabled = true;
    try {
      const body = told(await ask(signal => send({}, {"If-Match": tag}, signal)));
      outcome.replaceChildren(make("p", {class: "note", role: "status"}, say("applied")), ...[clashes(body.conflicts)].filter(Boolean));
      announce(say("applied"));
      history();
    } catch (error) {
      judge();
      outcome.replaceChildren(trouble(error));
    }
  }

  function insert(kind) {
    text.value = `${text.value.trimEnd()}${text.value.trim() ? "\n\n" : ""}${TEMPLATES[kind]}`;
    text.focus();
    text.scrollTop = text.scrollHeight;
    judge();
  }

  text.addEventListener("input", judge);
  editor.append(
    make("div", {class: "row", role: "group", "aria-label": say("insert")}, make("span", {class: "field-name"}, say("insert")),
      Object.keys(TEMPLATES).map(kind => button(say(`kind.rule.${kind}`), () => insert(kind), {class: "chip"}))),
    make("label", {class: "unseen", for: "rules"}, say("rules.toml")), text,
    make("label", {for: "whose"}, make("span", {class: "field-name"}, say("whose")), users),
    make("div", {class: "row"}, attempt, apply, revert), hint);
  main.append(make("div", {class: "page-head"}, make("h1", {}, say("page.rules")), make("p", {class: "muted"}, say("rules.about"))),
    make("div", {class: "rulebook"},
      make("section", {class: "panel editor", "aria-labelledby": "rules-title"}, make("h2", {id: "rules-title"}, say("rules.file")), force, editor),
      outcome),
    make("section", {class: "panel board", "aria-labelledby": "audit-title"}, make("h2", {id: "audit-title"}, say("audit")), log));
  load();
  return ask.stop;
}
