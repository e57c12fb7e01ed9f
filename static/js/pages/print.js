// Results to print: a button for who does not know the browser's own, and pictures.

import { dataBlock, h } from "../dom.js";
import { offerPng } from "../savepng.js";
import { Texts } from "../text.js";

const texts = new Texts(dataBlock("texts"));
document.documentElement.classList.add("scripted");
document.getElementById("acts").replaceChildren(
  h("button", { type: "button", class: "primary", onclick: () => window.print() }, texts.say("result.print")));
offerPng(texts);
