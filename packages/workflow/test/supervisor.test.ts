import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, it } from "vitest";
import { isRunning, Supervised, scriptCmd } from "./supervised.ts";

const COMPLETE = 'event("builder.completed", { status: "success" });';

describe.concurrent("agentSupervisor() and a well-behaved agent", () => {
  it("gives the terminal event and records everything that was said, in order", async () => {
    await using run = new Supervised(scriptCmd(`event("builder.progress"); ${COMPLETE}`));
    const outcome = await run.execute();
    assert.equal(outcome.kind, "terminal");
    assert.equal(outcome.kind === "terminal" && outcome.event.status, "success");
    assert.deepEqual(run.events(), ["builder.progress", "builder.completed"]);
  });

  it("keeps one process for several commands and tells it where it is", async () => {
    const where =
      "[process.cwd(), process.env.HOLDFAST_RUN_ID, process.env.HOLDFAST_TASK_ID, process.env.HOLDFAST_AGENT, process.env.EXTRA]";
    const cmd = scriptCmd(`event("builder.completed", { payload: { where: ${where} } });`);
    await using run = new Supervised({ cmd, env: { EXTRA: "more" } });
    const first = await run.execute();
    await run.execute();
    assert.ok(first.kind === "terminal");
    assert.deepEqual(first.event.payload["where"], [
      run.workspace,
      "run-20260102-030405-00000001",
      "T-1",
      "builder",
      "more",
    ]);
    assert.equal(run.pids().length, 1);
  });

  it("starts an agent again that ends after each command, without counting it as a restart", async () => {
    await using run = new Supervised(scriptCmd(`${COMPLETE} setTimeout(() => process.exit(0), 5);`), {
      maxRestarts: 0,
    });
    for (let round = 0; round < 4; round++) {
      // Some arrive while it is on its way out, some after.
      if (round % 2 === 1) await delay(60);
      assert.equal((await run.execute()).kind, "terminal");
    }
    assert.ok(run.pids().length >= 2);
  });

  it("takes a command of 256 KiB and an answer of 256 KiB", async () => {
    const big = "x".repeat(250_000);
    await using run = new Supervised(
      scriptCmd('event("builder.completed", { payload: { big: command.inputs.big } });'),
    );
    const outcome = await run.execute({ inputs: { big } });
    assert.ok(outcome.kind === "terminal");
    assert.equal(outcome.event.payload["big"], big);
  });

  it("refuses an agent that is not configured, and a second command at the same time", async () => {
    await using run = new Supervised(scriptCmd("await new Promise(() => {});"));
    await assert.rejects(run.supervisor.execute("nobody", run.command()), TypeError);
    const first = run.execute();
    await assert.rejects(run.execute(), TypeError);
    await run.supervisor.close();
    assert.equal((await first).kind, "failed");
  });
});

