// One of the servers that are compared, in a process of its own. Prints its port.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { argv, stdout } from "node:process";
import { serveApi } from "@holdfast/api";
import { type EventPage, eventLog } from "@holdfast/events";
import { fileStore, memoryStore, type Store } from "@holdfast/storage";
import fastify from "fastify";

const [, , kind, source, root = ""] = argv;
const LIMIT = 50;

/** A store whose searches cost nothing: what is left is the server. */
async function storeInMemory(): Promise<Store> {
  const files = fileStore(root);
  const items = (await files.logs.find("runs/sim/events", {}, { limit: LIMIT })).items;
  await files.close();
  const store = memoryStore();
  const found = { items, asOf: 1_000, damaged: 0, cursor: "next" };
  return {
    ...store,
    documents: store.documents,
    logs: {
      ...store.logs,
      find: async () => found,
      count: async () => ({ count: 1_000, asOf: 1_000, damaged: 0 }),
    },
  };
}

function answerOf({ events, total, has_more, next_cursor }: EventPage): unknown {
  return { events, total, has_more, next_cursor };
}

async function listen(store: Store): Promise<number> {
  const log = eventLog(store, "sim");
  const page = async (): Promise<unknown> => answerOf(await log.query({ limit: LIMIT }));
  if (kind === "ours") return (await serveApi({ store, version: "0", port: 0 })).port;
  if (kind === "fastify") {
    const app = fastify();
    app.get("/simulations/:id/events", page);
    await app.listen({ port: 0, host: "127.0.0.1" });
    return (app.server.address() as AddressInfo).port;
  }
  const held = await page();
  const server = createServer((_, response) => {
    const send = (value: unknown): void => {
      const text = JSON.stringify(value);
      response.writeHead(200, {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(text),
      });
      response.end(text);
    };
    if (kind === "held") send(held);
    else void page().then(send);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

const store = source === "memory" ? await storeInMemory() : fileStore(root);
stdout.write(`${await listen(store)}\n`);
