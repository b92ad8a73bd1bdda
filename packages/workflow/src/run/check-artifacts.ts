import { createHash } from "node:crypto";
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, realpathSync } from "node:fs";
import { isAbsolute, join, sep } from "node:path";
import type { Artifact, ExpectedOutput } from "@holdfast/ledger";

const CHUNK = 1024 * 1024;

/** Why a step does not count as done. */
export interface StepProblem {
  readonly code: string;
  readonly message: string;
  readonly status?: string;
  readonly fatal?: boolean;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** An artifact that is not what was said of it. */
export interface WrongArtifact {
  readonly path: string;
  /** Absolute, where it is looked for. */
  readonly place: string;
  /** `outside`: the path leaves the workspace, and nothing was read. */
  readonly kind: "outside" | "missing" | "not_a_file" | "changed" | "unreadable";
  /** Checksum of what is there. */
  readonly actual: string | undefined;
  readonly message: string;
}

function leaves(path: string): boolean {
  return (
    path === "" ||
    path.includes("\0") ||
    path.includes("\\") ||
    isAbsolute(path) ||
    path.split("/").includes("..")
  );
}

function hashDescriptor(descriptor: number): string {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(CHUNK);
  for (;;) {
    const count = readSync(descriptor, buffer, 0, CHUNK, null);
    if (count === 0) return `sha256:${hash.digest("hex")}`;
    hash.update(buffer.subarray(0, count));
  }
}

function checkOne(artifact: Artifact, root: string): WrongArtifact | undefined {
  const { path } = artifact;
  const place = join(root, path);
  const wrong = (kind: WrongArtifact["kind"], message: string, actual?: string): WrongArtifact => ({
    path,
    place,
    kind,
    actual,
    message,
  });
  if (leaves(path)) return wrong("outside", "its path leaves the workspace");
  let descriptor: number | undefined;
  try {
    const real = realpathSync(place);
    if (!real.startsWith(`${root}${sep}`)) return wrong("outside", "a symlink leads out of the workspace");
    // Without O_NONBLOCK a FIFO would wait for a writer.
    descriptor = openSync(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) return wrong("not_a_file", "it is not a regular file");
    // A folder on the way may have been swapped for a symlink between the two calls.
    if (realpathSync(place) !== real) return wrong("outside", "it was moved while it was checked");
    if (stat.size !== artifact.size) {
      return wrong("changed", `it has ${stat.size} bytes, not ${artifact.size}`, hashDescriptor(descriptor));
    }
    const actual = hashDescriptor(descriptor);
    return actual === artifact.sha256
      ? undefined
      : wrong("changed", `its checksum is ${actual}, not ${artifact.sha256}`, actual);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return wrong("missing", "it is not there");
    if (code === "ELOOP" || code === "EISDIR" || code === "ENXIO")
      return wrong("not_a_file", "it is not a regular file");
    return wrong("unreadable", `it cannot be read (${code ?? String(error)})`);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Compares artifacts with the files of the workspace; returns those that differ. Nothing outside the workspace is read. */
export async function wrongArtifacts(
  artifacts: readonly Artifact[],
  options: { readonly workspace: string },
): Promise<WrongArtifact[]> {
  if (artifacts.length === 0) return [];
  let root: string;
  try {
    root = realpathSync(options.workspace);
  } catch {
    root = options.workspace;
  }
  const wrong: WrongArtifact[] = [];
  for (const artifact of artifacts) {
    const found = checkOne(artifact, root);
    if (found !== undefined) wrong.push(found);
  }
  return wrong;
}

/** What stands against the artifacts of a step, if something does. */
export async function problemOfArtifacts(
  artifacts: readonly Artifact[],
  options: { readonly workspace: string; readonly maxBytes: number },
): Promise<StepProblem | undefined> {
  const large = artifacts.find((artifact) => artifact.size > options.maxBytes);
  if (large !== undefined) {
    const message = `artifact "${large.path}" has ${large.size} bytes, policy.artifact_max_bytes is ${options.maxBytes}`;
    return { code: "artifact_too_large", message, status: "artifact_refused", details: { path: large.path } };
  }
  const [first, ...rest] = await wrongArtifacts(artifacts, options);
  if (first === undefined) return undefined;
  const more = rest.length === 0 ? "" : ` (and ${rest.length} more)`;
  const code = first.kind === "outside" ? "artifact_outside" : "artifact_mismatch";
  return {
    code,
    message: `artifact "${first.path}" is refused: ${first.message}${more}`,
    status: "artifact_refused",
    details: { path: first.path },
  };
}

/** Paths of the outputs that a step had to make and that are not there. */
export function missingOutputs(outputs: readonly ExpectedOutput[], workspace: string): string[] {
  const isThere = (path: string): boolean => {
    try {
      return lstatSync(join(workspace, path), { throwIfNoEntry: false }) !== undefined;
    } catch {
      return false;
    }
  };
  return outputs
    .filter((output) => output.required && !leaves(output.path) && !isThere(output.path))
    .map((output) => output.path);
}
