// Replaces a file again and again, saying which content was acknowledged; dies by SIGKILL at the n-th call.

import { writeSync } from "node:fs";
import { argv, kill, pid } from "node:process";
import { faultyFileSystem } from "../src/faults.ts";
import { nodeFileSystem, writeFileAtomic, writeFileAtomicSync } from "../src/index.ts";

const [path = "", at = "", way = ""] = argv.slice(2);
const disk = faultyFileSystem(nodeFileSystem, {
  beforeCall: ({ number }) => {
    if (number === Number(at)) kill(pid, "SIGKILL");
  },
});
for (let round = 1; round <= 2; round++) {
  const content = `${round} `.repeat(50_000);
  if (way === "sync") writeFileAtomicSync(path, content, { fileSystem: disk });
  else await writeFileAtomic(path, content, { fileSystem: disk });
  writeSync(1, `${round}\n`);
}
writeSync(1, "clean\n");
