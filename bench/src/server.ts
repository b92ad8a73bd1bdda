import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { createInterface } from "node:readline";
import { type Benchmark, type BenchmarkRow, compareInTurn, environment, pairedRatio } from "./harness.ts";

const CONNECTIONS = 16;
const GOAL = 0.6;
const MOST_MB = 150;

/** A store with one stream of so many events, as somebody would have written it. */
function writeStore(root: string, events: number): void {
  mkdirSync(join(root, "runs", "sim"), { recursive: true });
  const lines = Array.from({ length: events }, (_, number) =>
    JSON.stringify({
      event_id: `01KDZ0Q7E2${String(number).padStart(16, "0")}`,
      timestamp: new Date(Date.UTC(2026, 0, 2) + number).toISOString().replace("Z", "000Z"),
      turn_number: Math.floor(number / 100),
      event_type: ["DECISION", "ACTION", "STATE", "DETAIL"][number % 4],
      simulation_id: "sim",
      agent_id: `agent-${number % 10}`,
      description: `what agent ${number % 10} did in turn ${Math.floor(number / 100)}`,
      details: {
        decision_type: "invest",
        action_type: "invest",
        action_payload: { number },
        variable_name: "strength",
        old_value: number,
        new_value: number + 1,
        calculation_type: "interest",
        intermediate_values: [number],
      },
    }),
  );
  writeFileSync(join(root, "runs", "sim", "events.jsonl"), `${lines.join("\n")}\n`);
}

