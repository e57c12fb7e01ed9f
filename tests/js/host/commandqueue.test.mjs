import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandQueue } from "../../../static/js/host/commandqueue.js";
import { commands } from "../../../static/js/host/commands.js";
import { moveItem } from "../../../static/js/host/order.js";

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
  const queue = new CommandQueue({ env: { fetch: server.fetch }, shown: (name) => seen[name], onChange: () => {} });
  for (const [name, value] of Object.entries(seen)) queue.versions.put(name, value, '"1"');
  return { server, queue, seen };
}

test("a command names the version it is made for", async () => {
  const { server, queue } = page();
  const { ok } = await queue.run("polls/A", commands.open);
  assert.equal(ok.phase, "open");
  assert.deepEqual(server.asked, ['POST /api/polls/A/open "1"']);
});

test("commands of one page follow each other without reading again", async () => {
  const { server, queue, seen } = page();
  const opened = queue.run("polls/A", commands.open).then(({ ok }) => { seen["polls/A"] = ok; });
  const closed = opened.then(() => queue.run("polls/A", commands.close));
  assert.equal((await closed).ok.phase, "closed");
  assert.deepEqual(server.asked, ['POST /api/polls/A/open "1"', 'POST /api/polls/A/close "2"']);
});

test("a page that slept overwrites nothing and learns what changed", async () => {
  const { server, queue } = page();
  server.change("/api/polls/A", { title: "Theirs" });
  const { conflict } = await queue.run("polls/A", commands.edit({ title: "Mine" }));
  assert.equal(server.held["/api/polls/A"].value.title, "Theirs");
  assert.deepEqual(conflict.changed, [{ field: "title", before: "T", now: "Theirs", mine: "Mine" }]);
  assert.ok(conflict.possible);
});

test("a refused command can be run on the current version", async () => {
  const { server, queue } = page();
  server.change("/api/polls/A", { title: "Theirs" });
  const make = commands.edit({ title: "Mine" });
  const { conflict } = await queue.run("polls/A", make);
  assert.equal((await queue.run("polls/A", make, conflict.fresh)).ok.title, "Mine");
});

test("an item that somebody took off the wall can no longer be shown", async () => {
  const { server, queue } = page();
  const shown = (wall) => commands.show("polls/B")(wall);
  server.change("/api/walls/W", { items: ["polls/A"] });
  const { conflict } = await queue.run("walls/W", shown);
  assert.equal(conflict.possible, false);
});

test("two hosts who want the same have no conflict", async () => {
  const { server, queue } = page();
  server.change("/api/polls/A", { phase: "open" });
  assert.equal((await queue.run("polls/A", commands.open)).ok.phase, "open");
});

test("a change that no page shows is no conflict", async () => {
  const { server, queue } = page();
  server.change("/api/polls/A", {});
  assert.equal((await queue.run("polls/A", commands.open)).ok.phase, "open");
  assert.equal(server.held["/api/polls/A"].value.phase, "open");
});

test("a command reads the version of what a stream has shown", async () => {
  const { server, queue, seen } = page();
  server.change("/api/polls/A", { title: "Theirs" });
  seen["polls/A"] = server.held["/api/polls/A"].value;
  assert.equal((await queue.run("polls/A", commands.open)).ok.title, "Theirs");
  assert.deepEqual(server.asked, ["GET /api/polls/A", 'POST /api/polls/A/open "2"']);
});

test("an outdated page gets a conflict, and never sends a command without a version", async () => {
  const { server, queue, seen } = page();
  seen["polls/A"] = { ...seen["polls/A"], title: "Older" };
  server.change("/api/polls/A", { title: "Theirs" });
  const { conflict } = await queue.run("polls/A", commands.open);
  assert.deepEqual(conflict.changed.map(({ field }) => field), ["title"]);
  assert.equal(server.held["/api/polls/A"].value.phase, "draft");
});

test("a refusal by a rule is an error and not a conflict", async () => {
  const { server, queue } = page();
  server.rule = "there are ballots already";
  assert.equal((await queue.run("polls/A", commands.edit({ title: "Mine" }))).error.message, "there are ballots already");
});

test("a poll that somebody removed is gone", async () => {
  const { server, queue, seen } = page();
  delete server.held["/api/polls/A"];
  seen["polls/A"] = { ...seen["polls/A"], title: "Seen" };
  assert.equal((await queue.run("polls/A", commands.open)).error.code, "no_such_poll");
});

test("an unreachable server is an error, and the next command is tried", async () => {
  const { server, queue } = page();
  server.down = true;
  assert.equal((await queue.run("polls/A", commands.open)).error.code, "unreached");
  server.down = false;
  assert.equal((await queue.run("polls/A", commands.open)).ok.phase, "open");
});

test("an item is moved within the current order", async () => {
  const { server, queue } = page();
  server.change("/api/walls/W", { items: ["polls/C", "polls/A", "polls/B"] });
  const make = commands.reorder((items) => moveItem(items, "polls/B", 0));
  const { conflict } = await queue.run("walls/W", make);
  assert.deepEqual((await queue.run("walls/W", make, conflict.fresh)).ok.items, ["polls/B", "polls/C", "polls/A"]);
});

test("hiding a published result takes two calls, the second for the version that the first made", async () => {
  const { server, queue, seen } = page();
  server.change("/api/polls/A", { phase: "open", published: true });
  seen["polls/A"] = server.held["/api/polls/A"].value;
  const { ok } = await queue.run("polls/A", commands.results(false));
  assert.deepEqual([ok.results, ok.published], ["on_publish", false]);
  assert.deepEqual(server.asked.slice(1), ['PUT /api/polls/A "2"', 'POST /api/polls/A/publish "3"']);
});
