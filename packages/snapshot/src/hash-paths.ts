import type { HashFailure } from "./hash-files.ts";
import { HashPool } from "./hash-pool.ts";

/** What a file holds now. `failure`: why that is not known. */
export type FoundFile =
  | { readonly sha256: string; readonly size: number; readonly mode: number }
  | { readonly failure: HashFailure; readonly code: string };

export interface HashPathsOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with the files and bytes read so far. */
  readonly onProgress?: ((progress: { readonly files: number; readonly bytes: number }) => void) | undefined;
}

/** Hashes files below a folder by their paths, on all cores, never through a symlink. In the order of `paths`. */
export async function hashPaths(
  root: string,
  paths: readonly string[],
  { signal, onProgress }: HashPathsOptions,
): Promise<readonly FoundFile[]> {
  const found: FoundFile[] = [];
  let files = 0;
  let bytes = 0;
  await using pool = new HashPool({
    signal,
    onBytes: (count) => {
      bytes += count;
    },
    onHashed: (hashed, owners) => {
      const { buffer, byteOffset, byteLength } = hashed.digests;
      const digests = Buffer.from(buffer, byteOffset, byteLength);
      for (const [place, owner] of owners.entries()) {
        if (owner < 0) continue;
        const sha256 = `sha256:${digests.toString("hex", place * 32, (place + 1) * 32)}`;
        found[owner] = {
          sha256,
          size: Number(hashed.stats[place * 4] ?? 0n),
          mode: hashed.modes[place] ?? 0,
        };
        files++;
      }
      for (const { index, failure, code } of hashed.failures) {
        const owner = owners[index] ?? -1;
        if (owner >= 0) found[owner] = { failure, code };
      }
      onProgress?.({ files, bytes });
    },
  });
  for (const [owner, path] of paths.entries()) {
    const slash = path.lastIndexOf("/");
    const folder = slash < 0 ? root : `${root === "/" ? "" : root}/${path.slice(0, slash)}`;
    pool.add(folder, path.slice(slash + 1), owner);
  }
  await pool.finish();
  return found;
}
