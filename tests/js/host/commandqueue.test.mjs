import assert from "node:assert/strict";
import { test } from "node:test";
import { acts } from "../../../static/js/host/commands.js";
import { moved } from "../../../static/js/host/order.js";
import { Remote } from "../../../static/js/host/commandqueue.js";

/** A server with one poll and one wall, as its API answers. */
class Server {
  constructor() {
    this.held = {
      "/api/polls/A": { value: { id: "A", title: "T", phase: "draft", round: 1, results: "live", published: false, options: [] }, version: 1 },
      "/api/walls/W": { value: { code: "W", title: "Wall", items: ["polls/A", "polls/B"], active: null }, version: 1 },
    };
    this.asked = [];
  }

  change(path, fields) {
    const held = this.held[path];
    held.value = { ...held.value, ...fields };
    held.version += 1;
  }

  fetch = async (path, { method, headers, body }) => {
    this.asked.push(`${method} ${path}${headers["If-Match"] ? ` ${headers["If-Match"]}` : ""}`);
    if (this.down) throw new TypeError("Failed to fetch");
    const [, name, act] = /^(\/api\/\w+\/\w+)(?:\/(\w+))?$/.exec(path);
    const held = this.held[name];
    if (!held) return this.answer(404, { error: { code: "no_such_poll", message: "" } });
    if (method === "GET") return this.answer(200, { ...held.value, tally: null, now: "x" }, held.version);
    const match = headers["If-Match"];
    if (match && match !== `"${held.version}"`) return this.answer(409, { error: { code: "conflict", message: "somebody else" } });
    if (this.rule) return this.answer(409, { error: { code: "conflict", message: this.rule } });
    const given = JSON.parse(body);
    this.change(name, { open: { phase: "open" }, close: { phase: "closed" }, publish: given }[act] || given);
    return this.answer(200, held.value, held.version);
  };

  answer(status, body, version = null) {
    return { ok: status < 300, status, json: async () => structuredClone(body), headers: { get: () => (version === null ? null : `"${version}"`) } };
  }
}

function page() {
  const server = new Server();
  const seen = { "polls/A": server.held["/api/polls/A"].value, "walls/W": server.held["/api/walls/W"].value };
  const remote = new Remote({ env: { fetch: server.fetch }, shown: (name) => seen[name], changed: () => {} });
  for (const [name, value] of Object.entries(seen)) remote.shelf.put(name, value, '"1"');
  return { server, remote, seen };
}

test("an act says which version it was made for", async () => {
  const { server, remote } = page();
  const { ok } = await remote.act("polls/A", acts.open);
  assert.equal(ok.phase, "open");
  assert.deepEqual(server.asked, ['POST /api/polls/A/open "1"']);
});

test("acts of one page follow each other without asking anew", async () => {
  const { server, remote, seen } = page();
  const opened = remote.act("polls/A", acts.open).then(({ ok }) => { seen["polls/A"] = ok; });
  const closed = opened.then(() => remote.act("polls/A", acts.close));
  assert.equal((await closed).ok.phase, "closed");
  assert.deepEqual(server.asked, ['POST /api/polls/A/open "1"', 'POST /api/polls/A/close "2"']);
});

test("a page that slept overwrites nothing and is told what changed", async () => {
  const { server, remote } = page();
  server.change("/api/polls/A", { title: "Theirs" });
  const { conflict } = await remote.act("polls/A", acts.edit({ title: "Mine" }));
  assert.equal(server.held["/api/polls/A"].value.title, "Theirs");
  assert.deepEqual(conflict.changed, [{ field: "title", before: "T", now: "Theirs", mine: "Mine" }]);
  assert.ok(conflict.possible);
});

test("what was refused can be done to what there is now", async () => {
  const { server, remote } = page();
  server.change("/api/polls/A", { title: "Theirs" });
  const make = acts.edit({ title: "Mine" });
  const { conflict } = await remote.act("polls/A", make);
  assert.equal((await remote.act("polls/A", make, conflict.fresh)).ok.title, "Mine");
});

test("an item that somebody took off the wall can no longer be shown", async () => {
  const { server, remote } = page();
  const shown = (wall) => acts.show("polls/B")(wall);
  server.change("/api/walls/W", { items: ["polls/A"] });
  const { conflict } = await remote.act("walls/W", shown);
  assert.equal(conflict.possible, false);
});

test("two hosts who mean the same do not quarrel", async () => {
  const { server, remote } = page();
  server.change("/api/polls/A", { phase: "open" });
  assert.equal((await remote.act("polls/A", acts.open)).ok.phase, "open");
});

test("a change that no page shows is not asked about", async () => {
  const { server, remote } = page();
  server.change("/api/polls/A", {});
  assert.equal((await remote.act("polls/A", acts.open)).ok.phase, "open");
  assert.equal(server.held["/api/polls/A"].value.phase, "open");
});

test("an act waits for the version of what a stream has shown", async () => {
  const { server, remote, seen } = page();
  server.change("/api/polls/A", { title: "Theirs" });
  seen["polls/A"] = server.held["/api/polls/A"].value;
  assert.equal((await remote.act("polls/A", acts.open)).ok.title, "Theirs");
  assert.deepEqual(server.asked, ["GET /api/polls/A", 'POST /api/polls/A/open "2"']);
});

test("what is shown and no longer there is a conflict, never an act without a version", async () => {
  const { server, remote, seen } = page();
  seen["polls/A"] = { ...seen["polls/A"], title: "Older" };
  server.change("/api/polls/A", { title: "Theirs" });
  const { conflict } = await remote.act("polls/A", acts.open);
  assert.deepEqual(conflict.changed.map(({ field }) => field), ["title"]);
  assert.equal(server.held["/api/polls/A"].value.phase, "draft");
});

test("a refusal by a rule is no conflict with another host", async () => {
  const { server, remote } = page();
  server.rule = "there are ballots already";
  assert.equal((await remote.act("polls/A", acts.edit({ title: "Mine" }))).error.message, "there are ballots already");
});

test("what somebody removed is said to be gone", async () => {
  const { server, remote, seen } = page();
  delete server.held["/api/polls/A"];
  seen["polls/A"] = { ...seen["polls/A"], title: "Seen" };
  assert.equal((await remote.act("polls/A", acts.open)).error.code, "no_such_poll");
});

test("a server that is not reached is told so, and the next act is tried", async () => {
  const { server, remote } = page();
  server.down = true;
  assert.equal((await remote.act("polls/A", acts.open)).error.code, "unreached");
  server.down = false;
  assert.equal((await remote.act("polls/A", acts.open)).ok.phase, "open");
});

test("a move is made in the order there is now", async () => {
  const { server, remote } = page();
  server.change("/api/walls/W", { items: ["polls/C", "polls/A", "polls/B"] });
  const make = acts.reorder((items) => moved(items, "polls/B", 0));
  const { conflict } = await remote.act("walls/W", make);
  assert.deepEqual((await remote.act("walls/W", make, conflict.fresh)).ok.items, ["polls/B", "polls/C", "polls/A"]);
});

test("hiding a published result takes two calls, the second for what the first made", async () => {
  const { server, remote, seen } = page();
  server.change("/api/polls/A", { phase: "open", published: true });
  seen["polls/A"] = server.held["/api/polls/A"].value;
  const { ok } = await remote.act("polls/A", acts.results(false));
  assert.deepEqual([ok.results, ok.published], ["on_publish", false]);
  assert.deepEqual(server.asked.slice(1), ['PUT /api/polls/A "2"', 'POST /api/polls/A/publish "3"']);
});
