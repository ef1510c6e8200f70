// A picture to search by: chosen as a file, dropped on the page, or pasted.

import {button, icon, make} from "../dom.js";
import {say} from "../words/index.js";

/** A button that asks for a file; the picture chosen goes to `chosen`, and null where it is taken away. */
export function pictureInput(chosen) {
  const file = make("input", {type: "file", accept: "image/*", class: "unseen", tabindex: "-1", "aria-hidden": "true", on: {change: () => {
    if (file.files[0]) chosen(file.files[0]);
    file.value = "";
  }}});
  const press = button("", () => file.click(), {class: "icon", "aria-label": say("picture.choose"), title: say("picture.choose")});
  press.append(icon("picture"));
  const shown = make("div", {class: "look", hidden: true});
  let address = null;

  const take = files => {
    const one = [...files ?? []].find(each => each.type.startsWith("image/"));
    if (one) chosen(one);
    return one !== undefined;
  };
  const paste = event => { if (take(event.clipboardData?.files)) event.preventDefault(); };
  const drag = event => {
    if (![...event.dataTransfer?.types ?? []].includes("Files")) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  };
  const end = event => { if (!event.relatedTarget) document.body.classList.remove("dropping"); };
  const drop = event => {
    document.body.classList.remove("dropping");
    if (event.dataTransfer?.files.length) {
      event.preventDefault();
      take(event.dataTransfer.files);
    }
  };
  const heard = {paste, dragover: drag, dragleave: end, drop};
  document.body.dataset.drop = say("picture.drop");
  for (const [name, listener] of Object.entries(heard)) document.addEventListener(name, listener);

  function show(picture) {
    if (address) URL.revokeObjectURL(address);
    address = picture && URL.createObjectURL(picture);
    shown.hidden = !picture;
    if (!picture) return shown.replaceChildren();
    const gone = button("", () => chosen(null), {class: "quiet icon", "aria-label": say("picture.out")});
    gone.append(icon("close"));
    shown.replaceChildren(make("img", {src: address, alt: say("picture.yours"), width: 56, height: 56}), make("span", {}, say("picture.like"), make("small", {class: "muted"}, picture.name)), gone);
  }

  function leave() {
    show(null);
    for (const [name, listener] of Object.entries(heard)) document.removeEventListener(name, listener);
  }
  return {element: make("span", {class: "picture-input"}, file, press), shown, show, leave};
}
