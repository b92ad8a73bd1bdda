// A process that writes documents, lines and objects until something fails: write-store.ts STORE FIRST. Says what was acknowledged, and
// with which code it ended.
import { argv } from "node:process";
import { fileStore } from "@holdfast/storage";
import { say } from "./say.ts";

const [, , root = "", first = "1"] = argv;

if (root !== "") {
  const store = fileStore(root, { rotateBytes: 16_384 });
  try {
    for (let n = Number(first); ; n++) {
      const pad = "x".repeat((n * 37) % 900);
      await store.documents.put(`runs/r-${n % 5}/run`, { n, pad });
      say(`document ${n % 5} ${n}`);
      const texts = [`a-${n}`, `b-${n}`].map((id) => ({
        text: JSON.stringify({ message_id: id, pad }),
        dedupe: id,
      }));
      const { position } = await store.logs.append("runs/r/ledger", texts);
      say(`lines ${position} ${n}`);
      const { checksum } = await store.objects.put(Buffer.from(`${n} ${pad}`));
      say(`object ${checksum} ${n}`);
    }
  } catch (error) {
    say(`ended ${error instanceof Error && "code" in error ? String(error.code) : String(error)}`);
  }
  await store.close().catch((error: unknown) => say(`closing ${String(error)}`));
}
