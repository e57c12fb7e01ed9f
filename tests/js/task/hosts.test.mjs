import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { hostActs, questionOf, stepActs } from "../../../static/js/task/hostacts.js";
import {
  canRetryByHost, countsOf, failedFirst, hasHosts, hostText, logSubject, mostRelevantHost, namesText, partsOf, progressOf, progressParts,
  sizesOfWaves, stepToShow, unitOf, waveUnderWay, withoutDomain,
} from "../../../static/js/task/hosts.js";

// tests/pages/test_host_texts.py holds the server to the same results.
const cases = JSON.parse(readFileSync(new URL("../../vectors/hosts.json", import.meta.url), "utf8"));

/** Says the key of a text with its values. */
const texts = {
  say: (key, values = {}, count = null) =>
    [key, ...Object.entries(values).map(([name, value]) => `${name}=${value}`), ...(count === null ? [] : [`(${count})`])].join(" "),
};

for (const { what, step, cancelling = false, ...expected } of cases) {
  test(`${what}: how far it is`, () => {
    assert.equal(waveUnderWay(step), expected.wave);
    assert.deepEqual(progressParts(progressOf(step), texts), expected.said);
    assert.deepEqual(failedFirst(step.targets).map(({ host }) => host), expected.failedFirst);
    assert.equal(mostRelevantHost(step.targets).host, expected.mostRelevant);
    assert.deepEqual(countsOf(step.targets), expected.counts);
    assert.deepEqual(sizesOfWaves(step.targets), expected.sizes);
    assert.equal(canRetryByHost([step]), expected.byHost);
  });

  test(`${what}: what may be asked, and what is said before`, () => {
    assert.deepEqual(stepActs(step, { cancelling }), expected.acts);
    assert.deepEqual(step.targets.map((target) => hostActs(step, target, { cancelling })), expected.hostActs);
    for (const { act, host = null, sentences } of expected.questions) {
      const target = step.targets.find((each) => each.host === host) || null;
      assert.deepEqual(questionOf(act, step, target, texts).sentences, sentences);
    }
  });
}

test("a step without hosts has none", () => {
  for (const step of [null, undefined, { name: "a" }, { name: "a", targets: [] }]) assert.equal(hasHosts(step), false);
  assert.deepEqual(stepActs({ name: "a", state: "running" }, { cancelling: false }), []);
  assert.equal(canRetryByHost([{ name: "a", state: "failed" }]), false);
});

test("a host is said as a screen reader says it", () => {
  const target = { host: "web3", state: "failed", wave: 2, reason: "exit status 1" };
  assert.equal(hostText(target, 3, texts), "web3, state.failed, hosts.wave n=2, exit status 1");
  assert.equal(hostText({ ...target, message: "half" }, 1, texts), "web3, state.failed, half");
  assert.equal(hostText({ ...target, state: "waiting", fingerprint: "SHA256:x" }, 1, texts), "web3, state.waiting, hosts.asks_key");
});

test("a resume tells of the hosts that failed before those that follow", () => {
  const sentences = (...states) => {
    const targets = states.map((state, index) => ({ host: `web${index + 1}`, wave: 1, state }));
    return questionOf("resume", { name: "switch", state: "waiting", paused: true, targets }, null, texts).sentences;
  };
  const following = "control.resume_next hosts=web3 (1)";
  assert.deepEqual(sentences("succeeded", "skipped", "pending"), [following]);
  assert.deepEqual(sentences("failed", "succeeded", "pending"), ["control.resume_failed hosts=web1 (1)", following]);
  assert.deepEqual(sentences("failed", "lost", "pending"), ["control.resume_failed hosts=hosts.list first=web1 next=web2 (2)", following]);
});

test("names are told without the domain that all hosts share", () => {
  const without = (names, hosts) => withoutDomain(names, hosts.map((host) => ({ host })));
  assert.deepEqual(without(["a-1.x.org"], ["a-1.x.org", "a-2.x.org"]), ["a-1"]);
  assert.deepEqual(without(["a.x.org", "a.y.org"], ["a.x.org", "a.y.org"]), ["a.x", "a.y"]);
  assert.deepEqual(without(["a.x.org"], ["a.x.org", "web2"]), ["a.x.org"]);
  assert.deepEqual(without(["web1"], ["web1", "web2"]), ["web1"]);
});

test("many names are cut to a few and the number of the others", () => {
  assert.equal(namesText(["a"], texts, 3), "a");
  assert.equal(namesText(["a", "b", "c", "d"], texts, 3), "hosts.and_more hosts=hosts.list first=a next=b n=2 (2)");
});

test("a log is that of a step or of a host", () => {
  assert.equal(unitOf("switch", null), "switch");
  assert.equal(unitOf("switch", "web3"), "switch@web3");
  assert.deepEqual(partsOf("switch"), { step: "switch", host: null });
  assert.deepEqual(partsOf("switch@web3"), { step: "switch", host: "web3" });
  const { step } = cases[0];
  assert.equal(logSubject(step, "web2").state, "failed");
  assert.equal(logSubject(step, "web2").name, "switch@web2");
  assert.equal(logSubject(step, "gone"), step);
  assert.equal(logSubject(step, null), step);
});

test("a room sees the step under way, else the one that began last, else the first", () => {
  const targets = cases[0].step.targets;
  const first = { name: "upload", state: "succeeded", started_at: "2026-01-01", targets };
  const second = { name: "switch", state: "running", started_at: "2026-01-02", targets };
  const third = { name: "check", state: "pending", started_at: null, targets };
  assert.equal(stepToShow([{ name: "build", state: "running" }]), null);
  assert.equal(stepToShow([first, second, third]), second);
  assert.equal(stepToShow([first, { ...second, state: "succeeded" }, third]).name, "switch");
  assert.equal(stepToShow([{ name: "build", state: "running" }, third]), third);
});
