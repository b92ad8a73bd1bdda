import { readFileSync } from "node:fs";
import { writeFileAtomic } from "@holdfast/fsutil";

const START = "<!-- tried -->";
const END = "<!-- /tried -->";

/** Replaces what stands between the marks of a page. */
export async function writePage(page: string, seen: string): Promise<void> {
  const text = readFileSync(page, "utf8");
  const [before, after] = [text.indexOf(START), text.indexOf(END)];
  if (before < 0 || after < before)
    throw new Error(`Cannot write "${page}": it lacks the place for the tables: ${START} ... ${END}`);
  await writeFileAtomic(page, `${text.slice(0, before + START.length)}\n\n${seen}\n\n${text.slice(after)}`, {
    mode: 0o644,
  });
}
