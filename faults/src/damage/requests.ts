import { once } from "node:events";
import { connect } from "node:net";
import { type LogEntry, serveApi } from "@holdfast/api";
import { fileStore } from "@holdfast/storage";
import type { DamagedFile, PreparedFile } from "./damaged-file.ts";
import { completedRun, RUN } from "./scripted-run.ts";

const REQUESTS = [
  `GET /simulations/${RUN}/events?limit=10&offset=0&event_types=ACTION&turn_start=1 HTTP/1.1`,
  `GET /runs/${RUN}/ledger?kind=command&pending=false HTTP/1.1`,
  `GET /runs?kind=workflow&status=completed HTTP/1.1`,
  `GET /runs/${RUN}/receipts HTTP/1.1`,
  `GET /snapshots HTTP/1.1`,
] as const;

const PATIENCE_MS = 40;

/** All that a server says to some bytes, until it ends the connection. */
async function say(port: number, bytes: Buffer): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1" });
  const said: Buffer[] = [];
  // What is no whole request is not answered: then the client gives up.
  const patience = setTimeout(() => socket.end(), PATIENCE_MS);
  socket.on("data", (part: Buffer) => {
    said.push(part);
    patience.refresh();
  });
  socket.on("error", () => undefined);
  socket.write(bytes);
  await once(socket, "close");
  clearTimeout(patience);
  return Buffer.concat(said).toString("latin1");
}

function request(head: string): Buffer {
  return Buffer.from(`${head}\r\nHost: localhost\r\nAccept: application/json\r\nConnection: close\r\n\r\n`);
}

async function serve(folder: string, head: string): Promise<PreparedFile> {
  const store = fileStore(await completedRun(folder));
  const faults: LogEntry[] = [];
  const server = await serveApi({
    store,
    version: "0",
    port: 0,
    allowHosts: ["localhost"],
    log: (entry) => void (entry.level === "error" ? faults.push(entry) : undefined),
  });
  let bytes = request(head);
  return {
    whole: bytes,
    put(damaged) {
      bytes = damaged;
    },
    async read() {
      const answer = await say(server.port, bytes);
      const fault = faults.shift();
      if (fault !== undefined) throw new Error("the server had a fault", { cause: fault });
      const statuses = [...answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));
      if (statuses.some((status) => status >= 500)) throw new Error(`it answered ${answer.slice(0, 500)}`);
      const refused = statuses.find((status) => status >= 400);
      if (refused !== undefined) throw Object.assign(new Error(answer), { code: `HTTP_${refused}` });
      return answer.split("\r\n\r\n").slice(1).join("\n\n");
    },
    async close() {
      await server.close({ graceMs: 0 });
      await store.close();
    },
  };
}

/** What clients send. */
export const REQUEST_BYTES: readonly DamagedFile[] = REQUESTS.map((head) => ({
  name: `request ${head.split(/[ ?]/)[1]?.replace(RUN, "{id}")}`,
  promise: "an answer, or a refusal of 4xx; never 5xx, and no fault of the server",
  refusals: /^HTTP_4\d\d$/,
  otherValue: "another",
  prepare: (folder) => serve(folder, head),
}));