describe.concurrent("agentSupervisor() and an agent that fails", () => {
  it("says that it crashed, how, and what it said last; then starts it again", async () => {
    await using run = new Supervised(
      scriptCmd(
        `if (command.retry.attempt === 0) { console.error("out of luck"); process.exit(3); } ${COMPLETE}`,
      ),
    );
    const crash = await run.execute();
    assert.deepEqual(crash, {
      kind: "failed",
      reason: "crash",
      code: "AGENT_CRASHED",
      message: 'Agent "builder" ended with status 3 before a terminal event; its last words: out of luck',
      fatal: false,
    });
    assert.equal((await run.execute({ retry: { attempt: 1, max_attempts: 3 } })).kind, "terminal");
    assert.equal(run.problems("crash").length, 1);
  });

  it("says so when it was killed", async () => {
    await using run = new Supervised(scriptCmd('process.kill(process.pid, "SIGKILL");'));
    const outcome = await run.execute();
    assert.ok(outcome.kind === "failed" && outcome.reason === "crash");
    assert.match(outcome.message, /by SIGKILL/);
  });

  it("takes the terminal event of an agent that ends right after it", async () => {
    await using run = new Supervised(
      scriptCmd(`${COMPLETE} process.stdout.write("", () => process.exit(7));`),
    );
    assert.equal((await run.execute()).kind, "terminal");
  });

  it("gives up after max_restarts and waits before each restart with full jitter", async () => {
    const asked: number[] = [];
    await using run = new Supervised(scriptCmd("process.exit(1);"), {
      maxRestarts: 2,
      restartBackoff: { initialMs: 20, multiplier: 2, maxMs: 1_000 },
      random: () => {
        asked.push(1);
        return 0.999;
      },
    });
    const startedAt = performance.now();
    const reasons: string[] = [];
    for (let attempt = 0; attempt < 4; attempt++) {
      const outcome = await run.execute();
      assert.ok(outcome.kind === "failed");
      reasons.push(`${outcome.code} ${outcome.fatal}`);
    }
    const crashed = "AGENT_CRASHED false";
    assert.deepEqual(reasons, [crashed, crashed, crashed, "AGENT_RESTARTS_EXCEEDED true"]);
    assert.equal(asked.length, 2);
    assert.ok(performance.now() - startedAt >= 55);
  });

  it("counts a crash between two commands as a restart", async () => {
    await using run = new Supervised(scriptCmd(`${COMPLETE} setTimeout(() => process.exit(1), 5);`), {
      maxRestarts: 0,
    });
    assert.equal((await run.execute()).kind, "terminal");
    await delay(200);
    const outcome = await run.execute();
    assert.ok(outcome.kind === "failed");
    assert.equal(outcome.code, "AGENT_RESTARTS_EXCEEDED");
  });

  it("ends an agent that does not answer in time, with SIGKILL when it ignores SIGTERM, and its children", async () => {
    const cmd = scriptCmd(`
      process.on("SIGTERM", () => {});
      const { spawn } = await import("node:child_process");
      const child = spawn("sh", ["-c", "trap '' TERM; while :; do sleep 0.05; done"], { stdio: "inherit" });
      event("builder.progress", { payload: { child: child.pid } });
      await new Promise((resolve) => setTimeout(resolve, 60_000));`);
    await using run = new Supervised(cmd, { graceMs: 100 });
    const outcome = await run.execute({}, { timeoutMs: 1_500 });
    assert.ok(outcome.kind === "failed");
    assert.equal(outcome.code, "AGENT_TIMEOUT");
    const progress = run.messages.find((message) => message.kind === "event");
    const child = progress?.kind === "event" ? Number(progress.payload["child"]) : 0;
    assert.ok(child > 1);
    assert.equal(await isRunning(child), false);
    assert.equal(await isRunning(run.pids()[0] ?? 0), false);
  });

  it("ends the children that an agent leaves behind when it ends", async () => {
    const cmd = scriptCmd(`
      const { spawn } = await import("node:child_process");
      const child = spawn("sleep", ["60"], { stdio: "inherit" });
      event("builder.completed", { payload: { child: child.pid } });
      process.stdout.write("", () => process.exit(0));`);
    await using run = new Supervised(cmd);
    const outcome = await run.execute();
    assert.ok(outcome.kind === "terminal");
    await run.supervisor.close();
    assert.equal(await isRunning(Number(outcome.event.payload["child"])), false);
  });

  it("goes on although a process that left the group holds the output open", async () => {
    const cmd = scriptCmd(`
      const { spawn } = await import("node:child_process");
      spawn("sleep", ["8"], { stdio: "inherit", detached: true }).unref();
      process.exit(1);`);
    await using run = new Supervised(cmd);
    const startedAt = performance.now();
    const outcome = await run.execute();
    assert.ok(outcome.kind === "failed" && outcome.reason === "crash");
    assert.ok(performance.now() - startedAt < 7_000);
  });

  it("says clearly that a program, its folder or the right to run it is missing", async () => {
    const cases: [string[], RegExp][] = [
      [["holdfast-no-such-program"], /"holdfast-no-such-program"\): not found in PATH/],
      [["/no/such/program"], /there is no such program/],
      [["/etc/passwd"], /not an executable file/],
    ];
    for (const [cmd, expected] of cases) {
      await using run = new Supervised(cmd);
      const outcome = await run.execute();
      assert.ok(outcome.kind === "failed");
      assert.equal(outcome.code, "AGENT_SPAWN");
      assert.equal(outcome.fatal, true);
      assert.match(outcome.message, expected);
    }
    await using run = new Supervised(scriptCmd(COMPLETE), { workspace: "/no/such/folder" });
    const outcome = await run.execute();
    assert.ok(outcome.kind === "failed");
    assert.match(outcome.message, /workspace does not exist/);
  });

  it("ends the agent when it is aborted, before and while it works, and while it waits for a restart", async () => {
    await using run = new Supervised(
      scriptCmd('event("builder.progress"); await new Promise((r) => setTimeout(r, 60_000));'),
    );
    const before = await run.execute({}, { signal: AbortSignal.abort() });
    assert.equal(before.kind === "failed" && before.code, "AGENT_ABORTED");
    assert.equal(run.pids().length, 0);
    const during = await run.execute({}, { signal: AbortSignal.timeout(300) });
    assert.equal(during.kind === "failed" && during.code, "AGENT_ABORTED");
    assert.equal(await isRunning(run.pids()[0] ?? 0), false);
    await using crashing = new Supervised(scriptCmd("process.exit(1);"), { random: () => 0.99 });
    await crashing.execute();
    const waiting = await crashing.execute({}, { signal: AbortSignal.timeout(50) });
    assert.equal(waiting.kind === "failed" && waiting.code, "AGENT_ABORTED");
  });

  it("rejects with what record() rejected with, and ends the agent", async () => {
    const refused = new Error("no space");
    await using run = new Supervised(scriptCmd(`event("builder.progress"); ${COMPLETE}`), {
      record: (message) => (message.kind === "event" ? Promise.reject(refused) : Promise.resolve()),
    });
    await assert.rejects(run.execute(), refused);
    await assert.rejects(run.execute(), refused);
  });
});

