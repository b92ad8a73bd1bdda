import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A client that says exactly what it is told, over a socket. */
export interface RawClient extends Disposable {
  readonly socket: Socket;
  send(text: string | Buffer): Promise<void>;
  /** What the server said so far. */
  readonly received: () => string;
  /** Resolves when the server has said something that matches. */
  until(pattern: RegExp, waitMs?: number): Promise<string>;
  /** Resolves with everything, when the server ended the connection. */
  ended(waitMs?: number): Promise<string>;
}

export async function rawClient(port: number): Promise<RawClient> {
  const socket = connect({ port, host: "127.0.0.1" });
  let text = "";
  let over = false;
  socket.setEncoding("latin1").on("data", (part: string) => {
    text += part;
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    over = true;
  });
  await once(socket, "connect");
  const wait = async (done: () => boolean, waitMs: number): Promise<string> => {
    const end = performance.now() + waitMs;
    while (!done()) {
      if (performance.now() > end)
        throw new Error(`The server said ${JSON.stringify(text.slice(0, 500))} and no more`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return text;
  };
  return {
    socket,
    received: () => text,
    async send(data) {
      await new Promise<void>((resolve) => socket.write(data, () => resolve()));
    },
    until: (pattern, waitMs = 30_000) => wait(() => pattern.test(text), waitMs),
    ended: (waitMs = 30_000) => wait(() => over, waitMs),
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** Sends a text and gives everything the server said until it ended the connection. */
export async function say(port: number, text: string | Buffer, waitMs?: number): Promise<string> {
  using client = await rawClient(port);
  await client.send(text);
  return await client.ended(waitMs);
}

/** Status and problem code of what a server said. */
export function problemOf(answer: string): { readonly status: number; readonly code: string | undefined } {
  const [head = "", body = ""] = answer.split("\r\n\r\n");
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]);
  if (!/content-type: application\/problem\+json/i.test(head)) return { status, code: undefined };
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
  return { status, code: (JSON.parse(body.slice(0, length)) as { code: string }).code };
}
