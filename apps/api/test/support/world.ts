import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type FileStore, fileStore } from "@holdfast/storage";
import { temporaryFolder } from "@holdfast/test-kit";
import { type ApiServer, type ServeOptions, serveApi } from "../../src/index.ts";

export const VERSION = "1.2.3-test";
export const TOKEN = "0123456789abcdef0123456789abcdef";

/** An event line as somebody would write it by hand. */
export function eventLine(number: number, more: Record<string, unknown> = {}): string {
  const event = {
    event_id: idOf(number),
    timestamp: timeOf(number),
    turn_number: Math.floor(number / 10),
    event_type: "ACTION",
    simulation_id: "sim",
    agent_id: `agent-${number % 3}`,
    details: { action_type: "invest", action_payload: { number } },
    ...more,
  };
  return `${JSON.stringify(event)}\n`;
}

/** So many lines with so many bytes of nothing each. */
export function bigEvents(count: number, bytes: number): string {
  return Array.from({ length: count }, (_, number) => eventLine(number, { note: "x".repeat(bytes) })).join(
    "",
  );
}

export function idOf(number: number): string {
  return `01KDZ0Q7E2${String(number).padStart(16, "0")}`;
}

export function timeOf(number: number): string {
  return `2026-01-02T03:04:05.${String(number).padStart(6, "0")}Z`;
}

/** A store in a folder of its own, and a way to put files there by hand. */
export interface World extends AsyncDisposable {
  readonly root: string;
  readonly store: FileStore;
  readonly write: (path: string, text: string) => void;
  readonly serve: (options?: Partial<ServeOptions>) => Promise<ApiServer>;
}

export function world(): World {
  const folder = temporaryFolder();
  const root = join(folder.path, "store");
  const store = fileStore(root);
  const servers: ApiServer[] = [];
  return {
    root,
    store,
    write(path, text) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    },
    async serve(options = {}) {
      const server = await serveApi({ store, version: VERSION, port: 0, ...options });
      servers.push(server);
      return server;
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers) await server.close({ graceMs: 0 });
      await store.close();
      folder[Symbol.dispose]();
    },
  };
}
