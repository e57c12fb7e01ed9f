/* For pages without a script for browsers without modules: shows what a browser without any script shows. */
(function () {
  "use strict";
  var kept = document.getElementsByTagName("noscript");
  var words = document.querySelector("#corner .word");
  var i, text;
  for (i = 0; i < kept.length; i += 1) {
    text = kept[i].textContent;
    if (kept[i].parentNode === document.head) document.head.insertAdjacentHTML("beforeend", text);
    else if (kept[i].parentNode === words) words.textContent = text;
  }
}());