describe.concurrent("agentSupervisor() and heartbeats", () => {
  const BEAT = `say({ kind: "heartbeat", agent: { agent_type: "builder", agent_id: "b" }, seq: 1, status: "busy", pid: process.pid, uptime_s: 1, last_activity_at: new Date().toISOString() });`;

  it("ends an agent that misses three", async () => {
    await using run = new Supervised({
      cmd: scriptCmd(`${BEAT} await new Promise((r) => setTimeout(r, 60_000));`),
      heartbeat_interval_s: 0.2,
    });
    const startedAt = performance.now();
    const outcome = await run.execute();
    assert.equal(outcome.kind === "failed" && outcome.code, "AGENT_HEARTBEAT");
    assert.ok(performance.now() - startedAt >= 600);
    assert.equal(run.messages.filter(({ kind }) => kind === "heartbeat").length, 1);
  });

  it("leaves an agent alone that sends them, or that never sent one and needs none", async () => {
    const beating = `const t = setInterval(() => { ${BEAT} }, 50); await new Promise((r) => setTimeout(r, 1_900)); clearInterval(t); ${COMPLETE}`;
    await using run = new Supervised({ cmd: scriptCmd(beating), heartbeat_interval_s: 0.5 });
    assert.equal((await run.execute()).kind, "terminal");
    await using silent = new Supervised(
      scriptCmd(`await new Promise((r) => setTimeout(r, 300)); ${COMPLETE}`),
    );
    assert.equal((await silent.execute()).kind, "terminal");
  });

  it("does not take slow recording for silence", async () => {
    const cmd = scriptCmd(
      `for (let i = 0; i < 1_000; i++) event("builder.progress", { message_id: "m" + i }); ${COMPLETE}`,
    );
    let recorded = 0;
    await using run = new Supervised(
      { cmd, heartbeat_interval_s: 0.4 },
      {
        record: async () => {
          recorded += 1;
          if (recorded === 200) await delay(1_600);
        },
      },
    );
    assert.equal((await run.execute()).kind, "terminal");
  });
});

