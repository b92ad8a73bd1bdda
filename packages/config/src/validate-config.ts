import type * as z from "zod";
import { ConfigError, type ConfigErrorCode, type ConfigIssue } from "./errors.ts";
import { type ConfigDocument, documentPath } from "./parse-config.ts";
import { documentValue, inOrder, schemaIssues } from "./schema-issues.ts";

/** Something wrong in a config that no schema of a single value can tell. */
export interface ConfigFinding {
  /** Where, from the top of the document. */
  readonly path: readonly PropertyKey[];
  readonly found: string;
  readonly allowed: string;
  /** What is wrong, as the rest of a sentence. */
  readonly message: string;
}

/**
 * A config's value after its schema, with defaults filled in.
 *
 * @throws {ConfigError} `CONFIG_INVALID` with every issue: the path in the document, the line, what was found and what is allowed;
 * for an unknown key also the nearest known one.
 */
export function validateConfig<Schema extends z.ZodType>(
  document: ConfigDocument,
  schema: Schema,
): z.output<Schema> {
  const parsed = schema.safeParse(document.value);
  if (parsed.success) return parsed.data;
  throw invalid("CONFIG_INVALID", document, schemaIssues(parsed.error.issues, document, schema));
}

/** A part of a config that is held against a schema of its own. */
export interface ConfigSection {
  /** Where, from the top of the document. */
  readonly path: readonly PropertyKey[];
  readonly schema: z.ZodType;
}

/**
 * The values of parts of a config after their schemas, in the order of the parts: for what only another part can tell the schema of,
 * such as the parameters of a module that is named there.
 *
 * @throws {ConfigError} `CONFIG_INVALID` with the issues of all parts, as {@link validateConfig}.
 */
export function validateSections(
  document: ConfigDocument,
  sections: readonly ConfigSection[],
): readonly unknown[] {
  const issues: ConfigIssue[] = [];
  const values = sections.map(({ path, schema }) => {
    const parsed = schema.safeParse(documentValue(document, path));
    if (parsed.success) return parsed.data;
    issues.push(...schemaIssues(parsed.error.issues, document, schema, path));
    return undefined;
  });
  if (issues.length > 0) throw invalid("CONFIG_INVALID", document, inOrder(issues));
  return values;
}

/**
 * The error for what else is wrong in a config.
 *
 * @param findings - At least one; they are told in order of their lines.
 * @param code - Default `CONFIG_INVALID`.
 */
export function configError(
  document: ConfigDocument,
  findings: readonly ConfigFinding[],
  code: ConfigErrorCode = "CONFIG_INVALID",
): ConfigError {
  const issues = findings.map(({ path, found, allowed, message }) => ({
    documentPath: documentPath(path),
    ...document.position(path),
    found,
    allowed,
    message,
  }));
  return invalid(
    code,
    document,
    issues.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)),
  );
}

function invalid(
  code: ConfigErrorCode,
  { path }: ConfigDocument,
  issues: readonly ConfigIssue[],
): ConfigError {
  const [first] = issues;
  const line = first?.line === undefined ? "" : `:${first.line}:${first.column ?? 1}`;
  const place = first?.documentPath ? `${first.documentPath}: ` : "";
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  return new ConfigError(
    code,
    `Cannot use the configuration "${path}${line}": ${place}${first?.message ?? "it is not valid"}${more}`,
    { path, issues },
  );
}
