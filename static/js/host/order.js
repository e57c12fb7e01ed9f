// The order of a wall's items, and which of them are followed live. Pure.

/** The items with one of them at another place, which is kept within the list. */
export function moved(items, item, place) {
  const left = items.filter((each) => each !== item);
  if (left.length === items.length) return items;
  const at = Math.max(0, Math.min(left.length, place));
  return [...left.slice(0, at), item, ...left.slice(at)];
}

/** The item so many places before or after another; null beyond the ends. Without another, the first or the last. */
export function neighbour(items, item, by) {
  const place = items.indexOf(item);
  if (place < 0) return (by > 0 ? items[0] : items[items.length - 1]) || null;
  return items[place + by] || null;
}

/** The place to which a row is dragged: `middles` are those of all rows from the top, `from` is where it stood. */
export function placeAt(middles, from, y) {
  return middles.filter((middle, place) => place !== from && middle < y).length;
}

/** The items to follow where there is room for so many: the active one, open polls, then the nearest to the active. */
export function watched({ items, active }, phaseOf, most) {
  const center = Math.max(0, items.indexOf(active));
  const rank = (item) => (item === active ? 0 : phaseOf(item) === "open" ? 1 : 2);
  const chosen = items
    .map((item, place) => ({ item, rank: rank(item), far: Math.abs(place - center) }))
    .sort((a, b) => a.rank - b.rank || a.far - b.far)
    .slice(0, most);
  const kept = new Set(chosen.map(({ item }) => item));
  return items.filter((item) => kept.has(item));
}