/** A server in a process of its own, on one core. */
class ServerProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #sockets: readonly Socket[] = [];
  #port = 0;
  #answerBytes = 0;

  /** @param program - The arguments of Node. It prints its port, or a URL that ends with it, when it listens. */
  constructor(program: readonly string[]) {
    const node = [execPath, ...program];
    const [command = execPath, ...rest] = hasTaskset() ? ["taskset", "-c", "0", ...node] : node;
    this.#child = spawn(command, rest, { stdio: ["pipe", "pipe", "ignore"] });
    if (this.#child.stdout === null) throw new TypeError("The process has no output");
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async start(): Promise<void> {
    this.#port = Number(/(\d+)\/?$/.exec(await this.#line())?.[1]);
    await this.connect();
  }

  /** Opens connections anew: the servers end those that were idle while the others had their turn. */
  async connect(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets = Array.from({ length: CONNECTIONS }, () => connect(this.#port, "127.0.0.1"));
    await Promise.all(this.#sockets.map((socket) => once(socket, "connect")));
  }

  get target(): string {
    return `http://127.0.0.1:${this.#port}/simulations/sim/events?limit=50`;
  }

  async answer(): Promise<unknown> {
    return (await fetch(this.target)).json();
  }

  /** Sends so many requests, each connection the next one when it has the answer to the last. */
  async load(requests: number): Promise<void> {
    const request = `GET /simulations/sim/events?limit=50 HTTP/1.1\r\nHost: 127.0.0.1:${this.#port}\r\n\r\n`;
    if (this.#answerBytes === 0) this.#answerBytes = await this.#measure(request);
    let left = requests;
    await Promise.all(
      this.#sockets.map(
        (socket) =>
          new Promise<void>((resolve, reject) => {
            let missing = 0;
            const lost = (): void => reject(new Error("The server ended a connection"));
            const next = (): void => {
              if (left === 0) {
                socket.off("data", take).off("close", lost);
                resolve();
                return;
              }
              left -= 1;
              missing = this.#answerBytes;
              socket.write(request);
            };
            const take = (part: Buffer): void => {
              missing -= part.length;
              if (missing < 0) throw new Error("The answers do not all have the same length");
              if (missing === 0) next();
            };
            socket.on("data", take).once("close", lost);
            next();
          }),
      ),
    );
  }

  /** Resident memory at its largest, in MiB; `undefined` where the system does not tell. */
  memory(): number | undefined {
    const status = `/proc/${this.#child.pid}/status`;
    const kib = existsSync(status) ? /VmHWM:\s+(\d+)/.exec(readFileSync(status, "utf8"))?.[1] : undefined;
    return kib === undefined ? undefined : Number(kib) / 1_024;
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#child.kill("SIGKILL");
  }

  async #measure(request: string): Promise<number> {
    const [socket] = this.#sockets;
    if (socket === undefined) throw new TypeError("There is no connection");
    socket.write(request);
    let bytes = 0;
    return new Promise((resolve) => {
      const take = (part: Buffer): void => {
        bytes += part.length;
        clearTimeout(timer);
        timer = setTimeout(done, 300);
      };
      const done = (): void => {
        socket.off("data", take);
        resolve(bytes);
      };
      let timer = setTimeout(done, 5_000);
      socket.on("data", take);
    });
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("The server has ended");
    return value;
  }
}

function hasTaskset(): boolean {
  try {
    execFileSync("taskset", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const SUBJECTS = [
  { kind: "limit", name: "limit", subject: "node:http, the search, JSON.stringify" },
  { kind: "ours", name: "ours", subject: "serveApi" },
  { kind: "peer", name: "fastify", subject: "fastify, the search" },
  { kind: "limit", name: "held", subject: "node:http, JSON.stringify of a page that is held" },
] as const;

async function compare(source: "files" | "memory", root: string, requests: number): Promise<BenchmarkRow[]> {
  const job = `a page of 50 events, ${source === "files" ? "from the files" : "from a search that costs nothing"}`;
  const program = join(import.meta.dirname, "server", "process.ts");
  const servers = SUBJECTS.map(
    ({ name }) => new ServerProcess(["--conditions=holdfast-source", program, name, source, root]),
  );
  try {
    for (const server of servers) await server.start();
    const measured = await compareInTurn(
      SUBJECTS.map(({ subject, kind }, index) => ({
        subject,
        kind,
        before: () => servers[index]?.connect(),
        run: () => servers[index]?.load(requests),
        result: () => servers[index]?.answer(),
      })),
      { rounds: 7, warmup: 2 },
    );
    const [limit] = measured;
    if (limit === undefined) throw new TypeError("The limit is part of every run");
    return measured.map((one): BenchmarkRow => {
      const ratio = pairedRatio(limit, one);
      const median = (requests / one.median) * 1_000;
      const row = { job, subject: one.subject, kind: one.kind, median, unit: "requests/s", ratio };
      return one.kind === "ours"
        ? { ...row, goal: `at least ${GOAL} of the limit`, met: ratio >= GOAL }
        : row;
    });
  } finally {
    for (const server of servers) server.stop();
  }
}

/** How large the command becomes that serves the files and nothing else, as it is installed: built, without a compiler in it. */
async function memoryOfCommand(root: string, requests: number): Promise<BenchmarkRow[]> {
  const command = join(import.meta.dirname, "..", "..", "apps", "cli");
  if (!existsSync(join(command, "dist", "main.js"))) return [];
  const server = new ServerProcess([
    join(command, "bin", "holdfast.js"),
    "--root",
    root,
    "serve",
    "--port",
    "0",
  ]);
  try {
    await server.start();
    await server.load(requests);
    const median = server.memory();
    if (median === undefined) return [];
    return [
      {
        job: `${requests} pages of 50 events from the files, memory`,
        subject: "holdfast serve",
        kind: "ours",
        median,
        unit: "MiB resident",
        goal: `under ${MOST_MB} MB`,
        met: median * 1.048576 < MOST_MB,
      },
    ];
  } finally {
    server.stop();
  }
}

export const benchmark: Benchmark = {
  name: "server",
  async run({ quick }) {
    const root = await mkdtemp(join(tmpdir(), "holdfast-bench-server-"));
    try {
      writeStore(root, quick ? 1_000 : 100_000);
      const requests = quick ? 100 : 500;
      const rows = [
        ...(await compare("files", root, requests)),
        ...(await compare("memory", root, requests)),
        ...(await memoryOfCommand(root, 10 * requests)),
      ];
      return { name: "server", rows, environment: environment() };
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  },
};
