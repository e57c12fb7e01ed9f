// The states of tasks and steps: which are final, and a shape for each, drawn with one stroke in an 18 × 18 box. The
// server draws the same shapes (handlers/view_models/task_chart.py).

/** @type {Readonly<Record<string, string>>} */
export const SHAPES = Object.freeze({
  pending: "M14 9a5 5 0 1 1-10 0a5 5 0 1 1 10 0",
  running: "M9 2.5a6.5 6.5 0 1 1-6.5 6.5",
  waiting: "M6 4v10M12 4v10",
  retrying: "M14 9a5 5 0 1 1-2-4M12 1.5V5H8.5",
  succeeded: "M3.5 9.5l4 4L15 5",
  failed: "M4 4l10 10M14 4L4 14",
  cancelling: "M3 9h12",
  cancelled: "M3 9h12",
  skipped: "M4 4l6 5-6 5M13 4v10",
  lost: "M9 2l7 7-7 7-7-7z",
});

const ENDED = new Set(["succeeded", "failed", "cancelled", "skipped", "lost"]);

/**
 * Whether a state is final.
 * @param {string} state
 */
export function hasEnded(state) {
  return ENDED.has(state);
}

/** @param {string} state */
export function shapeOf(state) {
  return SHAPES[state] || SHAPES.pending;
}
