// What the page says, in the language that was chosen, or else that of the browser.

import en from "./en.js";
import zh from "./zh.js";

const WORDS = {en, zh};
const kept = recall("language");

export let language = kept in WORDS ? kept : navigator.language.startsWith("zh") ? "zh" : "en";

export function speak(chosen) {
  language = chosen;
  keep("language", chosen);
}

/** The words of a key; {name} in them is filled in. A key that no dictionary has is itself, as names of parts may be. */
export function say(key, filled = {}) {
  return (WORDS[language][key] ?? key).replace(/\{(\w+)\}/g, (_, name) => filled[name]);
}

/** Whether the dictionary has it. */
export const known = key => key in WORDS[language];

export const number = (value, digits = 0) =>
  value.toLocaleString(language, {minimumFractionDigits: digits, maximumFractionDigits: digits});

/** A signed figure with a true minus. */
export const signed = (value, digits = 3) => (value < 0 ? "−" : "+") + number(Math.abs(value), digits);

export const percent = (share, digits = 0) =>
  share.toLocaleString(language, {style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits});

export const day = seconds => new Date(1000 * seconds).toLocaleDateString(language, {year: "numeric", month: "short", day: "numeric"});

/** A browser may refuse to keep anything; then nothing is kept. */
export function keep(name, value) {
  try { localStorage.setItem(`weft.${name}`, value); } catch { /* as it is */ }
}

export function recall(name) {
  try { return localStorage.getItem(`weft.${name}`); } catch { return null; }
}
