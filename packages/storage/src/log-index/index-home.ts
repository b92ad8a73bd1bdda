import type { FileSystem } from "@holdfast/fsutil";
import { IndexDatabase, remedyFor, removeDatabase, StaleIndexError } from "./index-database.ts";

/** Where an index is kept: in a file of its own, or, where that cannot be written, in a private temporary database. */
export class IndexHome {
  readonly #path: string | undefined;
  readonly #fileSystem: FileSystem;
  /** Whether the index is in a private database, because it cannot be written where it belongs. */
  isPrivate = false;

  constructor(path: string | undefined, fileSystem: FileSystem) {
    this.#path = path;
    this.#fileSystem = fileSystem;
  }

  /** Whether there is a file to be opened. */
  isMade(): boolean {
    return (
      !this.isPrivate && this.#path !== undefined && this.#fileSystem.lstatSync(this.#path) !== undefined
    );
  }

  /** Opens the database; makes it when it is not there. @throws {StaleIndexError} When it has to be made anew, and errors of SQLite that pass. */
  open(): IndexDatabase {
    if (!this.isPrivate && this.#path !== undefined) {
      try {
        return new IndexDatabase(this.#path, this.#fileSystem);
      } catch (error) {
        const remedy = remedyFor(error);
        if (error instanceof StaleIndexError || remedy === "wait" || remedy === "anew") throw error;
        this.isPrivate = true; // not ours to write, or no room
      }
    }
    return new IndexDatabase(undefined, this.#fileSystem);
  }

  /** Removes the file, so that it is made anew. */
  remove(): void {
    if (this.isPrivate || this.#path === undefined) return;
    try {
      removeDatabase(this.#path, this.#fileSystem);
    } catch {
      this.isPrivate = true;
    }
  }
}
