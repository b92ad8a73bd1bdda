import { type FileStore, fileStore } from "@holdfast/storage";

/** Opens the store of a command. A file of its own: help and usage errors need no store, and its code is most of what a command loads. */
export function openStore(root: string, onWarning: (text: string) => void): FileStore {
  return fileStore(root, {
    onRepair: ({ path, line, length, reason, corruptPath }) =>
      onWarning(
        `repaired ${path}:${line}: its last ${length} bytes were torn (${reason}) and are in ${corruptPath}; nothing acknowledged was lost`,
      ),
  });
}
