import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** The connections of a server, and which of them wait for an answer. */
export class Connections {
  readonly #open = new Map<Socket, number>();
  readonly #onSlow: () => void;

  /**
   * @param idleMs - A connection that does not move for so long is ended: one that is sent what it does not take, and one that has
   *   asked nothing. One that waits for its answer is left alone.
   * @param onSlow - Told of each client that did not take its answer.
   */
  constructor(server: Server, options: { readonly idleMs: number; readonly onSlow: () => void }) {
    this.#onSlow = options.onSlow;
    server.timeout = options.idleMs;
    server.on("connection", (socket) => {
      this.#open.set(socket, 0);
      socket.once("close", () => this.#open.delete(socket));
    });
    server.on("timeout", (socket) => this.#idle(socket));
  }

  get size(): number {
    return this.#open.size;
  }

  /** A request came over a connection; it counts until its answer was taken. */
  answering(socket: Socket, response: ServerResponse): void {
    const add = (number: number): void => {
      const count = this.#open.get(socket);
      if (count !== undefined) this.#open.set(socket, count + number);
    };
    add(1);
    response.once("close", () => add(-1));
  }

  /** Ends the connections that wait for no answer. */
  endIdle(): void {
    for (const [socket, answers] of this.#open) if (answers === 0) socket.destroySoon();
  }

  /** Ends them all. */
  endAll(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }

  #idle(socket: Socket): void {
    const isWaiting = (this.#open.get(socket) ?? 0) > 0;
    if (isWaiting && socket.writableLength === 0) return;
    if (isWaiting) this.#onSlow();
    socket.destroy();
  }
}
