import assert from "node:assert/strict";
import { test } from "node:test";
import { keepScreenOn } from "../../../static/js/wall/wakelock.js";
import { settle } from "../fakes.mjs";

function projector(refuse = false) {
  const listeners = [];
  const locks = [];
  const document = { visibilityState: "visible", addEventListener: (_, act) => listeners.push(act) };
  const wakeLock = {
    async request(kind) {
      assert.equal(kind, "screen");
      if (refuse) throw new Error("no");
      const lock = { release: null, addEventListener: (_, act) => { lock.release = act; } };
      locks.push(lock);
      return lock;
    },
  };
  const see = async (state) => {
    document.visibilityState = state;
    if (state === "hidden" && locks.length) locks[locks.length - 1].release();
    listeners.forEach((act) => act());
    await settle();
  };
  return { document, wakeLock, locks, see };
}

test("the wake lock is requested again each time the page is shown", async () => {
  const { document, wakeLock, locks, see } = projector();
  keepScreenOn({ wakeLock, document });
  await settle();
  assert.equal(locks.length, 1);
  await see("visible");
  assert.equal(locks.length, 1);
  await see("hidden");
  assert.equal(locks.length, 1);
  await see("visible");
  assert.equal(locks.length, 2);
});

test("a browser without wake locks, or one that refuses, causes no error", async () => {
  keepScreenOn({ wakeLock: undefined, document: {} });
  const { document, wakeLock, see, locks } = projector(true);
  keepScreenOn({ wakeLock, document });
  await see("visible");
  assert.equal(locks.length, 0);
});