describe.concurrent("agentSupervisor() and an agent that breaks the protocol", () => {
  it("records garbage, an oversized line and a command as problems and goes on", async () => {
    const cmd = scriptCmd(`
      say("garbage"); say("[1,2]"); say("{}"); say('{"kind":"event"}'); say(command);
      process.stdout.write(Buffer.from([0xff, 0xfe, 10])); say(""); say("x".repeat(1_000_000));
      say("[".repeat(100_000)); ${COMPLETE}`);
    await using run = new Supervised(cmd);
    assert.equal((await run.execute()).kind, "terminal");
    assert.equal(run.problems("malformed").length, 8);
    const [oversized] = run.problems("oversized");
    assert.equal(oversized?.level, "error");
    assert.equal(oversized?.fields?.["bytes"], 1_000_001);
    for (const { fields } of run.problems("malformed")) assert.ok(String(fields?.["excerpt"]).length <= 300);
  });

  it("records a repeated message once, and what comes after the end as late", async () => {
    const cmd = scriptCmd(`
      event("builder.progress", { message_id: "a" }); event("builder.progress", { message_id: "a" });
      event("builder.completed", { message_id: "b" }); event("builder.completed", { message_id: "b" });
      event("error", { message_id: "c" });`);
    await using run = new Supervised(cmd);
    const outcome = await run.execute();
    assert.equal(outcome.kind === "terminal" && outcome.event.message_id, "b");
    await delay(100);
    assert.deepEqual(run.events(), ["builder.progress", "builder.completed"]);
    assert.equal(run.problems("duplicate").length, 2);
    assert.equal(run.problems("late").length, 1);
  });

  it("takes a message id that was used for something else as another message", async () => {
    await using run = new Supervised(
      scriptCmd(
        'event("builder.progress", { message_id: "1", payload: { n: 1 } }); event("builder.completed", { message_id: "1" });',
      ),
    );
    assert.equal((await run.execute()).kind, "terminal");
  });

  it("takes the end of a second attempt although the restarted agent counts its messages from 1 again", async () => {
    const cmd = scriptCmd(
      'event("error", { message_id: "1" }); process.stdout.write("", () => process.exit(0));',
    );
    await using run = new Supervised(cmd);
    for (const attempt of [0, 1]) {
      const outcome = await run.execute({ correlation_id: "same", retry: { attempt, max_attempts: 3 } });
      assert.equal(outcome.kind, "terminal");
    }
    assert.equal(run.events().length, 2);
  });

  it("records an event for another command or task with its ids, and waits on", async () => {
    const cmd = scriptCmd(`
      event("builder.completed", { correlation_id: "somebody-else" });
      event("builder.completed", { task_id: "T-2" }); ${COMPLETE}`);
    await using run = new Supervised(cmd);
    assert.equal((await run.execute()).kind, "terminal");
    assert.equal(run.events().length, 1);
    assert.equal(run.problems("wrong_correlation")[0]?.fields?.["correlation_id"], "somebody-else");
    assert.equal(run.problems("wrong_task")[0]?.fields?.["task_id"], "T-2");
  });

  it("keeps an agent's own log lines apart from the orchestrator's", async () => {
    const cmd = scriptCmd(
      `say({ kind: "log", level: "info", message: "hello", fields: { agent_process: { pid: 2 }, rewind_to_step: 1 }, timestamp: new Date().toISOString() }); ${COMPLETE}`,
    );
    await using run = new Supervised(cmd);
    await run.execute();
    const log = run.messages.find((message) => message.kind === "log" && message.message === "hello");
    assert.ok(log?.kind === "log");
    assert.deepEqual(log.fields, {
      agent: "builder",
      data: { agent_process: { pid: 2 }, rewind_to_step: 1 },
    });
  });

  it("goes on when the agent closes its input or its output is cut in the middle of a line", async () => {
    await using run = new Supervised(
      scriptCmd(`${COMPLETE} process.stdin.destroy(); await new Promise((r) => setTimeout(r, 60_000));`),
    );
    assert.equal((await run.execute()).kind, "terminal");
    const second = await run.execute({}, { timeoutMs: 300 });
    assert.equal(second.kind === "failed" && second.code, "AGENT_TIMEOUT");
    await using cut = new Supervised(
      scriptCmd(`process.stdout.write('{"kind":"event"', () => process.exit(0));`),
    );
    const outcome = await cut.execute();
    assert.equal(outcome.kind === "failed" && outcome.code, "AGENT_CRASHED");
    assert.ok(cut.problems("malformed").length >= 1);
  });
});

describe.concurrent("agentSupervisor() and secrets", () => {
  it("never records a secret of the environment, wherever the agent puts it", async () => {
    const secret = 'p@ss/"wörd"+1';
    const cmd = scriptCmd(`
      const s = process.env.DEPLOY_TOKEN;
      console.error("stderr " + s); console.error(JSON.stringify({ s })); console.error(Buffer.from("user:" + s).toString("base64"));
      say("garbage " + s); say({ kind: "log", level: "info", message: s, fields: { [s]: [s] }, timestamp: new Date().toISOString() });
      event("builder.progress", { message_id: s, payload: { [s]: { deep: [s, encodeURIComponent(s)] } } });
      event("builder.completed", { correlation_id: s }); event(s, { status: s, from: { agent_type: "builder", agent_id: s }, extra: s });
      event("builder.completed", { status: s, payload: { s }, artifacts: [{ path: s, sha256: "sha256:" + "0".repeat(64), size: 1 }] });
      setTimeout(() => { console.error(s); process.exit(1); }, 20);`);
    const env = { ...process.env, DEPLOY_TOKEN: secret };
    await using run = new Supervised(cmd, { env });
    assert.equal((await run.execute()).kind, "terminal");
    await delay(300);
    assert.ok(run.stderr.length >= 3);
    const kept = JSON.stringify([run.messages, run.stderr]);
    for (const form of [
      secret,
      JSON.stringify(secret).slice(1, -1),
      encodeURIComponent(secret),
      "p@ss",
      "wörd",
    ]) {
      assert.ok(!kept.includes(form), form);
    }
    const encoded = Buffer.from(`user:${secret}`).toString("base64");
    assert.ok(!kept.includes(encoded));
  });
});

