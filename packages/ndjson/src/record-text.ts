/** Names the first value that JSON would drop or change, for example `$.a[2] is NaN`; `undefined` when it keeps all of them. */
function findLoss(value: unknown, path: string): string | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? undefined : `${path} is ${value}`;
  if (typeof value === "function" || typeof value === "symbol") return `${path} is a ${typeof value}`;
  if (typeof value !== "object" || value === null || "toJSON" in value) return undefined;
  if (Array.isArray(value)) {
    for (const [index, item] of (value as readonly unknown[]).entries()) {
      const at = `${path}[${index}]`;
      const loss = item === undefined ? `${at} is undefined` : findLoss(item, at);
      if (loss !== undefined) return loss;
    }
    return undefined;
  }
  if (isContainer(value)) return `${path} is a ${value.constructor.name}`;
  for (const [key, item] of Object.entries(value)) {
    const loss = findLoss(item, `${path}.${key}`);
    if (loss !== undefined) return loss;
  }
  return undefined;
}

/** Objects whose contents are not in their properties: JSON would write `{}`, or an object of numbers. */
function isContainer(value: object): boolean {
  return (
    value instanceof Map ||
    value instanceof Set ||
    value instanceof RegExp ||
    value instanceof ArrayBuffer ||
    ArrayBuffer.isView(value)
  );
}

function isObject(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null;
}

/** Whether JSON keeps a whole value: {@link findLoss} without its words, and flat, because it runs for every record. */
function isKept(value: unknown): boolean {
  if (typeof value === "number") return Number.isFinite(value);
  if (!isObject(value)) return typeof value === "string" || typeof value === "boolean" || value === null;
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) if (!isKept(item)) return false;
    return true;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return findLoss(value, "") === undefined;
  for (const key in value) {
    const item = value[key];
    const type = typeof item;
    if (type === "string" || type === "boolean" || item === undefined) continue;
    if (!isKept(item)) return false;
  }
  return true;
}

/**
 * The line of a record, without its newline. A property that is `undefined` is absent, as everywhere in JSON; what else JSON
 * would drop or change without a word (NaN, functions, Map, cycles, ...) is a TypeError that names it.
 */
export function recordText(record: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(record);
    if (text !== undefined && isKept(record)) return text;
  } catch (error) {
    const isDeep = error instanceof RangeError;
    const detail = isDeep
      ? "it is nested too deeply"
      : error instanceof Error
        ? error.message
        : String(error);
    throw new TypeError(`Cannot append a record: ${detail}`, { cause: error });
  }
  const loss = text === undefined ? "$ is no value of JSON" : findLoss(record, "$");
  throw new TypeError(
    `Cannot append a record: ${loss ?? "it changed while it was written"}; JSON cannot keep it`,
  );
}
