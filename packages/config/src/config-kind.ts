import { isRecord } from "./is-record.ts";
import { nearestName } from "./nearest-name.ts";
import type { ConfigDocument } from "./parse-config.ts";
import { configError } from "./validate-config.ts";

/** What a config is of. */
export type ConfigKind = "simulation" | "workflow";

const KINDS: readonly ConfigKind[] = ["simulation", "workflow"];

/**
 * What a config is of: its `kind`, or, where that is left out, what the rest says (`simulation:` or `tasks:`).
 *
 * @throws {ConfigError} `CONFIG_INVALID` when it is no map, its kind is unknown, or nothing in it tells.
 */
export function configKind(document: ConfigDocument): ConfigKind {
  const { value } = document;
  if (!isRecord(value)) {
    throw configError(document, [
      { path: [], found: "no map", allowed: "a map", message: "must be a map of keys" },
    ]);
  }
  const { kind } = value;
  if (kind === undefined) {
    if (Object.hasOwn(value, "simulation")) return "simulation";
    // Every other config is held against the schema of workflows, which names what is missing.
    return "workflow";
  }
  const known = KINDS.find((name) => name === kind);
  if (known !== undefined) return known;
  const found = typeof kind === "string" ? kind : JSON.stringify(kind);
  const nearest = nearestName(found, KINDS);
  const hint = nearest === undefined ? "" : `; did you mean "${nearest}"?`;
  throw configError(document, [
    {
      path: ["kind"],
      found,
      allowed: KINDS.join(", "),
      message: `must be one of ${KINDS.join(", ")}, found "${found}"${hint}`,
    },
  ]);
}
