// The frame: which page is shown, in which language and theme.

import {announce, icon, make} from "./dom.js";
import {trouble} from "./parts/states.js";
import {keep, language, recall, say, speak} from "./words/index.js";

const PAGES = {
  user: () => import("./pages/user.js"),
  search: () => import("./pages/search.js"),
  graph: () => import("./pages/graph.js"),
  evaluation: () => import("./pages/evaluation.js"),
  service: () => import("./pages/service.js"),
  rules: () => import("./pages/rules.js"),
};
const THEMES = ["auto", "light", "dark"];
const main = document.getElementById("main");
let leave = null, shown = 0;

/** Page, rest of the path and parameters of an address such as #/user/u0001?n=24. */
function route() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [page, ...rest] = path.split("/");
  return {page: page in PAGES ? page : "user", rest: decodeURIComponent(rest.join("/")), given: new URLSearchParams(query)};
}

async function show(moved) {
  const mine = ++shown, at = route();
  leave?.();
  leave = null;
  frame(at.page);
  try {
    const page = await PAGES[at.page]();
    if (mine !== shown) return;
    main.replaceChildren();
    main.className = `page-${at.page}`;
    leave = page.show(main, at) ?? null;
  } catch (error) {
    main.replaceChildren(trouble(error));
  }
  if (moved) {
    main.focus({preventScroll: true});
    window.scrollTo(0, 0);
    announce(say(`page.${at.page}`));
  }
}

function frame(page) {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = `${say(`page.${page}`)} · Weft`;
  document.querySelector(".skip").textContent = say("skip");
  const tabs = document.querySelector(".tabs");
  tabs.setAttribute("aria-label", say("pages"));
  tabs.replaceChildren(...Object.keys(PAGES).map(name => make(
    "a", {href: `#/${name}`, "aria-current": name === page ? "page" : null}, icon(name), make("span", {}, say(`page.${name}`)))));
  switches();
}

function switches() {
  const speech = document.getElementById("language"), theme = document.getElementById("theme");
  speech.textContent = say("other.language");
  speech.lang = language === "zh" ? "en" : "zh-CN";
  const now = recall("theme") ?? "auto";
  theme.replaceChildren(icon(now));
  theme.setAttribute("aria-label", say("theme.is", {theme: say(`theme.${now}`)}));
  theme.title = say("theme.is", {theme: say(`theme.${now}`)});
}

document.getElementById("language").addEventListener("click", () => {
  speak(language === "zh" ? "en" : "zh");
  show(false);
});
document.getElementById("theme").addEventListener("click", () => {
  const next = THEMES[(THEMES.indexOf(recall("theme") ?? "auto") + 1) % THEMES.length];
  keep("theme", next);
  document.documentElement.dataset.theme = next;
  switches();
  window.dispatchEvent(new Event("themechange"));
});
document.querySelector(".skip").addEventListener("click", event => {
  event.preventDefault();
  main.focus();
});
window.addEventListener("hashchange", () => show(true));
show(false);
