// Durations as people read them.

/**
 * Returns "1:05" for 65,000 milliseconds and "1:01:05" for 3,665,000; never a negative time.
 * @param {number} milliseconds
 */
export function formatDuration(milliseconds) {
  const total = Math.max(0, Math.ceil(milliseconds / 1000));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = String(total % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${seconds}` : `${minutes}:${seconds}`;
}
