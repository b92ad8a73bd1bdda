import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FileStore, fileStore } from "@holdfast/storage";
import type { PreparedFile } from "./damaged-file.ts";

/** The codes that say that something was damaged, or is of a newer version. */
export const DAMAGED = /_(?:DAMAGED|NEWER_FORMAT|NEWER_VERSION)$/;

/** Looks at a store as a program that has just been started does. */
async function freshly<T>(root: string, look: (store: FileStore) => Promise<T>): Promise<T> {
  await using store = fileStore(root);
  return await look(store);
}

/** What to look at in a store. */
export interface LooksAtStore {
  readonly read: (store: FileStore) => Promise<unknown>;
  readonly verify?: (store: FileStore) => Promise<readonly string[]>;
  /** Of the part of the store that `check()` looks at; none without it. */
  readonly prefix?: string;
  /** Whether a reader may write the file, to mend it. */
  readonly mayMend?: boolean;
}

/** A whole file of a store. */
export function fileInStore(
  root: string,
  relative: string,
  { read, verify, prefix, mayMend = false }: LooksAtStore,
): PreparedFile {
  const path = join(root, relative);
  return {
    whole: readFileSync(path),
    put: (bytes) => writeFileSync(path, bytes),
    read: () => freshly(root, read),
    ...(verify === undefined && prefix === undefined
      ? {}
      : {
          verify: () =>
            freshly(root, async (store) => {
              const found = prefix === undefined ? [] : await store.check({ prefix, objects: prefix === "" });
              return [...told(found), ...((await verify?.(store)) ?? [])];
            }),
        }),
    ...(mayMend ? {} : { left: () => readFileSync(path) }),
  };
}

/** What findings say, but for those that say that all is well. */
export function told(
  findings: readonly { readonly severity: string; readonly kind: string; readonly message: string }[],
): string[] {
  return findings
    .filter(({ severity }) => severity !== "info")
    .map(({ kind, message }) => `${kind}: ${message}`);
}
