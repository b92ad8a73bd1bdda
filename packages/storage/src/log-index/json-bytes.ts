// Steps over JSON in bytes. A step gives the place after what it stepped over, or NOT_USUAL: the line is no JSON, or is written in a way that is left to JSON.parse.
// Bytes beyond ASCII are taken as they are: whoever calls knows that all of them are UTF-8. A line ends in a newline, which no step goes beyond.

export const NOT_USUAL = -1;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const LOWER_E = 0x65;
const LOWER_U = 0x75;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const FIRST_TEXT = 0x20;
const LOWER_CASE = 0x20;
/** Deeper values are left to JSON.parse, which needs no stack. */
const MAX_DEPTH = 64;

const WORDS = ["true", "false", "null"].map((word) => Buffer.from(word));
const ESCAPED = new Set(Array.from('"\\/bfnrt', (character) => character.charCodeAt(0)));

/** After the spaces at a place. */
export function afterSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  for (let byte = bytes[at]; byte === 0x20 || byte === 0x09 || byte === 0x0d; byte = bytes[at]) at += 1;
  return at;
}

/** Whether some bytes stand at a place. */
export function standsAt(bytes: Uint8Array, start: number, wanted: Uint8Array): boolean {
  for (let at = 0; at < wanted.length; at += 1) if (bytes[start + at] !== wanted[at]) return false;
  return true;
}

/** After a string; `start`: after its first quote. */
function afterString(bytes: Uint8Array, start: number): number {
  for (let at = start; ; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) return at + 1;
    if (byte < FIRST_TEXT) return NOT_USUAL;
    if (byte !== BACKSLASH) continue;
    at += 1;
    const escaped = bytes[at] ?? 0;
    if (escaped === LOWER_U) {
      for (const end = at + 4; at < end; at += 1) if (!isHex(bytes[at + 1] ?? 0)) return NOT_USUAL;
    } else if (!ESCAPED.has(escaped)) return NOT_USUAL;
  }
}

/** After the quote that ends a string of ASCII without escapes; `start`: after its first quote. */
export function afterPlainString(bytes: Uint8Array, start: number): number {
  for (let at = start; ; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) return at + 1;
    if (byte < FIRST_TEXT || byte > 0x7f || byte === BACKSLASH) return NOT_USUAL;
  }
}

/** Where the value of a key starts; `start`: after the key. */
export function valueAfter(bytes: Uint8Array, start: number): number {
  const at = afterSpace(bytes, start);
  return bytes[at] === COLON ? afterSpace(bytes, at + 1) : NOT_USUAL;
}

/** After a value of any kind. */
export function afterValue(bytes: Uint8Array, start: number, depth = 0): number {
  const first = bytes[start] ?? 0;
  if (first === QUOTE) return afterString(bytes, start + 1);
  if (first === MINUS || (first >= ZERO && first <= NINE)) return afterNumber(bytes, start);
  if (first !== OPEN_OBJECT && first !== OPEN_LIST) return afterWord(bytes, start);
  if (depth === MAX_DEPTH) return NOT_USUAL;
  return first === OPEN_OBJECT ? afterObject(bytes, start, depth) : afterList(bytes, start, depth);
}

function afterObject(bytes: Uint8Array, start: number, depth: number): number {
  let at = afterSpace(bytes, start + 1);
  if (bytes[at] === CLOSE_OBJECT) return at + 1;
  while (true) {
    if (bytes[at] !== QUOTE) return NOT_USUAL;
    at = afterString(bytes, at + 1);
    if (at === NOT_USUAL) return NOT_USUAL;
    at = valueAfter(bytes, at);
    if (at === NOT_USUAL) return NOT_USUAL;
    at = afterValue(bytes, at, depth + 1);
    if (at === NOT_USUAL) return NOT_USUAL;
    at = afterSpace(bytes, at);
    if (bytes[at] === CLOSE_OBJECT) return at + 1;
    if (bytes[at] !== COMMA) return NOT_USUAL;
    at = afterSpace(bytes, at + 1);
  }
}

function afterList(bytes: Uint8Array, start: number, depth: number): number {
  let at = afterSpace(bytes, start + 1);
  if (bytes[at] === CLOSE_LIST) return at + 1;
  while (true) {
    at = afterValue(bytes, at, depth + 1);
    if (at === NOT_USUAL) return NOT_USUAL;
    at = afterSpace(bytes, at);
    if (bytes[at] === CLOSE_LIST) return at + 1;
    if (bytes[at] !== COMMA) return NOT_USUAL;
    at = afterSpace(bytes, at + 1);
  }
}

/** After a number. */
export function afterNumber(bytes: Uint8Array, start: number): number {
  const first = bytes[start] === MINUS ? start + 1 : start;
  let at = bytes[first] === ZERO ? first + 1 : afterDigits(bytes, first);
  if (at !== NOT_USUAL && bytes[at] === DOT) at = afterDigits(bytes, at + 1);
  if (at === NOT_USUAL || ((bytes[at] ?? 0) | LOWER_CASE) !== LOWER_E) return at;
  const sign = bytes[at + 1];
  return afterDigits(bytes, sign === PLUS || sign === MINUS ? at + 2 : at + 1);
}

/** After one digit or more. */
function afterDigits(bytes: Uint8Array, start: number): number {
  let at = start;
  for (let byte = bytes[at] ?? 0; byte >= ZERO && byte <= NINE; byte = bytes[at] ?? 0) at += 1;
  return at === start ? NOT_USUAL : at;
}

function afterWord(bytes: Uint8Array, start: number): number {
  for (const word of WORDS) if (standsAt(bytes, start, word)) return start + word.length;
  return NOT_USUAL;
}

function isHex(byte: number): boolean {
  const lower = byte | LOWER_CASE;
  return (byte >= ZERO && byte <= NINE) || (lower >= 0x61 && lower <= 0x66);
}
