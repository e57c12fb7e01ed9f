// Results on paper: a button for readers who do not know the browser's own command, and the pictures as PNG.

import { dataBlock, find, h } from "../ui/dom.js";
import { addPngButtons } from "../ui/pngbutton.js";
import { Texts } from "../ui/texts.js";

const texts = new Texts(dataBlock("texts"));
document.documentElement.classList.add("scripted");
find("#acts").replaceChildren(
  h("button", { type: "button", class: "primary", onclick: () => window.print() }, texts.say("result.print")));
addPngButtons(texts);
