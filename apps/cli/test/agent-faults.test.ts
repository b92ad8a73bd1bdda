import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { checkLedger } from "./support/invariants.ts";
import { type Scripted, writeScriptedWorkflow } from "./support/scripted-workflow.ts";

interface Line {
  readonly kind: string;
  readonly event?: string;
  readonly level?: string;
  readonly message?: string;
  readonly action?: string;
  readonly correlation_id?: string;
  readonly payload?: { readonly code?: string };
}

const linesOf = (place: Place): Line[] => place.ledgerLines().map((line) => JSON.parse(line) as Line);

/** Runs the scripted workflow with something wrong in it. */
function runWith(place: Place, scripted: Scripted) {
  writeScriptedWorkflow(place.dir, scripted);
  const result = place.holdfast(["run", "workflow.yaml"]);
  checkLedger([], place.ledgerLines());
  return { ...result, lines: linesOf(place) };
}

const completed = { type: "builder.completed", status: "success" };
const produce = {
  type: "artifact.produced",
  artifacts: [{ path: "src/a.mjs", content: "export const a = 1;\n" }],
};
/** The first time as given, then well. */
const firstTime = (response: Record<string, unknown>) => ({
  implement: { events: [produce, completed], ...response },
});

describe("an agent that fails", { timeout: 300_000 }, () => {
  it("is asked again after it crashed before its answer, and the run fails once no attempt is left", () => {
    using place = new Place("crash");
    const { status, lines, stdout } = runWith(place, {
      responses: firstTime({ crash: { after_events: 0, exit_code: 3 } }),
    });
    assert.equal(status, 1);
    const commands = lines.filter((line) => line.kind === "command");
    assert.equal(commands.length, 3);
    assert.equal(new Set(commands.map((line) => line.correlation_id)).size, 1);
    assert.match(stdout, /failed/);
    assert.equal(place.holdfast(["verify"]).status, 0);
    // Mended, the same run goes on.
    writeScriptedWorkflow(place.dir);
    assert.equal(place.holdfast(["resume", place.run()]).status, 0);
  });

  it("loses nothing when it crashes after its answer", () => {
    using place = new Place("crash-after");
    const { status, lines } = runWith(place, {
      responses: firstTime({ crash: { after_events: 2, exit_code: 9 } }),
    });
    assert.equal(status, 0);
    assert.equal(lines.filter((line) => line.action === "implement").length, 1);
  });

  it("is ended and asked again when it takes longer than its action may", () => {
    using place = new Place("hang");
    const { status, lines } = runWith(place, {
      responses: firstTime({ hang: true }),
      agents: { builder: { timeouts_s: { implement: 0.5 } } },
    });
    assert.equal(status, 1);
    assert.equal(lines.filter((line) => line.action === "implement").length, 3);
    assert.ok(lines.some((line) => line.event === "error" && line.payload?.code === "AGENT_TIMEOUT"));
  });

  it("is ended when its heartbeats stay away", () => {
    using place = new Place("heartbeat");
    const { status, lines } = runWith(place, {
      responses: firstTime({ hang: true }),
      flags: { builder: ["--no-heartbeat"] },
      agents: { builder: { heartbeat_interval_s: 0.2 } },
    });
    assert.equal(status, 1);
    assert.ok(lines.some((line) => line.event === "error" && line.payload?.code === "AGENT_HEARTBEAT"));
  });

  it("may write garbage: it is recorded and the run goes on", () => {
    using place = new Place("garbage");
    const { status, lines } = runWith(place, {
      responses: firstTime({ garbage: "{not json \u0000\u001b[31m" }),
    });
    assert.equal(status, 0);
    assert.ok(lines.some((line) => line.kind === "log" && line.level === "error"));
  });

  it("may write a line of megabytes: it is recorded, not kept, and the run goes on", () => {
    using place = new Place("oversized");
    const { status, lines } = runWith(place, { responses: firstTime({ oversized_bytes: 5_000_000 }) });
    assert.equal(status, 0);
    assert.ok(lines.some((line) => line.kind === "log" && line.level === "error"));
    assert.ok(statSync(place.ledgerPath()).size < 1_000_000);
  });

  it("may repeat its answer: it is recorded once", () => {
    using place = new Place("duplicate");
    const { status, lines } = runWith(place, { responses: firstTime({ duplicate: true }) });
    assert.equal(status, 0);
    const first = lines.findIndex((line) => line.action === "implement");
    const correlation = lines[first]?.correlation_id;
    assert.equal(
      lines.filter((line) => line.event === "builder.completed" && line.correlation_id === correlation)
        .length,
      1,
    );
  });

  it("settles nothing under a wrong correlation id", () => {
    using place = new Place("correlation");
    const { status, lines } = runWith(place, { flags: { builder: ["--wrong-correlation"] } });
    assert.equal(status, 0);
    assert.ok(lines.some((line) => line.kind === "log" && /correlation/.test(line.message ?? "")));
  });

  it("fails the run at once when its program is not there, and says which", () => {
    using place = new Place("spawn");
    const { status, stdout, stderr } = runWith(place, {
      agents: { builder: { cmd: ["no-such-program-anywhere"] } },
    });
    assert.equal(status, 1);
    assert.match(stdout + stderr, /no-such-program-anywhere/);
  });

  it("sees its answer refused when an artifact is outside the workspace, and nothing outside is read", () => {
    for (const path of ["../outside.txt", "/etc/hostname", "src/link/secret.txt", "src/\u0000.txt"]) {
      using place = new Place("escape");
      mkdirSync(place.path("elsewhere"));
      mkdirSync(place.path("workspace", "src"), { recursive: true });
      writeFileSync(place.path("elsewhere", "secret.txt"), "secret");
      symlinkSync(place.path("elsewhere"), place.path("workspace", "src", "link"));
      const event = {
        type: "builder.completed",
        status: "success",
        artifacts: [{ path, sha256: `sha256:${"0".repeat(64)}`, size: 6 }],
      };
      writeScriptedWorkflow(place.dir, { responses: { implement: { events: [event] } } });
      const config = JSON.parse(place.read("workflow.yaml"));
      config.workspace = "workspace";
      writeFileSync(place.path("workflow.yaml"), JSON.stringify(config));
      const { status } = place.holdfast(["run", "workflow.yaml"]);
      assert.equal(status, 1, path);
      assert.equal(existsSync(join(place.store, "runs", place.run(), "receipts")), false, path);
    }
  });

  it("may answer with a message of exactly 256 KiB, and no byte more", () => {
    for (const [bytes, expected] of [
      [262_144, 0],
      [262_145, 1],
    ] as const) {
      using place = new Place("limit");
      writeScriptedWorkflow(place.dir, {
        policy: { retry: { max_attempts: 1 } },
        agents: {
          builder: { timeouts_s: { implement: 2 }, cmd: [process.execPath, "sized.mjs", String(bytes)] },
        },
      });
      writeFileSync(
        place.path("sized.mjs"),
        `
        import { createInterface } from "node:readline";
        for await (const line of createInterface({ input: process.stdin })) {
          const command = JSON.parse(line);
          const event = (pad) => JSON.stringify({ kind: "event", message_id: "m-" + command.message_id, correlation_id: command.correlation_id,
            task_id: command.task_id, from: { agent_type: "builder" }, event: "builder.completed", status: "success",
            payload: { pad }, artifacts: [], occurred_at: new Date().toISOString() });
          const size = Number(process.argv[2]) - 1 - Buffer.byteLength(event(""));
          process.stdout.write(event("\u00e9".repeat(1000) + "x".repeat(size - 2000)) + "\\n");
        }`,
      );
      const config = JSON.parse(place.read("workflow.yaml"));
      delete config.tasks[0].expected_outputs;
      delete config.agents.reviewer;
      delete config.agents.spec_maintainer;
      writeFileSync(place.path("workflow.yaml"), JSON.stringify(config));
      const result = place.holdfast(["run", "workflow.yaml"]);
      assert.equal(result.status, expected, result.stderr);
      assert.equal(place.holdfast(["verify"]).status, 0);
    }
  });
});

