// The layout of a chart of four steps: b and c need a, and d needs both.

export const LAYOUT = {
  width: 768, height: 192,
  nodes: [{ name: "a", x: 0, y: 56 }, { name: "b", x: 284, y: 0 }, { name: "c", x: 284, y: 112 }, { name: "d", x: 568, y: 56 }],
  edges: [
    { from: "a", to: "b", points: [[200, 96], [284, 40]] }, { from: "a", to: "c", points: [[200, 96], [284, 152]] },
    { from: "b", to: "d", points: [[484, 40], [568, 96]] }, { from: "c", to: "d", points: [[484, 152], [568, 96]] },
  ],
};
