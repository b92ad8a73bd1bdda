/** Reads a timestamp as in RFC 3339 into milliseconds since 1970. */
export function parseTimestamp(text) {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new RangeError(`Not a timestamp: "${text}"`);
  return time;
}
