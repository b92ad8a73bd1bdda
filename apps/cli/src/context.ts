import { resolve } from "node:path";
import { styleText } from "node:util";
import type { FileStore } from "@holdfast/storage";
import { EXIT } from "./failure.ts";
import type { openStore } from "./open-store.ts";
import type { Output } from "./output.ts";

/** Options of every command, as commander gives them. */
export interface GlobalOptions {
  readonly root?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly color?: boolean;
}

type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** What a command works with: where its store is, where its words go, and when to stop. */
export class Context implements AsyncDisposable {
  readonly root: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Results, and nothing else. */
  readonly out: Output;
  /** Progress, warnings, errors. */
  readonly err: Output;
  readonly #openStore: typeof openStore;
  readonly #color: boolean;
  #interruption: AbortController | undefined;
  #stopListening: () => void = () => {};
  #store: FileStore | undefined;

  constructor(
    options: GlobalOptions,
    streams: { readonly out: Output; readonly err: Output; readonly openStore: typeof openStore },
  ) {
    this.root = resolve(options.root ?? process.env["HOLDFAST_ROOT"] ?? ".holdfast");
    this.json = options.json === true;
    this.quiet = options.quiet === true;
    this.verbose = options.verbose === true;
    this.out = streams.out;
    this.err = streams.err;
    this.#openStore = streams.openStore;
    this.#color = options.color !== false && !process.env["NO_COLOR"];
  }

  /**
   * Aborts at the first Ctrl-C, SIGTERM or SIGHUP, with the signal's name as reason; the second one ends the process at
   * once. A command that never asks for it is ended by the first, as any program is.
   */
  get signal(): AbortSignal {
    if (this.#interruption === undefined) {
      this.#interruption = new AbortController();
      this.#stopListening = listenForSignals(this.#interruption);
    }
    return this.#interruption.signal;
  }

  /** Whether a signal asked this command to stop. */
  get interrupted(): boolean {
    return this.#interruption?.signal.aborted === true;
  }

  /** The store at `root`, opened when first asked for. */
  store(): FileStore {
    this.#store ??= this.#openStore(this.root, (text) => void this.warn(text));
    return this.#store;
  }

  /** One JSON document, or the text for a person. */
  async result(document: unknown, text: string): Promise<void> {
    await this.out.write(this.json ? `${JSON.stringify(document, null, 2)}\n` : text);
  }

  /** One item of a list: a line of NDJSON, or of text. False when nobody reads any more. */
  async item(document: unknown, text: string): Promise<boolean> {
    await this.out.line(this.json ? JSON.stringify(document) : text);
    return !this.out.closed;
  }

  /** A remark for a person, on stderr. */
  async note(text: string): Promise<void> {
    if (!this.quiet) await this.err.line(text);
  }

  async warn(text: string): Promise<void> {
    await this.err.line(`holdfast: warning: ${text}`);
  }

  /** Colours text where the stream it goes to is a terminal that wants colour. */
  style(style: Style, text: string, stream: Output = this.out): string {
    return this.#color && stream.isTerminal ? styleText(style, text, { validateStream: false }) : text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening();
    await this.#store?.close();
  }
}

function listenForSignals(interruption: AbortController): () => void {
  const handlers = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((name) => {
    const handler = (): void => {
      if (interruption.signal.aborted) process.exit(EXIT.interrupted);
      interruption.abort(name);
    };
    process.on(name, handler);
    return () => process.off(name, handler);
  });
  return () => {
    for (const remove of handlers) remove();
  };
}
