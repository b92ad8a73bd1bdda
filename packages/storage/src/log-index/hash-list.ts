import { NumberColumn } from "./number-column.ts";
import { hashOf, hashOfPlain } from "./segment.ts";
import { TextRange } from "./text-range.ts";

/** Hashes of ids or causes, and the lines they are in. */
export class HashList {
  readonly hashes = new NumberColumn(Uint32Array);
  readonly lines = new NumberColumn(Uint16Array);
  readonly range = new TextRange();

  add(id: string, line: number): void {
    this.hashes.push(hashOf(id));
    this.lines.push(line);
    this.range.addText(id);
  }

  /** Adds an id that stands in some bytes, all of them ASCII. */
  addPlain(bytes: Buffer, start: number, end: number, line: number): void {
    this.hashes.push(hashOfPlain(bytes, start, end));
    this.lines.push(line);
    this.range.addPlain(bytes, start, end);
  }

  linesOf(id: string): readonly number[] {
    const hash = hashOf(id);
    const hashes = this.hashes.values();
    const found: number[] = [];
    for (let at = hashes.indexOf(hash); at !== -1; at = hashes.indexOf(hash, at + 1)) {
      const line = this.lines.at(at);
      if (line !== undefined) found.push(line);
    }
    return found;
  }

  clear(): void {
    this.hashes.clear();
    this.lines.clear();
    this.range.clear();
  }
}
