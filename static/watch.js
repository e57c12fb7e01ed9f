/* A page whose scripts did not arrive (the server was just restarting, a proxy hiccuped) asks for itself again. */
(function () {
  "use strict";
  window.setTimeout(function () {
    if (document.documentElement.className.indexOf("scripted") < 0) location.reload();
  }, 15000);
}());
