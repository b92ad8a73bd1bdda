import { SnapshotError } from "./errors.ts";
import type { HashFailure } from "./hash-files.ts";

/** Why something was left out of a snapshot although it stands where files are taken. */
export type SkipReason =
  | "symlink"
  | "special"
  | "not-utf8"
  | "excluded"
  | "missing"
  | "unreadable"
  | "vanished"
  | "changed";

/** What was left out, and why, in words. */
export interface SnapshotWarning {
  readonly path: string;
  readonly reason: SkipReason;
  readonly message: string;
}

const MESSAGES: { readonly [reason in SkipReason]: (path: string) => string } = {
  symlink: (path) => `"${path}" is a symlink and not part of the snapshot`,
  special: (path) => `"${path}" is no regular file and not part of the snapshot`,
  "not-utf8": (path) => `The name "${path}" is not UTF-8; it is not part of the snapshot`,
  excluded: (path) =>
    `"${path}" is left out by default; a rule such as "!${path}/" in .holdfastignore takes it in`,
  missing: (path) => `"${path}" is to be included and is not there`,
  unreadable: (path) => `"${path}" cannot be read and is not part of the snapshot`,
  vanished: (path) => `"${path}" vanished or was replaced while it was read; it is not part of the snapshot`,
  changed: (path) => `"${path}" kept changing while it was read; it is not part of the snapshot`,
};

/** A warning in words. */
export function warningOf(path: string, reason: SkipReason): SnapshotWarning {
  return { path, reason, message: MESSAGES[reason](path) };
}

/** What a failure to hash says about a file of a snapshot. */
export const REASON_OF_FAILURE: { readonly [failure in HashFailure]: SkipReason } = {
  vanished: "vanished",
  outside: "vanished",
  "not-a-file": "vanished",
  changed: "changed",
  unreadable: "unreadable",
  large: "unreadable",
};

/** The error for what stands in the way of a whole snapshot. */
export function problemError(root: string, path: string, reason: SkipReason, cause: unknown): SnapshotError {
  if (cause instanceof SnapshotError && reason === "unreadable") return cause;
  const where = { path, cause };
  const start = `Cannot take a snapshot of "${path}" in "${root}":`;
  if (reason === "changed") {
    const message = `${start} it kept changing while it was read; try again when nothing writes it`;
    return new SnapshotError("SNAPSHOT_CHANGED", message, where);
  }
  if (reason === "vanished") {
    const message = `${start} it vanished or was replaced while it was read; try again when nothing moves it`;
    return new SnapshotError("SNAPSHOT_VANISHED", message, where);
  }
  const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  const message = `${start} it cannot be read${code}; change its permissions or exclude it`;
  return new SnapshotError("SNAPSHOT_UNREADABLE", message, where);
}
