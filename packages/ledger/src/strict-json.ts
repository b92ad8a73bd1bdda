/** Why a text is JSON that cannot be taken without changing it. */
class StrictJsonError extends Error {
  override readonly name: string = "StrictJsonError";
}

/**
 * Parses JSON that means the same to every reader: refused are a name that appears twice in an object, an integer that a
 * double cannot hold, a number beyond all doubles, and a lone surrogate.
 *
 * What this process would write itself is known to be free of them, which makes the usual case cost one comparison.
 */
export function parseStrict(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if ((!text.isWellFormed() || ESCAPED_SURROGATE.test(text)) && holdsLoneSurrogate(value)) {
    throw new StrictJsonError("it holds half of a surrogate pair");
  }
  if (JSON.stringify(value) !== text) scan(text);
  return value;
}

const ESCAPED_SURROGATE = /\\u[dD]/;

function holdsLoneSurrogate(value: unknown): boolean {
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next === "string" && !next.isWellFormed()) return true;
    if (typeof next === "object" && next !== null) {
      for (const [key, member] of Object.entries(next)) {
        if (!key.isWellFormed()) return true;
        open.push(member);
      }
    }
  }
  return false;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[{}[\],:]/gsu;

/** Looks at each token of a text that is known to be JSON. */
function scan(text: string): void {
  // The names of each object that is open, `undefined` for an array.
  const open: (Set<string> | undefined)[] = [];
  let nameFollows = false;
  for (const [token] of text.matchAll(TOKEN)) {
    switch (token.charAt(0)) {
      case "{":
        open.push(new Set());
        nameFollows = true;
        break;
      case "[":
        open.push(undefined);
        nameFollows = false;
        break;
      case "}":
      case "]":
        open.pop();
        nameFollows = false;
        break;
      case ",":
        nameFollows = open.at(-1) !== undefined;
        break;
      case ":":
        nameFollows = false;
        break;
      case '"':
        if (nameFollows) addName(open.at(-1), token);
        break;
      default:
        checkNumber(token);
    }
  }
}

function addName(names: Set<string> | undefined, token: string): void {
  if (names === undefined) return;
  const name: string = JSON.parse(token);
  if (names.has(name))
    throw new StrictJsonError(`the name ${JSON.stringify(name)} appears twice in an object`);
  names.add(name);
}

function checkNumber(token: string): void {
  const value = Number(token);
  if (!Number.isFinite(value))
    throw new StrictJsonError(`the number ${token} is larger than a double can be`);
  if (!/^-?\d+$/.test(token) || Number.isSafeInteger(value) || String(value) === token) return;
  if (BigInt(token) !== BigInt(value))
    throw new StrictJsonError(`the integer ${token} does not fit a double: send it as a string`);
}
