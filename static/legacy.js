/* For browsers without modules, such as televisions and old phones: ES5, XMLHttpRequest, plain polling. The server has
   made the page; this script updates its figures, and reloads the page when anything else has changed. */
(function () {
  "use strict";
  document.documentElement.className += " scripted";
  var INTERVAL = 2500;
  var page = read("page");
  var texts = read("texts");
  var stream = page.wallStream || page.stream;
  var streams = page.wallStream && page.active ? page.wallStream + "," + page.active : stream;
  var audience = document.body.className.indexOf("screen") >= 0 ? "&as=audience" : "";
  var word = document.querySelector("#corner .word");
  var corner = document.getElementById("corner");
  var form = document.getElementById("ballot");
  var tag = null;
  var shape = null;
  var lostAt = null;
  var sending = false;
  var REPORT = 10000;
  var report = page.here === undefined || !page.wallStream ? null
    : "/api/" + page.wallStream + "/screens/" + Math.floor(Math.random() * 1e12).toString(16);

  function read(id) {
    return JSON.parse(document.getElementById(id).textContent);
  }

  function say(key, values) {
    return String(texts[key] || key).replace(/%\((\w+)\)s/g, function (whole, name) {
      return values && name in values ? values[name] : whole;
    });
  }

  function ask(method, url, body, headers, done) {
    var request = new XMLHttpRequest();
    var name;
    request.open(method, url, true);
    request.timeout = 10000;
    for (name in headers) if (headers.hasOwnProperty(name)) request.setRequestHeader(name, headers[name]);
    request.onreadystatechange = function () {
      if (request.readyState === 4) done(request);
    };
    request.send(body);
  }

  function connection(state, text) {
    corner.setAttribute("data-state", state);
    word.textContent = text;
    document.body.className = document.body.className.replace(/ ?stale/, "") + (state === "lost" ? " stale" : "");
  }

  function poll() {
    var headers = { Accept: "application/json" };
    if (tag) headers["If-None-Match"] = tag;
    ask("GET", "/updates/" + streams + "?wait=0" + audience, null, headers, function (request) {
      var seconds;
      if (request.status === 200 || request.status === 304) {
        lostAt = null;
        connection("live", say("live.live"));
        if (request.status === 200) {
          tag = request.getResponseHeader("ETag");
          show(JSON.parse(request.responseText).events);
        }
      } else if (request.status === 403 || request.status === 404) {
        reload();
      } else {
        lostAt = lostAt || new Date().getTime();
        seconds = Math.round((new Date().getTime() - lostAt) / 1000);
        connection("lost", say("live.lost", { age: Math.floor(seconds / 60) + ":" + (seconds % 60 < 10 ? "0" : "") + (seconds % 60) }));
      }
      window.setTimeout(poll, INTERVAL);
    });
  }

  /* Reports the state of a screen. The reply says how many people are at the wall: plain polling has no volatile events. */
  function sendReport() {
    var body = { width: window.innerWidth || 1, height: window.innerHeight || 1, transport: "poll", age: lostAt ? new Date().getTime() - lostAt : 0 };
    ask("PUT", report, JSON.stringify(body), { "Content-Type": "application/json" }, function (request) {
      if (request.status === 200) showPeople(JSON.parse(request.responseText).people);
    });
    window.setTimeout(sendReport, REPORT);
  }

  function showPeople(people) {
    var line = document.querySelector(".lobby .here");
    if (people !== page.here && document.querySelector(".lobby") && !line) return reload();
    if (line) line.textContent = texts["screen.here"][people === 1 ? "one" : "other"].replace("%(n)s", grouped(people));
  }

  function show(events) {
    var values = {};
    var i;
    for (i = 0; i < events.length; i += 1) {
      if (events[i].key) values[events[i].stream + " " + events[i].key] = events[i].data;
    }
    /* Everything but the figures is the shape of the page: for another shape the server makes another page. */
    var wall = page.wallStream ? values[page.wallStream + " wall"] : null;
    var item = page.wallStream ? wall && wall.active : page.stream;
    var now = JSON.stringify([wall && wall.active, item && values[item + " poll"], item && !values[item + " tally"], item && values[item + " task"], steps(values, item), talk(values, item)]);
    if (shape !== null && shape !== now) return reload();
    shape = now;
    if (item && values[item + " tally"]) figures(values[item + " tally"]);
  }

  function steps(values, item) {
    var list = [];
    var key;
    for (key in values) if (values.hasOwnProperty(key) && key.indexOf(item + " step/") === 0) list.push([key, values[key]]);
    return list.sort();
  }

  /* What decides the poster of questions or of a room: the newest messages, or every question. */
  function talk(values, item) {
    var list = [];
    var key;
    for (key in values) if (values.hasOwnProperty(key) && (key.indexOf(item + " question/") === 0 || key.indexOf(item + " message/") === 0)) list.push(values[key]);
    list.sort(function (a, b) { return (a ? a.n : 0) - (b ? b.n : 0); });
    return list.slice(-60);
  }

  function figures(tally) {
    var rows = document.querySelectorAll("[data-option]");
    var table = document.querySelectorAll("#twin tbody tr");
    var own = page.abstain;
    var base = tally.ballots - (own && tally.counts[own] || 0);
    var i, row, count, share, words, small;
    for (i = 0; i < rows.length; i += 1) {
      row = rows[i];
      count = tally.counts[row.getAttribute("data-option")] || 0;
      share = base && row.getAttribute("data-option") !== own ? count / base : 0;
      row.querySelector("svg").setAttribute("width", Math.round(share * 1000) / 10 + "%");
      words = row.querySelector(".percent") || row.querySelector(".figures b");
      small = row.querySelector(".figures .count");
      words.textContent = row.getAttribute("data-option") === own ? grouped(count) : percent(count, base);
      if (table[i]) {
        table[i].cells[1].textContent = row.getAttribute("data-option") === own ? "–" : words.textContent;
        table[i].cells[2].textContent = grouped(count);
      }
      if (small) small.textContent = grouped(count);
    }
    var turnout = document.getElementById("turnout");
    var quorum = document.getElementById("quorum");
    if (quorum && page.quorum && page.poll.phase === "open") {
      words = tally.ballots >= page.quorum ? "result.quorum_reached" : "poll.quorum";
      quorum.textContent = say(words, { n: grouped(page.quorum), cast: grouped(tally.ballots) });
    }
    var of = texts["poll.ballots"][tally.ballots === 1 ? "one" : "other"].replace("%(n)s", grouped(tally.ballots));
    var number = turnout.querySelector("b");
    if (number) {
      number.textContent = grouped(tally.ballots);
      turnout.querySelector("span").textContent = texts["poll.ballots_word"][tally.ballots === 1 ? "one" : "other"];
    } else turnout.textContent = of;
  }

  function percent(count, of) {
    var share = of ? 100 * count / of : 0;
    if (!count) return "0%";
    if (count >= of) return "100%";
    if (share < 0.5) return "<1%";
    return share >= 99.5 ? ">99%" : Math.round(share) + "%";
  }

  function grouped(number) {
    return String(number).replace(/(\d)(?=(\d{3})+$)/g, "$1,");
  }

  /* Not while somebody is choosing: the new page would not have the choice. */
  function reload() {
    if (sending || (form && chosen().length && !form.getAttribute("data-cast"))) return;
    location.replace(location.pathname + (audience || /[?&](code|tab)=/.test(location.search) ? location.search : ""));
  }

  function chosen() {
    var inputs = form.querySelectorAll("input[name=choices]");
    var list = [];
    var i;
    for (i = 0; i < inputs.length; i += 1) if (inputs[i].checked) list.push(inputs[i].value);
    return list;
  }

  function showAnswer(head, refused) {
    var box = document.getElementById("receipt");
    box.hidden = false;
    box.setAttribute("data-phase", refused ? "refused" : "sending");
    box.textContent = head;
    document.getElementById("announcer").textContent = head;
  }

  function body() {
    var fields = { choices: chosen(), round: Number(form.getAttribute("data-round")) };
    var field = form.querySelector("input[name=code]");
    if (field && field.value) fields.code = field.value;
    return JSON.stringify(fields);
  }

  function cast() {
    sending = true;
    showAnswer(say("vote.sending"));
    ask("PUT", "/api/polls/" + form.getAttribute("data-poll") + "/ballot", body(),
      { "Content-Type": "application/json" }, function (request) {
        var code = "";
        if (request.status === 200 || request.status === 201) {
          sending = false;
          form.setAttribute("data-cast", "yes");
          return reload();
        }
        if (request.status >= 400 && request.status < 500 && request.status !== 429) {
          sending = false;
          try { code = JSON.parse(request.responseText).error.code; } catch (ignored) { code = "internal"; }
          if (code === "no_voter") document.getElementById("cookies").hidden = false;
          return showAnswer(say("error." + code), true);
        }
        showAnswer(say("vote.retrying") + " " + say("vote.no_need"));
        window.setTimeout(cast, 2000);
      });
  }

  /* Refuses one choice too many with a warning, and keeps the choices before it. */
  function limit() {
    var most = Number(form.getAttribute("data-most"));
    if (!this.checked || !most || chosen().length <= most) return;
    this.checked = false;
    showAnswer(say(most === 1 ? texts["vote.full"].one : texts["vote.full"].other, { n: most }), true);
  }

  if (form) {
    (function (inputs) {
      for (var i = 0; i < inputs.length; i += 1) inputs[i].onclick = limit;
    }(form.querySelectorAll("input[name=choices]")));
    form.onsubmit = function () {
      if (sending) return false;
      if (chosen().length) cast();
      else showAnswer(say("vote.choose"), true);
      return false;
    };
  }
  if (report) sendReport();
  /* While the wall shows no item, a result may be published or withdrawn, and the stream of the wall has no event for
     that. */
  if (page.wallStream && !page.active) window.setTimeout(reload, 30000);
  poll();
}());
