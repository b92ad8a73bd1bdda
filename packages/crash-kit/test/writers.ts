import { dirname } from "node:path";
import type { FileSystem } from "@holdfast/fsutil";

/** The mistakes that programs make when they replace a file. */
export type ReplaceMistake =
  | "no file sync"
  | "no folder sync"
  | "in place"
  | "short count ignored"
  | "sync retried"
  | "rename before sync";

/** Replaces a file by way of a temporary one, with a mistake in it, or none. */
export function replaceFile(fs: FileSystem, path: string, text: string, mistake?: ReplaceMistake): void {
  const data = Buffer.from(text);
  const temporary = mistake === "in place" ? path : `${path}.tmp`;
  if (mistake !== "in place" && fs.lstatSync(temporary) !== undefined) fs.unlinkSync(temporary);
  const isThere = fs.lstatSync(temporary) !== undefined;
  const file = fs.openSync(temporary, isThere ? "update" : "create");
  try {
    if (isThere) file.truncateSync(0);
    let at = 0;
    while (at < data.length) {
      at += file.writeSync(data.subarray(at), at);
      if (mistake === "short count ignored") break;
    }
    if (mistake === "rename before sync") fs.renameSync(temporary, path);
    if (mistake !== "no file sync") {
      try {
        file.syncSync("full");
      } catch (error) {
        if (mistake !== "sync retried") throw error;
        file.syncSync("full");
      }
    }
  } finally {
    file.closeSync();
  }
  if (mistake !== "in place" && mistake !== "rename before sync") fs.renameSync(temporary, path);
  if (mistake !== "no folder sync") fs.syncDirectorySync(dirname(path));
}

/** The mistakes that programs make with a log of lines. */
export type LogMistake = "no sync" | "no tail repair" | "rotation not synced" | "name not synced";

const read = (fs: FileSystem, path: string): string => {
  if (fs.lstatSync(path) === undefined) return "";
  const file = fs.openSync(path, "read");
  try {
    const bytes = Buffer.alloc(file.statSync().size);
    file.readSync(bytes, 0);
    return bytes.toString("latin1");
  } finally {
    file.closeSync();
  }
};

/** A log of lines in two files that rotates when its current one has two lines. */
export class SmallLog {
  readonly #fs: FileSystem;
  readonly #mistake: LogMistake | undefined;
  #lines = 0;

  constructor(fs: FileSystem, mistake?: LogMistake) {
    this.#fs = fs;
    this.#mistake = mistake;
  }

  append(line: string): void {
    const fs = this.#fs;
    if (this.#lines === 2) {
      fs.renameSync("/log", "/log.1");
      if (this.#mistake !== "rotation not synced") fs.syncDirectorySync("/");
      this.#lines = 0;
    }
    const isNew = fs.lstatSync("/log") === undefined;
    const file = fs.openSync("/log", "append");
    try {
      const bytes = Buffer.from(`${line}\n`);
      if (file.writeSync(bytes, 0) < bytes.length) throw new Error("short write");
      if (this.#mistake !== "no sync") file.syncSync("data");
    } finally {
      file.closeSync();
    }
    const isLast = this.#mistake === "rotation not synced" && fs.lstatSync("/log.1") !== undefined;
    if (isNew && this.#mistake !== "name not synced" && !isLast) fs.syncDirectorySync("/");
    this.#lines += 1;
  }

  /** What a program does first: cuts a torn tail, and gives the whole lines. Then it appends one more. */
  open(): string[] {
    const fs = this.#fs;
    const current = read(fs, "/log");
    const end = current.lastIndexOf("\n") + 1;
    if (end < current.length && this.#mistake !== "no tail repair") {
      const file = fs.openSync("/log", "update");
      file.truncateSync(end);
      file.syncSync("full");
      file.closeSync();
    }
    return [...read(fs, "/log.1").split("\n"), ...read(fs, "/log").split("\n")].filter((line) => line !== "");
  }
}
