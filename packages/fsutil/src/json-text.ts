import { isUtf8 } from "node:buffer";
import { FileNotJsonError } from "./errors.ts";
import { findJsonFault } from "./json-scanner.ts";

const BYTE_ORDER_MARK = "\ufeff";
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
// A number that may be more than a double keeps: an integer part of sixteen digits, an exponent of three, or very many digits.
const SUSPECT_DIGITS = /(?<![.\d])\d{16}|\d[eE][+-]?\d{3}|\.\d{180}/u;
// The same where a value can begin. Takes three times as long, and is asked second: every other checksum has such an exponent in it.
const SUSPECT_NUMBER = /(?:^|[\s,:[])-?(?:\d{16}|[\d.]{180}|[\d.]+[eE][+-]?\d{3})/u;
const hasSuspectNumber = (text: string): boolean => SUSPECT_DIGITS.test(text) && SUSPECT_NUMBER.test(text);

function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  const open: object[] = [value];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    if (Array.isArray(item)) {
      for (const child of item as unknown[])
        if (typeof child === "object" && child !== null) open.push(child);
      continue;
    }
    const children: unknown[] = Object.values(item);
    count += children.length;
    for (const child of children) if (typeof child === "object" && child !== null) open.push(child);
  }
  return count;
}

/** How many colons follow a quote: those of all keys, and of strings that look alike. */
function countKeyEnds(text: string): number {
  let count = 0;
  for (let colon = text.indexOf(":"); colon !== -1; colon = text.indexOf(":", colon + 1)) {
    let at = colon - 1;
    while (isSpace(text.charCodeAt(at))) at--;
    if (text.charCodeAt(at) !== QUOTE) continue;
    // One backslash before it, not two: a quote within a string, for certain.
    if (text.charCodeAt(at - 1) === BACKSLASH && text.charCodeAt(at - 2) !== BACKSLASH) continue;
    count++;
  }
  return count;
}

/** Line and column, both from 1, of an offset in a text. */
function placeOf(text: string, offset: number): { line: number; column: number } {
  let line = 1;
  let start = 0;
  for (let end = text.indexOf("\n"); end !== -1 && end < offset; end = text.indexOf("\n", start)) {
    line++;
    start = end + 1;
  }
  return { line, column: offset - start + 1 };
}

/** Offset of the first byte that is not UTF-8: the longest good beginning, by halves. */
function badByte(bytes: Uint8Array): number {
  let good = 0;
  let bad = bytes.byteLength;
  while (good < bad) {
    const middle = (good + bad + 1) >> 1;
    try {
      // As a stream: an unfinished character at the end is fine.
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, middle), {
        stream: true,
      });
      good = middle;
    } catch {
      bad = middle - 1;
    }
  }
  return good;
}

function decode(bytes: Uint8Array, path: string): string {
  if (isUtf8(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  const offset = badByte(bytes);
  const { line, column } = placeOf(Buffer.from(bytes.subarray(0, offset)).toString("latin1"), offset);
  throw new FileNotJsonError(`Cannot read "${path}": line ${line}, byte ${column} is not UTF-8`, {
    path,
    line,
    column,
  });
}

/**
 * Parses JSON and never changes a value by it: refuses a key that occurs twice in its object, a number too large or too
 * small for a double, an integer that a double cannot hold, and bytes that are not UTF-8. `__proto__` is a key like any
 * other. A byte order mark before the text is passed over. No depth is too deep.
 *
 * @param source - Text, or its bytes in UTF-8.
 * @param options - `path`: the file to name in errors.
 * @throws {FileNotJsonError} with `line` and `column` of the first fault.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8259 | RFC 8259}; {@link https://www.rfc-editor.org/rfc/rfc7493 | RFC 7493} (I-JSON)
 */
export function parseJsonStrict(source: string | Uint8Array, options: { readonly path: string }): unknown {
  const { path } = options;
  let text = typeof source === "string" ? source : decode(source, path);
  if (text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1);
  let value: unknown;
  let parsed = false;
  try {
    value = JSON.parse(text);
    parsed = true;
  } catch {
    // the scanner says where
  }
  // The engine's parser is several times faster than the scanner. It drops repeated keys, so that fewer are left than
  // the text has; looks alike inside strings only make the first count larger, and then the scanner decides.
  if (parsed && !hasSuspectNumber(text) && countKeyEnds(text) === countKeys(value)) return value;
  const fault = findJsonFault(text);
  if (fault === undefined) {
    if (parsed) return value;
    throw new FileNotJsonError(`Cannot read "${path}": it is not JSON`, { path, line: 1, column: 1 });
  }
  const { line, column } = placeOf(text, fault.offset);
  throw new FileNotJsonError(`Cannot read "${path}": line ${line}, column ${column}: ${fault.reason}`, {
    path,
    line,
    column,
  });
}
