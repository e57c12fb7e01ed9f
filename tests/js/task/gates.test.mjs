import assert from "node:assert/strict";
import { test } from "node:test";
import { approversText, mayDecide, waitingGates } from "../../../static/js/task/gates.js";
import { Texts } from "../../../static/js/ui/texts.js";

const texts = new Texts({ "gate.role": "anybody with the role %(role)s", "gate.comma": ", ", "gate.or": "%(first)s or %(last)s" });

test("approvers are named as the server names them", () => {
  assert.equal(approversText(["Lin"], texts), "Lin");
  assert.equal(approversText(["Ada", "Lin", "role:host"], texts), "Ada, Lin or anybody with the role host");
});

test("a name or a role decides", () => {
  assert.ok(mayDecide(["Lin", "role:host"], ["Lin", "role:reporter"]));
  assert.ok(mayDecide(["Lin", "role:host"], ["stage", "role:host"]));
  assert.ok(!mayDecide(["Lin", "role:host"], ["lin", "role:operator"]));
  assert.ok(!mayDecide(["Lin"], []));
});

test("a step that was reported as waiting is no gate", () => {
  const gate = { name: "go", state: "waiting", waits_for: { kind: "approval", approvers: ["Lin"] } };
  const steps = [{ name: "a", state: "waiting" }, gate, { ...gate, name: "b", state: "failed" }];
  assert.deepEqual(waitingGates(steps), [gate]);
});
