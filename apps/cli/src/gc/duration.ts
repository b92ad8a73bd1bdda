const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** A length of time such as `90s`, `30m`, `12h`, `7d` or `2w`, in milliseconds; `undefined` for anything else. */
export function parseDuration(text: string): number | undefined {
  const parts = /^(\d{1,9})([smhdw])$/.exec(text);
  const unit = UNITS[parts?.[2] ?? ""];
  return parts === null || unit === undefined ? undefined : Number(parts[1]) * unit;
}

/** A length of time in the largest unit that gives a whole number: `7d`, `36h`. */
export function durationText(milliseconds: number): string {
  for (const [unit, length] of Object.entries(UNITS).toReversed()) {
    if (milliseconds >= length && milliseconds % length === 0) return `${milliseconds / length}${unit}`;
  }
  return `${Math.round(milliseconds / 1_000)}s`;
}
