import * as z from "zod";
import { ProblemError } from "./errors.ts";
import { pathIdSchema } from "./routes/parameters.ts";

/** How the text of a parameter becomes a value: decided by its schema, once. */
type Kind = "text" | "timestamp" | "integer" | "boolean" | "list";

/** Reads the query of requests to one route. */
export interface QueryReader {
  /** @throws {ProblemError} `INVALID_REQUEST`, naming every parameter that is wrong. */
  read(query: string): unknown;
}

const NOT_ENCODED = "is not encoded in percent encoding and UTF-8";

/** One thing that is wrong with a request. */
interface Issue {
  readonly in: "query" | "path" | "header";
  readonly name: string;
  readonly message: string;
}

/**
 * Makes the reader of a query from its schema. Parameters of a list may be repeated, others may not; unknown ones are refused, so
 * that a filter with a slip in its name is not an answer to another question.
 */
export function queryReader(schema: z.ZodObject | undefined): QueryReader {
  const kinds = schema === undefined ? new Map<string, Kind>() : kindsOf(schema);
  const known = [...kinds.keys()];
  return {
    read(query) {
      if (query === "" && schema === undefined) return {};
      if (!isEncoded(query)) throw invalid([{ in: "query", name: "query", message: NOT_ENCODED }]);
      const issues: Issue[] = [];
      const given = new Map<string, unknown>();
      for (const [name, text] of new URLSearchParams(query)) {
        const kind = kinds.get(name);
        const before = given.get(name);
        if (kind === undefined) issues.push(unknownParameter(name, known));
        else if (kind === "list") given.set(name, [...(Array.isArray(before) ? before : []), text]);
        else if (before === undefined) given.set(name, valueOf(kind, text));
        else issues.push({ in: "query", name, message: "is given more than once" });
      }
      const parsed = schema?.safeParse(Object.fromEntries(given));
      if (parsed !== undefined && !parsed.success) issues.push(...issuesOf(parsed.error, "query"));
      if (issues.length > 0) throw invalid(issues);
      return parsed?.data ?? {};
    },
  };
}

/**
 * The parameters of a path, decoded. One that cannot be an id names nothing: the answer is 404, as for any unknown one.
 *
 * @throws {ProblemError} `INVALID_REQUEST`, `NOT_FOUND`
 */
export function readParams(
  schema: z.ZodObject | undefined,
  given: Readonly<Record<string, string>>,
): unknown {
  if (schema === undefined) return {};
  const values = Object.fromEntries(Object.entries(given).map(([name, text]) => [name, decode(name, text)]));
  const parsed = schema.safeParse(values);
  if (parsed.success) return parsed.data;
  const issues = issuesOf(parsed.error, "path");
  const [issue] = issues;
  if (issues.some(({ name }) => schema.shape[name] !== pathIdSchema)) throw invalid(issues);
  throw new ProblemError("NOT_FOUND", `Not found: the ${issue?.name ?? "id"} ${issue?.message ?? "is none"}`);
}

/** @throws always, {@link ProblemError} `INVALID_REQUEST` for one parameter. */
export function refuseParameter(where: Issue["in"], name: string, message: string): never {
  throw invalid([{ in: where, name, message }]);
}

function invalid(issues: readonly Issue[]): ProblemError {
  const [first] = issues;
  const more = issues.length > 1 ? `, and ${issues.length - 1} more` : "";
  return new ProblemError(
    "INVALID_REQUEST",
    `Invalid request: "${first?.name ?? ""}" ${first?.message ?? "is wrong"}${more}`,
    { details: { issues } },
  );
}

function issuesOf(error: z.ZodError, where: Issue["in"]): Issue[] {
  return error.issues.slice(0, 20).map(({ path, message }) => ({
    in: where,
    name: shortened(path.length === 0 ? "query" : String(path[0])),
    message: /^(must|is|takes|needs)\b/.test(message) ? message : `is wrong: ${message}`,
  }));
}

function unknownParameter(name: string, known: readonly string[]): Issue {
  const takes = known.length === 0 ? "no parameters" : known.join(", ");
  return { in: "query", name: shortened(name), message: `is unknown: this request takes ${takes}` };
}

function shortened(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}...` : name;
}

/** What is decoded leniently would ask for something else than was meant. */
function isEncoded(query: string): boolean {
  try {
    if (query.includes("%")) decodeURIComponent(query);
    return true;
  } catch {
    return false;
  }
}

function decode(name: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return refuseParameter("path", name, NOT_ENCODED);
  }
}

/** Whole numbers are digits and nothing else: no spaces, signs, fractions or exponents. */
function valueOf(kind: Kind, text: string): unknown {
  if (kind === "integer") return /^\d{1,15}$/.test(text) ? Number(text) : text;
  // A plus that was not encoded arrives as a space, as in 2026-01-02T03:04:05+00:00.
  if (kind === "timestamp") return text.replace(/ (\d\d:\d\d)$/, "+$1");
  if (kind === "boolean") return text === "true" ? true : text === "false" ? false : text;
  return text;
}

function kindsOf(schema: z.ZodObject): Map<string, Kind> {
  const { properties = {} } = z.toJSONSchema(schema, { io: "input" });
  return new Map(
    Object.entries(properties).map(([name, property]) => {
      const type = typeof property === "object" ? property.type : undefined;
      if (type === "integer" || type === "number") return [name, "integer"];
      if (type === "boolean") return [name, "boolean"];
      if (type === "array") return [name, "list"];
      return [name, name.endsWith("_timestamp") ? "timestamp" : "text"];
    }),
  );
}