describe("secrets", () => {
  it("in the environment and in the config never reach anything that is kept", () => {
    using place = new Place("secret");
    const secret = 's3cr3t/+value"with quotes';
    writeScriptedWorkflow(place.dir, {
      agents: {
        builder: { cmd: [process.execPath, "leaky.mjs"], env: { MY_API_KEY: "from-the-config-9876" } },
      },
    });
    writeFileSync(
      place.path("leaky.mjs"),
      `
      import { createInterface } from "node:readline";
      for await (const line of createInterface({ input: process.stdin })) {
        const command = JSON.parse(line);
        const { SOME_TOKEN, MY_API_KEY } = process.env;
        process.stderr.write("using " + SOME_TOKEN + " and " + MY_API_KEY + "\\n");
        process.stdout.write("garbage " + SOME_TOKEN + "\\n");
        const say = (message) => process.stdout.write(JSON.stringify(message) + "\\n");
        say({ kind: "log", level: "info", message: "token " + SOME_TOKEN, fields: { [SOME_TOKEN]: [MY_API_KEY] }, timestamp: new Date().toISOString() });
        say({ kind: "event", message_id: "m" + command.message_id, correlation_id: command.correlation_id, task_id: command.task_id,
          from: { agent_type: "builder" }, event: "builder.completed", status: "success", payload: { said: SOME_TOKEN + MY_API_KEY },
          artifacts: [], occurred_at: new Date().toISOString() });
      }`,
    );
    const config = JSON.parse(place.read("workflow.yaml"));
    config.tasks[0].goal = `call it with ${secret}`;
    delete config.tasks[0].expected_outputs;
    writeFileSync(place.path("workflow.yaml"), JSON.stringify(config));
    const result = place.holdfast(["run", "workflow.yaml"], { env: { SOME_TOKEN: secret } });
    assert.equal(result.status, 0, result.stderr);
    const escaped = JSON.stringify(secret).slice(1, -1);
    for (const file of readdirSync(place.store, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      const path = join(file.parentPath, file.name);
      // Snapshot objects are the user's own files; none of those holds the secret here.
      const text = readFileSync(path, "latin1");
      for (const form of [secret, escaped, "from-the-config-9876", Buffer.from(secret).toString("base64")]) {
        assert.ok(!text.includes(form), `${path} holds a secret`);
      }
    }
    for (const form of [secret, escaped, "from-the-config-9876"])
      assert.ok(!(result.stdout + result.stderr).includes(form));
  });
});
