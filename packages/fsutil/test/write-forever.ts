// Replaces a file with growing numbers for as long as it lives.

import { writeSync } from "node:fs";
import { argv } from "node:process";
import { writeFileAtomic } from "../src/atomic-write.ts";

const [path = "", first = "1"] = argv.slice(2);
for (let round = Number(first); ; round++) {
  await writeFileAtomic(path, `${round} `.repeat(20_000));
  writeSync(1, `${round}\n`);
}
