// Elements made by hand. Text goes in as text and never as markup: titles are data.

const SVG = "http://www.w3.org/2000/svg";

/** An element. Of what is given `class` is its classes, `on` its listeners, `css` its custom properties or styles; the
 * rest are attributes, where null and false leave one out. Children are nodes, texts, or nothing. */
export function make(tag, given = {}, ...children) {
  return filled(document.createElement(tag), given, children);
}

/** The same for a drawing. */
export function draw(tag, given = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), given, children);
}

function filled(element, {class: classes, on = {}, css = {}, ...attributes}, children) {
  if (classes) element.setAttribute("class", classes);
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  for (const [name, value] of Object.entries(css)) element.style.setProperty(name, value);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined && child !== false));
  return element;
}

/** A button that does something here; a link goes somewhere. */
export function button(text, press, given = {}) {
  return make("button", {type: "button", ...given, on: {click: press, ...given.on}}, text);
}

const ICONS = {
  user: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5a7.5 7.5 0 0 1 15 0",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM20 20l-4-4",
  graph: "M6 8.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM18 11.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM9 20.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM8.4 6.6l7.2 1.8M6.5 8.5l2 7M16.2 10.8l-5.4 5.4",
  evaluation: "M4 20h16M7 16v-5M12 16V5M17 16V9",
  service: "M3 12h4l3-8 4 16 3-8h4",
  rules: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5",
  picture: "M5 5h14a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1ZM4.5 17l5-5 4 4 2.5-2.5 4 4M15.5 9.5h.01",
  close: "M6 6l12 12M18 6L6 18",
  auto: "M4 5h16v11H4ZM12 16v4M8.5 20h7",
  light: "M12 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4",
  dark: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z",
};

/** A line drawing beside a word, or in place of one where the button has a label. */
export function icon(name) {
  return draw("svg", {class: "glyph", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false"}, draw("path", {d: ICONS[name]}));
}

let quiet;
/** Say this to who listens instead of looking. */
export function announce(text) {
  clearTimeout(quiet);
  const live = document.getElementById("live");
  live.textContent = "";
  quiet = setTimeout(() => { live.textContent = text; }, 60);
}

/** The last call of several that follow within so many milliseconds. */
export function debounced(wait, work) {
  let waiting;
  return (...given) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => work(...given), wait);
  };
}

/** A colour of the style sheet as canvas understands it. */
export function colour(name) {
  const probe = make("span", {css: {color: `var(--${name})`}});
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}
