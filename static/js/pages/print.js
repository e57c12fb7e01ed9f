// Results to print: a button for who does not know the browser's own, and pictures.

import { dataBlock, h } from "../ui/dom.js";
import { offerPng } from "../ui/pngbutton.js";
import { Texts } from "../ui/texts.js";

const texts = new Texts(dataBlock("texts"));
document.documentElement.classList.add("scripted");
document.getElementById("acts").replaceChildren(
  h("button", { type: "button", class: "primary", onclick: () => window.print() }, texts.say("result.print")));
offerPng(texts);
