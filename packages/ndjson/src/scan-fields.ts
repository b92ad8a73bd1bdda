const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const REMEMBERED = 8;

/** A field that is looked for: its name, and short texts it had before, which need not be decoded again. */
interface Field {
  readonly name: Buffer;
  readonly known: { readonly bytes: Buffer; readonly text: string }[];
  next: number;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}

function afterSpace(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && isSpace(bytes[at])) at++;
  return at;
}

function equalAt(bytes: Buffer, start: number, end: number, other: Buffer): boolean {
  if (end - start !== other.length) return false;
  for (let at = 0; at < other.length; at++) if (bytes[start + at] !== other[at]) return false;
  return true;
}

/** Offset of the quote that ends the string whose first character is at `at`. */
function stringEnd(bytes: Buffer, at: number, end: number): number {
  for (let place = at; place < end; place++) {
    const byte = bytes[place];
    if (byte === QUOTE) return place;
    if (byte === BACKSLASH) place++;
  }
  throw new SyntaxError("a string has no end");
}

/** Offset after the value that starts at `at`. */
function valueEnd(bytes: Buffer, at: number, end: number): number {
  const first = bytes[at];
  if (first === QUOTE) return stringEnd(bytes, at + 1, end) + 1;
  if (first === OPEN_OBJECT || first === OPEN_LIST) {
    let depth = 0;
    for (let place = at; place < end; place++) {
      const byte = bytes[place];
      if (byte === QUOTE) place = stringEnd(bytes, place + 1, end);
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth++;
      else if ((byte === CLOSE_OBJECT || byte === CLOSE_LIST) && --depth === 0) return place + 1;
    }
    throw new SyntaxError("an object or a list has no end");
  }
  let place = at;
  while (place < end) {
    const byte = bytes[place];
    if (byte === COMMA || byte === CLOSE_OBJECT || isSpace(byte)) break;
    place++;
  }
  return place;
}

/** Finds values of top-level fields in lines of JSON without parsing the rest of the line. */
export class FieldScanner {
  readonly #fields: Field[];
  /** As many values as fields; a copy has no more room than that, where one that grew has room for seventeen. */
  readonly #none: readonly undefined[];

  constructor(names: readonly string[]) {
    // As JSON writes it: a name with a quote in it is found by its escape.
    this.#fields = names.map((name) => ({
      name: Buffer.from(JSON.stringify(name).slice(1, -1)),
      known: [],
      next: 0,
    }));
    this.#none = names.map(() => undefined);
  }

  /** The values of the fields in a line, in the order of the names; `undefined` where the line has no such field. */
  scan(bytes: Buffer, start: number, end: number): unknown[] {
    const values: unknown[] = this.#none.slice();
    let missing = this.#fields.length;
    let at = start;
    at = afterSpace(bytes, at, end);
    if (bytes[at++] !== OPEN_OBJECT) throw new SyntaxError("the line is no object");
    at = afterSpace(bytes, at, end);
    if (bytes[at] === CLOSE_OBJECT) return values;
    while (missing > 0) {
      at = afterSpace(bytes, at, end);
      if (bytes[at++] !== QUOTE) throw new SyntaxError("a key is missing");
      const keyStart = at;
      const keyEnd = stringEnd(bytes, at, end);
      at = keyEnd + 1;
      at = afterSpace(bytes, at, end);
      if (bytes[at++] !== COLON) throw new SyntaxError("a colon is missing");
      at = afterSpace(bytes, at, end);
      const valueStart = at;
      at = valueEnd(bytes, at, end);
      for (let index = 0; index < this.#fields.length; index++) {
        const field = this.#fields[index];
        if (
          field === undefined ||
          values[index] !== undefined ||
          !equalAt(bytes, keyStart, keyEnd, field.name)
        )
          continue;
        values[index] = decode(field, bytes, valueStart, at);
        missing--;
      }
      at = afterSpace(bytes, at, end);
      const after = bytes[at++];
      if (after === CLOSE_OBJECT) return values;
      if (after !== COMMA) throw new SyntaxError("a comma is missing");
    }
    return values;
  }
}

function decode(field: Field, bytes: Buffer, start: number, end: number): unknown {
  const isShortText = bytes[start] === QUOTE && end - start <= 34;
  if (isShortText) {
    for (const { bytes: known, text } of field.known) if (equalAt(bytes, start, end, known)) return text;
  }
  const value: unknown = JSON.parse(bytes.toString("utf8", start, end));
  if (isShortText && typeof value === "string") {
    field.known[field.next] = { bytes: Buffer.from(bytes.subarray(start, end)), text: value };
    field.next = (field.next + 1) % REMEMBERED;
  }
  return value;
}