/** Bytes in use, not what the process once took: that also grows while the machine is too busy to collect. */
function inUse(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe("agentSupervisor() and floods", () => {
  it("reads 200 MB of garbage lines with bounded memory and records only the first ones", async () => {
    const cmd = scriptCmd(`
      const block = Buffer.from(("x".repeat(99) + "\\n").repeat(10_000));
      for (let i = 0; i < 200; i++) await new Promise((r) => process.stdout.write(block, r));
      ${COMPLETE}`);
    await using run = new Supervised(cmd);
    let highest = 0;
    const before = inUse();
    const watch = setInterval(() => {
      highest = Math.max(highest, inUse());
    }, 20);
    assert.equal((await run.execute({}, { timeoutMs: 50_000 })).kind, "terminal");
    clearInterval(watch);
    assert.equal(run.problems("malformed").length, 20);
    assert.equal(run.problems("flood")[0]?.fields?.["lines"], 1_999_980);
    assert.ok(highest - before < 128 * 1024 * 1024, `${(highest - before) / 1024 / 1024} MiB`);
  });

  it("skips a line of 100 MB without holding it", async () => {
    const cmd = scriptCmd(`
      const block = Buffer.alloc(1_000_000, "x");
      for (let i = 0; i < 100; i++) await new Promise((r) => process.stdout.write(block, r));
      say(""); ${COMPLETE}`);
    await using run = new Supervised(cmd);
    assert.equal((await run.execute()).kind, "terminal");
    assert.equal(run.problems("oversized")[0]?.fields?.["bytes"], 100_000_001);
  });

  it("stops reading while recording is slow, so that memory stays bounded", async () => {
    const cmd = scriptCmd(
      `for (let i = 1; i <= 4_000; i++) event("builder.progress", { message_id: "m" + i, payload: { pad: "x".repeat(1_000) } }); ${COMPLETE}`,
    );
    const gate = Promise.withResolvers<void>();
    let asked = 0;
    await using run = new Supervised(cmd, {
      record: (message) => {
        if (message.kind !== "event") return Promise.resolve();
        asked += 1;
        return gate.promise;
      },
    });
    const outcome = run.execute();
    // However slow the machine is: when nothing was asked for a while, it reads no more.
    const askedNow = (): number => asked;
    let seen = 0;
    while (askedNow() <= 10 || askedNow() !== seen) {
      seen = askedNow();
      await delay(300);
    }
    gate.resolve();
    assert.equal((await outcome).kind, "terminal");
    assert.ok(asked > 4_000);
    assert.ok(seen < 300, String(seen));
  });

  it("keeps a bounded part of stderr", async () => {
    const cmd = scriptCmd(
      `for (let i = 0; i < 2_000; i++) console.error("e".repeat(100)); console.error("y".repeat(200_000)); ${COMPLETE}`,
    );
    await using run = new Supervised(cmd, { stderrMaxBytes: 50_000 });
    await run.execute();
    await run.supervisor.close();
    assert.ok(run.stderr.join("\n").length < 51_000);
    assert.match(run.stderr.at(-1) ?? "", /more than 50000 bytes/);
  });
});

it("the agents of a supervisor that is closed are gone, also those that ignore SIGTERM", async () => {
  await using run = new Supervised(
    scriptCmd(`process.on("SIGTERM", () => {}); ${COMPLETE} setInterval(() => {}, 1_000);`),
    {
      graceMs: 100,
    },
  );
  await run.execute();
  const [pid = 0] = run.pids();
  assert.equal(await isRunning(pid), true);
  await run.supervisor.close();
  await run.supervisor.close();
  assert.equal(await isRunning(pid), false);
  assert.ok(existsSync(join(run.workspace)) && readFileSync("/proc/self/stat", "utf8").length > 0);
});
