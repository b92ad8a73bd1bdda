function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** The known name that was probably meant, if one is near enough: at most a third of its letters differ, or one contains the other. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = name.slice(0, 100).toLowerCase();
  let best: { name: string; distance: number } | undefined;
  for (const candidate of known) {
    const lower = candidate.toLowerCase();
    const contained =
      lower.length > 2 && wanted.length > 2 && (lower.includes(wanted) || wanted.includes(lower));
    const steps = distance(wanted, lower);
    const near = contained || steps <= Math.max(1, Math.floor(Math.max(lower.length, wanted.length) / 3));
    if (near && (best === undefined || steps < best.distance)) best = { name: candidate, distance: steps };
  }
  return best?.name;
}
