import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, it } from "vitest";
import { Place } from "./support/command.ts";
import { writeScriptedWorkflow } from "./support/scripted-workflow.ts";

const BIN = fileURLToPath(new URL("../bin/holdfast.js", import.meta.url));

describe("the command, with a completed run in its store,", { timeout: 120_000 }, () => {
  let place: Place;
  let run: string;
  beforeAll(() => {
    place = new Place("commands");
    writeScriptedWorkflow(place.dir);
    const result = place.holdfast(["run", "workflow.yaml", "--json"]);
    assert.equal(result.status, 0, result.stderr);
    const document = JSON.parse(result.stdout);
    assert.equal(document.status, "completed");
    assert.equal(document.steps.length, 5);
    run = document.run_id;
    assert.match(run, /^run-\d{8}-\d{6}-[0-9a-f]{8}$/);
  });
  afterAll(() => place[Symbol.dispose]());

  const json = (...args: string[]) => {
    const { status, stdout, stderr } = place.holdfast([...args, "--json"]);
    assert.equal(status, 0, `${args.join(" ")}: ${stderr}`);
    return stdout
      .trim()
      .split("\n")
      .map((line) => line);
  };
  const document = (...args: string[]) => JSON.parse(json(...args).join("\n"));
  const items = (...args: string[]) => json(...args).map((line) => JSON.parse(line));

  it("runs lists it, and filters by kind and status", () => {
    assert.deepEqual(
      items("runs").map((state) => state.run_id),
      [run],
    );
    assert.equal(items("runs", "--kind", "workflow", "--status", "completed", "--limit", "1").length, 1);
    assert.equal(place.holdfast(["runs", "--json", "--status", "failed"]).stdout, "");
    assert.match(place.holdfast(["runs"]).stdout, new RegExp(run));
  });

  it("status and show tell its steps with their receipts", () => {
    const description = document("status", run);
    assert.deepEqual(
      description.steps.map((step: { action: string }) => step.action),
      ["implement", "review", "implement_changes", "review", "update_spec"],
    );
    assert.ok(
      description.steps.every(
        (step: { status: string; receipt?: string }) => step.status === "done" && step.receipt !== undefined,
      ),
    );
    const { stdout } = place.holdfast(["show", run]);
    for (const word of ["src/a.mjs", "docs/SPEC.md", "review.completed", "approved", "story"])
      assert.ok(stdout.includes(word), word);
    assert.ok(place.holdfast(["show", run, "--transcript"]).stdout.split("\n").length > 10);
  });

  it("ledger gives its messages, as they stand in the file, and filters them", () => {
    const lines = items("ledger", run);
    assert.deepEqual(
      lines,
      place.ledgerLines().map((line) => JSON.parse(line)),
    );
    assert.deepEqual(
      new Set(items("ledger", run, "--kind", "command").map((line) => line.kind)),
      new Set(["command"]),
    );
    assert.equal(items("ledger", run, "--terminal").length, 5);
    assert.equal(place.holdfast(["ledger", run, "--pending", "--json"]).stdout, "");
  });

  it("receipts gives the proofs of its steps", () => {
    assert.deepEqual(
      items("receipts", run).map((receipt) => receipt.step),
      [1, 2, 3, 4, 5],
    );
    assert.equal(place.holdfast(["receipts", run, "--task", "other", "--json"]).stdout, "");
  });

  it("snapshot takes, lists, shows, compares, verifies and restores", () => {
    const first = document("snapshot", "take", ".");
    assert.equal(first.files, 4);
    assert.ok(items("snapshot", "list").some((snapshot) => snapshot.snapshot_id === first.snapshot_id));
    assert.deepEqual(
      document("snapshot", "show", first.snapshot_id).files.map((file: { path: string }) => file.path),
      ["docs/SPEC.md", "src/a.mjs", "src/b.mjs", "src/start.mjs"],
    );
    writeFileSync(place.path("src", "c.mjs"), "export const c = 3;\n");
    const second = document("snapshot", "take", ".", "--manifest-only");
    rmSync(place.path("src", "c.mjs"));
    assert.deepEqual(
      document("snapshot", "diff", first.snapshot_id, second.snapshot_id).added.map(
        (file: { path: string }) => file.path,
      ),
      ["src/c.mjs"],
    );
    assert.equal(place.holdfast(["snapshot", "verify", first.snapshot_id, "."]).status, 0);
    assert.equal(place.holdfast(["snapshot", "verify", second.snapshot_id, "."]).status, 1);
    const restored = place.path("restored");
    assert.equal(place.holdfast(["snapshot", "restore", first.snapshot_id, restored]).status, 0);
    assert.equal(readFileSync(join(restored, "src", "a.mjs"), "utf8"), "export const a = 1;\n");
    writeFileSync(join(restored, "src", "a.mjs"), "mine\n");
    const refused = place.holdfast(["snapshot", "restore", first.snapshot_id, restored]);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /SNAPSHOT_CONFLICT: .*a\.mjs/);
    assert.equal(readFileSync(join(restored, "src", "a.mjs"), "utf8"), "mine\n");
    assert.equal(place.holdfast(["snapshot", "restore", first.snapshot_id, restored, "--force"]).status, 0);
    assert.equal(
      place.holdfast(["snapshot", "restore", second.snapshot_id, place.path("nothing")]).status,
      1,
    );
    assert.equal(existsSync(place.path("nothing")), false);
  });

  it("verify and repair say that all is well", () => {
    assert.equal(document("verify").ok, true);
    assert.equal(document("verify", run).runs, 1);
    assert.equal(document("repair", "--dry-run").left, 0);
  });

  it("ends with the status that the contract names", () => {
    const cases: [string[], number, RegExp][] = [
      [["status", "run-20200101-000000-00000000"], 3, /RUN_NOT_FOUND/],
      [["resume", "run-20200101-000000-00000000"], 3, /MISSING|NOT_FOUND/],
      [["ledger", "../../etc"], 3, /RUN|STORE_KEY/],
      [["snapshot", "show", "snap-000000000000"], 3, /SNAPSHOT_MISSING/],
      [["run", "no-such.yaml"], 3, /CONFIG_MISSING/],
      [["run", "workflow.yaml", "--task", "T-9"], 2, /T-1/],
      [["run"], 2, /USAGE: missing required argument/],
      [["runs", "--limit", "many"], 2, /USAGE: --limit takes a whole number/],
      [["snapshto"], 2, /USAGE: unknown command 'snapshto' .*snapshot/],
      [["status", "--frobnicate"], 2, /USAGE: unknown option/],
    ];
    for (const [args, status, pattern] of cases) {
      const result = place.holdfast(args);
      assert.equal(result.status, status, `${args.join(" ")}: ${result.stderr}`);
      assert.match(result.stderr, pattern);
      assert.equal(result.stderr.trimEnd().split("\n").length, 1, result.stderr);
      const asJson = place.holdfast([...args, "--json"]);
      assert.equal(asJson.status, status);
      assert.equal(asJson.stderr, "");
      const { error } = JSON.parse(asJson.stdout);
      assert.ok(error.code && error.message && error.details);
    }
  });

  it("ends quietly with 0 when its reader goes away", async () => {
    const child = spawn(
      "sh",
      ["-c", `"${process.execPath}" "${BIN}" ledger ${run} --json; echo "status $?" >&2`],
      { cwd: place.dir, stdio: ["ignore", "pipe", "pipe"] },
    );
    child.stdout.destroy();
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    await new Promise((resolve) => child.once("close", resolve));
    assert.equal(stderr, "status 0\n");
  });

  it.skipIf(!existsSync("/dev/full"))("says so, and ends with 1, when its result cannot be written", () => {
    for (const more of [[], ["--json"]]) {
      const full = openSync("/dev/full", "w");
      const { status, stderr } = spawnSync(process.execPath, [BIN, "runs", ...more], {
        cwd: place.dir,
        stdio: ["ignore", full, "pipe"],
        encoding: "utf8",
      });
      closeSync(full);
      assert.equal(status, 1, stderr);
      assert.match(stderr, /^holdfast: OUTPUT_FAILED: .*ENOSPC.*\n$/);
    }
  });

  it("shows an argument in an error on one line, whatever is in it", () => {
    for (const args of [
      ["status", "a\u001b[31m\nb\u202e"],
      ["runs", "--a\u001b[31m\nb\u202e"],
    ]) {
      const { stderr } = place.holdfast(args);
      assert.match(stderr, /^holdfast: [A-Z_]+: .*\\u001b\[31m\\nb\\u202e.*\n$/);
    }
  });

  it("writes everything into a slow pipe before it ends", () => {
    const slow = spawnSync(
      "sh",
      ["-c", `"${process.execPath}" "${BIN}" show ${run} --json | (sleep 1; cat)`],
      { cwd: place.dir, encoding: "utf8" },
    );
    assert.equal(JSON.parse(slow.stdout).state.run_id, run);
  });
});

