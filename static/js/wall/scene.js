// What a page should show, worked out from what is held: a lobby, a poll, a task, or nothing that can be read. Pure.

/** The order of steps: as given where it is known, else every step after what it needs. */
export function inOrder(steps, known = []) {
  const place = new Map(known.map((name, index) => [name, index]));
  const rank = new Map();
  const byName = new Map(steps.map((step) => [step.name, step]));
  const depth = (step, path) => {
    if (rank.has(step.name)) return rank.get(step.name);
    if (path.has(step.name)) return 0;
    path.add(step.name);
    const needs = (step.needs || []).filter((name) => byName.has(name));
    const deepest = needs.reduce((most, name) => Math.max(most, 1 + depth(byName.get(name), path)), 0);
    path.delete(step.name);
    rank.set(step.name, deepest);
    return deepest;
  };
  const placed = (step) => (place.has(step.name) ? place.get(step.name) : Infinity);
  return [...steps].sort((a, b) => {
    if (placed(a) !== placed(b)) return placed(a) < placed(b) ? -1 : 1;
    return depth(a, new Set()) - depth(b, new Set()) || (a.name < b.name ? -1 : 1);
  });
}

function steps(values, order) {
  const list = Object.entries(values).filter(([key]) => key.startsWith("step/")).map(([, step]) => step);
  return inOrder(list, order);
}

/** {kind: "waiting" | "lobby" | "poll" | "task" | "gone", …} of one item. */
export function item(stream, state, order = []) {
  const { values, ready, error } = state;
  if (error) return { kind: "gone", stream, code: error.code };
  if (!ready) return { kind: "waiting", stream };
  if (stream.startsWith("tasks/")) {
    return values.task ? { kind: "task", stream, task: values.task, steps: steps(values, order) } : { kind: "gone", stream };
  }
  const { poll, tally, turnout } = values;
  if (!poll || poll.phase === "draft") return { kind: "lobby", stream, poll: poll || null };
  return { kind: "poll", stream, poll, tally: tally || null, turnout: turnout || null };
}

/** The scene of a page: of its one item, or of the wall's active one. */
export function scene(page, stateOf, order = []) {
  if (!page.wallStream) return item(page.stream, stateOf(page.stream), order);
  const { values, ready, error } = stateOf(page.wallStream);
  if (error) return { kind: "gone", code: error.code };
  if (!ready) return { kind: "waiting" };
  const wall = values.wall;
  if (!wall) return { kind: "gone" };
  if (!wall.active) return { kind: "lobby", wall, poll: null, stream: null };
  return { wall, ...item(wall.active, stateOf(wall.active), order) };
}

/** The streams a page needs now: its first one and the log it shows, or its wall's and the wall's active item. */
export function wanted(page, stateOf) {
  if (!page.wallStream) return page.log ? [page.stream, page.log] : [page.stream];
  const wall = stateOf(page.wallStream).values.wall;
  return wall && wall.active ? [page.wallStream, wall.active] : [page.wallStream];
}
