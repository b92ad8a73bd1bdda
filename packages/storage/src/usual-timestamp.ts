/** Years whose microseconds are exact as a number. */
const FIRST_YEAR = 1_700;
const LAST_YEAR = 2_200;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;
const [T, Z, COLON, MINUS, DOT] = [0x54, 0x5a, 0x3a, 0x2d, 0x2e];

/**
 * Reads a timestamp in the form that Holdfast writes (`2026-01-02T03:04:05.123456Z`, or with fewer digits) by the places of its digits:
 * a tenth of the time that a pattern and a date take, which a search pays for every event of its page.
 *
 * @returns Microseconds since 1970; `undefined` for what has another form, or does not exist.
 */
export function usualMoment(text: string): number | undefined {
  const last = text.length - 1;
  if (last < 19 || last > 26 || text.charCodeAt(last) !== Z) return undefined;
  if (text.charCodeAt(4) !== MINUS || text.charCodeAt(7) !== MINUS || text.charCodeAt(10) !== T)
    return undefined;
  if (text.charCodeAt(13) !== COLON || text.charCodeAt(16) !== COLON) return undefined;
  const year = number(text, 0, 4);
  const month = number(text, 5, 7);
  const day = number(text, 8, 10);
  const hour = number(text, 11, 13);
  const minute = number(text, 14, 16);
  const second = number(text, 17, 19);
  if (!(year >= FIRST_YEAR && year <= LAST_YEAR && month >= 1 && month <= 12 && day >= 1)) return undefined;
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = DAYS[month - 1] ?? 0;
  if (day > (month === 2 && isLeap ? days + 1 : days)) return undefined;
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return undefined;
  const fraction = fractionOf(text, last);
  if (fraction === undefined) return undefined;
  const seconds = Date.UTC(year, month - 1, day, hour, minute, second) / 1_000;
  return seconds * 1_000_000 + fraction;
}

/** The microseconds between the seconds and the Z. */
function fractionOf(text: string, last: number): number | undefined {
  if (last === 19) return 0;
  if (text.charCodeAt(19) !== DOT || last === 20) return undefined;
  const value = number(text, 20, last);
  return Number.isNaN(value) ? undefined : value * 10 ** (26 - last);
}

/** A whole number; NaN when not all of it is digits. */
function number(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}