describe("commands that need no run", { timeout: 120_000 }, () => {
  it("init makes a store and a config that runs as it is, and replaces nothing", () => {
    using place = new Place("init");
    assert.equal(place.holdfast(["init"]).status, 0);
    assert.ok(existsSync(place.path(".holdfast", "store.json")));
    const config = place.read("workflow.yaml");
    assert.match(config, /^#/);
    assert.equal(place.holdfast(["run", "workflow.yaml"]).status, 0);
    assert.equal(place.holdfast(["verify"]).status, 0);
    assert.equal(place.holdfast(["init"]).status, 2);
    assert.equal(place.read("workflow.yaml"), config);
    assert.equal(place.holdfast(["init", "elsewhere"]).status, 0);
    assert.ok(existsSync(place.path("elsewhere", ".holdfast", "store.json")));
  });

  it("reading a store that is not there says so and makes nothing", () => {
    using place = new Place("absent");
    for (const args of [["runs"], ["status"], ["verify"], ["snapshot", "list"], ["repair", "--dry-run"]]) {
      assert.equal(place.holdfast(args).status, 0, args.join(" "));
    }
    assert.deepEqual(readdirSync(place.dir), []);
  });

  it("refuses a folder that is something else as a store", () => {
    using place = new Place("foreign");
    mkdirSync(place.path("photos"));
    writeFileSync(place.path("photos", "cat.jpg"), "meow");
    writeScriptedWorkflow(place.dir);
    const result = place.holdfast(["--root", "photos", "run", "workflow.yaml"]);
    assert.equal(result.status, 2, result.stderr);
    assert.match(result.stderr, /STORE_NOT_A_STORE/);
    assert.deepEqual(readdirSync(place.path("photos")), ["cat.jpg"]);
  });

  it("names place, line and what is allowed in a bad config, before anything is created", () => {
    using place = new Place("config");
    const bad: [string, RegExp][] = [
      [
        "name: x\nagents: { builder: { cmd: [node] } }\ntasks: [{ id: T-1, gaol: x }]\n",
        /workflow\.yaml:3.*gaol.*goal/,
      ],
      [
        "name: x\nagents: { builder: { cmd: node } }\ntasks: [{ id: T-1, goal: x }]\n",
        /workflow\.yaml:2.*agents\.builder\.cmd/,
      ],
      ["name: [x\n", /CONFIG_SYNTAX.*workflow\.yaml:/],
      ["kind: simulation\nsimulation: { name: x }\n", /workflow\.yaml:.*engine: is missing/],
      [
        // oxlint-disable-next-line no-template-curly-in-string
        'name: x\nagents: { builder: { cmd: [node], env: { A: "${NO_SUCH_VARIABLE_HERE}" } } }\ntasks: [{ id: T-1, goal: x }]\n',
        /NO_SUCH_VARIABLE_HERE/,
      ],
      ["name: x\nagents: { builder: { cmd: [node] } }\ntasks: [{ id: ../T-1, goal: x }]\n", /tasks\[0\]\.id/],
    ];
    for (const [text, pattern] of bad) {
      writeFileSync(place.path("workflow.yaml"), text);
      const result = place.holdfast(["run", "workflow.yaml"]);
      assert.equal(result.status, 2, text);
      assert.match(result.stderr, pattern);
      assert.equal(existsSync(place.store), false);
    }
  });

  it("--root and HOLDFAST_ROOT name the store", () => {
    using place = new Place("root");
    writeScriptedWorkflow(place.dir);
    assert.equal(place.holdfast(["run", "workflow.yaml"], { env: { HOLDFAST_ROOT: "a" } }).status, 0);
    assert.equal(
      place.holdfast(["run", "workflow.yaml", "--root", "b"], { env: { HOLDFAST_ROOT: "a" } }).status,
      0,
    );
    assert.ok(existsSync(place.path("a", "store.json")));
    assert.ok(existsSync(place.path("b", "store.json")));
  });

  it("schemas writes one file a record, each a JSON Schema", () => {
    using place = new Place("schemas");
    assert.equal(place.holdfast(["schemas", "--out", "out"]).status, 0);
    const files = readdirSync(place.path("out")).toSorted();
    assert.deepEqual(files, readdirSync(join(import.meta.dirname, "../../../schemas/v1")).toSorted());
    for (const record of ["receipt", "checkpoint", "stream-event", "task", "job-manifest"])
      assert.ok(files.includes(`${record}.json`), record);
    for (const file of files) assert.match(JSON.parse(place.read("out", file)).$schema, /2020-12/);
    assert.ok(Object.keys(JSON.parse(place.holdfast(["schemas"]).stdout)).includes("receipt"));
  });

  it("doctor tries this machine, and leaves nothing behind", () => {
    using place = new Place("doctor");
    writeScriptedWorkflow(place.dir);
    const before = readdirSync(place.dir);
    const report = JSON.parse(place.holdfast(["doctor", "--json", "--config", "workflow.yaml"]).stdout);
    assert.equal(report.ok, true, JSON.stringify(report));
    assert.deepEqual(readdirSync(place.dir), before);
    const config = JSON.parse(place.read("workflow.yaml"));
    config.agents.builder.cmd = ["no-such-program-anywhere"];
    writeFileSync(place.path("workflow.yaml"), JSON.stringify(config));
    assert.equal(place.holdfast(["doctor", "--config", "workflow.yaml"]).status, 1);
  });

  it("completion prints a script for each shell, and completes", () => {
    using place = new Place("completion");
    for (const shell of ["bash", "zsh", "fish"])
      assert.match(place.holdfast(["completion", shell]).stdout, /holdfast/);
    assert.match(place.holdfast(["complete", "--", "snap"]).stdout, /snapshot/);
    assert.equal(place.holdfast(["completion", "tcsh"]).status, 2);
  });

  it("help lists every command, and --version prints the version", () => {
    using place = new Place("help");
    const { stdout, status } = place.holdfast(["--help"]);
    assert.equal(status, 0);
    for (const command of [
      "init",
      "run",
      "resume",
      "runs",
      "status",
      "show",
      "ledger",
      "receipts",
      "snapshot",
      "verify",
      "repair",
      "mock-agent",
      "agent",
      "schemas",
      "doctor",
      "completion",
    ]) {
      assert.match(stdout, new RegExp(`^ {2}${command}\\b`, "m"));
    }
    const manifest = JSON.parse(
      readFileSync(fileURLToPath(new URL("../package.json", import.meta.url)), "utf8"),
    );
    assert.equal(place.holdfast(["--version"]).stdout.trim(), manifest.version);
    assert.match(place.holdfast(["snapshot", "take", "--help"]).stdout, /--manifest-only[\s\S]*--json/);
    assert.equal(place.holdfast([]).status, 2);
  });

  it("agent exec makes any command an agent", () => {
    using place = new Place("exec");
    mkdirSync(place.path("src"));
    const config = {
      name: "exec",
      agents: {
        writer: {
          cmd: [
            "holdfast",
            "agent",
            "exec",
            "--",
            "sh",
            "-c",
            'printf "%s\\n" "$HOLDFAST_ACTION" > src/out.txt; chmod +x src/out.txt',
          ],
        },
        checker: {
          cmd: [
            "holdfast",
            "agent",
            "exec",
            "--completed",
            "check.done",
            "--",
            "grep",
            "-q",
            "write",
            "src/out.txt",
          ],
        },
      },
      flow: {
        start: "write",
        stages: {
          write: { agent: "writer", action: "write", on: { "write.completed": "check" } },
          check: { agent: "checker", action: "check", on: { "check.done": "done" } },
        },
      },
      tasks: [{ id: "T-1", goal: "write", expected_outputs: [{ path: "src/out.txt" }] }],
    };
    writeFileSync(place.path("workflow.yaml"), JSON.stringify(config));
    const result = place.holdfast(["run", "workflow.yaml"]);
    assert.equal(result.status, 0, result.stdout + result.stderr);
    assert.equal(place.read("src", "out.txt"), "write\n");
    assert.ok(statSync(place.path("src", "out.txt")).mode & 0o100);
    assert.equal(place.holdfast(["verify"]).status, 0);
    const terminal = place
      .holdfast(["ledger", place.run(), "--terminal", "--json"])
      .stdout.trim()
      .split("\n");
    assert.deepEqual(
      terminal.map((line) => JSON.parse(line).event),
      ["write.completed", "check.done"],
    );
    const receipts = place
      .holdfast(["receipts", place.run(), "--json"])
      .stdout.trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      receipts[0].artifacts.map((artifact: { path: string }) => artifact.path),
      ["src/out.txt"],
    );
  });
});
