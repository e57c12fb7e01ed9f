/* Reloads a page whose scripts did not arrive, because the server was restarting or a proxy failed. */
(function () {
  "use strict";
  window.setTimeout(function () {
    if (document.documentElement.className.indexOf("scripted") < 0) location.reload();
  }, 15000);
}());
