/** Names the first value that JSON would drop or change: `x` in `$.a.x`. */
function findLoss(value: unknown, path: string): string | undefined {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? undefined : `${path} is ${value}`;
    case "function":
    case "symbol":
      return `${path} is a ${typeof value}`;
    case "object": {
      if (value === null || "toJSON" in value) return undefined;
      if (Array.isArray(value)) {
        for (let index = 0; index < value.length; index++) {
          const item: unknown = value[index];
          const loss =
            item === undefined ? `${path}[${index}] is undefined` : findLoss(item, `${path}[${index}]`);
          if (loss !== undefined) return loss;
        }
        return undefined;
      }
      if (
        value instanceof Map ||
        value instanceof Set ||
        ArrayBuffer.isView(value) ||
        value instanceof ArrayBuffer
      ) {
        return `${path} is a ${value.constructor.name}`;
      }
      for (const key of Object.keys(value)) {
        const loss = findLoss((value as Record<string, unknown>)[key], `${path}.${key}`);
        if (loss !== undefined) return loss;
      }
      return undefined;
    }
    default:
      return undefined;
  }
}

/** Whether JSON keeps all of a value; quick, and without a word about where it does not. */
function isKept(value: unknown): boolean {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value);
    case "function":
    case "symbol":
      return false;
    case "object":
      if (value === null) return true;
      if (Array.isArray(value)) {
        for (const item of value) if (item === undefined || !isKept(item)) return false;
        return true;
      }
      if (Object.getPrototypeOf(value) !== Object.prototype) return findLoss(value, "") === undefined;
      for (const key in value) if (!isKept((value as Record<string, unknown>)[key])) return false;
      return true;
    default:
      return true;
  }
}

/**
 * The line of a record, without its newline. A property that is `undefined` is absent, as everywhere in JSON; what else JSON
 * would drop or change without a word (NaN, functions, Map, cycles, ...) is a TypeError that names it.
 */
export function recordText(record: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(record) as string | undefined;
    if (text !== undefined && isKept(record)) return text;
  } catch (error) {
    if (error instanceof RangeError)
      throw new TypeError("Cannot append a record: it is nested too deeply", { cause: error });
    const detail = error instanceof Error ? error.message : String(error);
    throw new TypeError(`Cannot append a record: ${detail}`, { cause: error });
  }
  const loss = text === undefined ? "$ is no value of JSON" : findLoss(record, "$");
  throw new TypeError(
    `Cannot append a record: ${loss ?? "it changed while it was written"}; JSON cannot keep it`,
  );
}
