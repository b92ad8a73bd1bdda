/** Where and why a text is not strict JSON. */
export interface JsonFault {
  /** Offset in UTF-16 code units. */
  readonly offset: number;
  readonly reason: string;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
// A number as RFC 8259 has it; sticky, so that it is tried at one place only.
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/uy;
const LITERAL = /true|false|null/uy;
// All of a string that needs no second look: printable, neither quote nor backslash.
const PLAIN = /[ !#-[\]-\u{10ffff}]*/uy;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/uy;

function numberFault(token: string): string | undefined {
  if (token.length < 5) return undefined; // 1e99 at most
  const value = Number(token);
  if (!Number.isFinite(value)) return `the number ${token} is too large for a double`;
  if (value === 0)
    return /^[^eE]*[1-9]/u.test(token) ? `the number ${token} is too small for a double` : undefined;
  if (token.length < 16 || !/^-?\d+$/u.test(token)) return undefined;
  // Above 2^53 a double's own shortest text can be another integer than the double is: that text comes back as it was.
  if (String(value) === token || BigInt(token) === BigInt(value)) return undefined;
  return `the integer ${token} loses value as a double (it would become ${value}); write it as a string`;
}

/** One pass over a text, without building values: it keeps its own stack, so no depth overflows it. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  #fault(reason: string, offset = this.#at): JsonFault {
    return { offset, reason };
  }

  #found(): string {
    const point = this.#text.codePointAt(this.#at);
    return point === undefined ? "the end of the text" : JSON.stringify(String.fromCodePoint(point));
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #pass(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  /** Passes a string whose quote is next. */
  #string(): JsonFault | undefined {
    const start = this.#at++;
    for (;;) {
      this.#pass(PLAIN);
      const code = this.#text.charCodeAt(this.#at);
      if (code === QUOTE) {
        this.#at++;
        return undefined;
      }
      if (code !== BACKSLASH) {
        if (this.#at >= this.#text.length)
          return this.#fault("the string that begins here has no end", start);
        return this.#fault(`found ${this.#found()} in a string: control characters must be escaped`);
      }
      if (!this.#pass(ESCAPE)) return this.#fault("found an escape that JSON does not have");
    }
  }

  /** Passes a value that is not an object or a list. */
  #scalar(): JsonFault | undefined {
    if (this.#text.charCodeAt(this.#at) === QUOTE) return this.#string();
    const start = this.#at;
    if (this.#pass(NUMBER)) {
      const reason = numberFault(this.#text.slice(start, this.#at));
      return reason === undefined ? undefined : this.#fault(reason, start);
    }
    if (this.#pass(LITERAL)) return undefined;
    return this.#fault(`expected a value, found ${this.#found()}`);
  }

  /** Passes a key and its colon; `keys` are those the object has already. */
  #key(keys: Set<string>): JsonFault | undefined {
    const start = this.#at;
    if (this.#text.charCodeAt(start) !== QUOTE)
      return this.#fault(`expected a key in quotes, found ${this.#found()}`);
    const fault = this.#string();
    if (fault !== undefined) return fault;
    const quoted = this.#text.slice(start, this.#at);
    const key = quoted.includes("\\") ? String(JSON.parse(quoted)) : quoted.slice(1, -1);
    if (keys.has(key)) return this.#fault(`the key ${quoted} occurs twice in its object`, start);
    keys.add(key);
    this.#space();
    if (this.#text[this.#at] !== ":")
      return this.#fault(`expected ":" after the key ${quoted}, found ${this.#found()}`);
    this.#at++;
    this.#space();
    return undefined;
  }

  scan(): JsonFault | undefined {
    const stack: (Set<string> | undefined)[] = []; // the keys of an object, undefined for a list
    for (;;) {
      this.#space();
      const opens = this.#text[this.#at];
      if (opens === "{" || opens === "[") {
        this.#at++;
        this.#space();
        const keys = opens === "{" ? new Set<string>() : undefined;
        if (this.#text[this.#at] !== (opens === "{" ? "}" : "]")) {
          stack.push(keys);
          const fault = keys === undefined ? undefined : this.#key(keys);
          if (fault !== undefined) return fault;
          continue; // to its first value
        }
        this.#at++;
      } else {
        const fault = this.#scalar();
        if (fault !== undefined) return fault;
      }
      // A value has ended: close what ends with it, then go to the next one.
      for (;;) {
        this.#space();
        if (stack.length === 0) {
          return this.#at < this.#text.length
            ? this.#fault(`expected the end, found ${this.#found()}`)
            : undefined;
        }
        const keys = stack.at(-1);
        const next = this.#text[this.#at];
        const close = keys === undefined ? "]" : "}";
        if (next === close) {
          this.#at++;
          stack.pop();
          continue;
        }
        if (next !== ",") return this.#fault(`expected "," or "${close}", found ${this.#found()}`);
        this.#at++;
        this.#space();
        const fault = keys === undefined ? undefined : this.#key(keys);
        if (fault !== undefined) return fault;
        break;
      }
    }
  }
}

/** The first place where a text is not JSON, repeats a key, or holds a number that a double cannot keep. */
export function findJsonFault(text: string): JsonFault | undefined {
  return new Scanner(text).scan();
}
