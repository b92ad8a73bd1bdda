import type { SnapshotFile } from "./manifest.ts";
import { FileTimes, modeText } from "./stat-text.ts";
import { FILE, FOLDER, SKIPPED, type TreeIndex } from "./tree-index.ts";

/** A file of an index: its path and its item. */
interface IndexedFile {
  readonly path: string;
  readonly item: number;
}

/** The files of an index, in order, without those that were skipped. */
export function* indexedFiles(index: TreeIndex): Generator<IndexedFile> {
  const folders = [{ prefix: "", end: index.count }];
  let [{ prefix, end } = { prefix: "", end: 0 }] = folders;
  for (let item = 0; item < index.count; item++) {
    while (item >= end) {
      folders.pop();
      ({ prefix, end } = folders.at(-1) ?? { prefix: "", end: index.count });
    }
    const name = index.nameOf(item);
    if (index.kinds[item] === FOLDER) {
      // The first item is the workspace itself, which has no name.
      prefix = item === 0 ? "" : `${prefix}${name}/`;
      end = index.after(item);
      folders.push({ prefix, end });
    } else if (index.kinds[item] === FILE && ((index.flags[item] ?? 0) & SKIPPED) === 0) {
      yield { path: prefix + name, item };
    }
  }
}

/** The files of an index as those of a manifest. */
export function* snapshotFiles(index: TreeIndex): Generator<Required<SnapshotFile>> {
  const times = new FileTimes();
  for (const { path, item } of indexedFiles(index)) {
    yield {
      path,
      sha256: index.sumOf(item),
      size: index.sizeOf(item),
      mtime: times.of(index.mtimeUsOf(item)),
      mode: modeText(index.aux[item] ?? 0),
    };
  }
}
