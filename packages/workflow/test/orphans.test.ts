import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, it } from "vitest";
import { startedProcess } from "../src/supervisor/agent-log.ts";
import { endOrphans, type ProcessIdentity, processIdentity } from "../src/supervisor/process-identity.ts";
import { cachedEnv, isRunning, Supervised, scriptCmd } from "./supervised.ts";

const RUN_ID = "run-20260102-030405-0000abcd";

async function startGroup(
  script: string,
  env: Record<string, string> = {},
): Promise<ChildProcess & { pid: number }> {
  const child = spawn("sh", ["-c", script], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, ...env },
  });
  await once(child, "spawn");
  return child as ChildProcess & { pid: number };
}

const identityOf = (pid: number): ProcessIdentity => {
  const identity = processIdentity(pid);
  assert.ok(identity !== undefined);
  return identity;
};

describe.concurrent("endOrphans()", () => {
  it("ends agents and their children after a kill -9 of the orchestrator", async () => {
    const worker = fileURLToPath(new URL("agents/orchestrator.ts", import.meta.url));
    const agent = scriptCmd(`
      process.on("SIGTERM", () => {});
      process.stdout.on("error", () => {});
      const { spawn } = await import("node:child_process");
      const child = spawn("sleep", ["60"], { stdio: "ignore" });
      event("builder.progress", { payload: { child: child.pid } });
      setInterval(() => {}, 1_000);
      await new Promise(() => {});`);
    const orchestrator = spawn(
      process.execPath,
      ["--conditions=holdfast-source", worker, RUN_ID, JSON.stringify(agent)],
      {
        env: cachedEnv,
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    let text = "";
    let identity: ProcessIdentity | undefined;
    let child = 0;
    for await (const chunk of orchestrator.stdout) {
      text += String(chunk);
      const messages = text
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line));
      for (const message of messages) {
        identity ??= startedProcess(message);
        if (message.kind === "event") child = message.payload.child;
      }
      if (identity !== undefined && child > 0) break;
    }
    orchestrator.kill("SIGKILL");
    assert.ok(identity !== undefined);
    assert.equal(await isRunning(identity.pid), true);
    const ended = await endOrphans([identity], { runId: RUN_ID, graceMs: 50 });
    assert.deepEqual(ended, [identity.pid]);
    assert.equal(await isRunning(identity.pid), false);
    assert.equal(await isRunning(child), false);
    assert.deepEqual(await endOrphans([identity], { runId: RUN_ID, graceMs: 50 }), []);
  });

  it("leaves a process alone that only has the number of an agent", async () => {
    const other = await startGroup("sleep 60", { HOLDFAST_RUN_ID: RUN_ID });
    const now = identityOf(other.pid);
    const before = { ...now, start_time: String(Number(now.start_time) - 100) };
    const otherBoot = { ...now, boot_id: "another" };
    assert.deepEqual(await endOrphans([before, otherBoot], { runId: RUN_ID, graceMs: 50 }), []);
    assert.equal(await isRunning(other.pid), true);
    assert.deepEqual(await endOrphans([now], { runId: RUN_ID, graceMs: 50 }), [other.pid]);
  });

  it("ends the children of an agent that is gone, by the run in their environment, and nobody else's", async () => {
    for (const [env, ours] of [
      [{ HOLDFAST_RUN_ID: RUN_ID }, true] as const,
      [{ HOLDFAST_RUN_ID: "another" }, false] as const,
    ]) {
      const leader = await startGroup("sleep 60 > /dev/null & echo $!", env);
      const identity = { ...identityOf(process.pid), pid: leader.pid };
      const stdout = leader.stdout;
      assert.ok(stdout !== null);
      const [chunk] = await once(stdout, "data");
      const child = Number(String(chunk));
      if (leader.exitCode === null) await once(leader, "exit");
      assert.equal(await isRunning(child), true);
      await endOrphans([identity], { runId: RUN_ID, graceMs: 50 });
      assert.equal(await isRunning(child), !ours);
      if (!ours) process.kill(child, "SIGKILL");
    }
  });

  it("never signals its own group, process 1, or all processes", async () => {
    const own = identityOf(process.pid);
    const forged = [0, 1, -1, 1.5, Number.NaN].map((pid) => ({ ...own, pid }));
    assert.deepEqual(await endOrphans(forged, { runId: RUN_ID, graceMs: 50 }), []);
  });
});

describe.concurrent("processIdentity()", () => {
  it("is the same for the same process and undefined for one that is gone", async () => {
    assert.deepEqual(processIdentity(process.pid), processIdentity(process.pid));
    const child = await startGroup("exit 0");
    if (child.exitCode === null) await once(child, "exit");
    assert.equal(processIdentity(child.pid), undefined);
  });

  it("is what the ledger says when an agent is started", async () => {
    await using run = new Supervised(scriptCmd('event("builder.completed");'));
    await run.execute();
    const [pid = 0] = run.pids();
    const started = run.messages
      .map((message) => startedProcess(message))
      .find((identity) => identity !== undefined);
    assert.deepEqual(started, processIdentity(pid));
  });
});

describe.concurrent("a supervisor whose process", () => {
  const worker = fileURLToPath(new URL("agents/orchestrator.ts", import.meta.url));
  const start = (cmd: string[], ...more: string[]) =>
    spawn(process.execPath, ["--conditions=holdfast-source", worker, RUN_ID, JSON.stringify(cmd), ...more], {
      env: cachedEnv,
      stdio: ["ignore", "pipe", "inherit"],
    });

  it("exits ends its agents at once, also those that ignore SIGTERM", async () => {
    const agent = `process.on("SIGTERM", () => {}); process.stdout.on("error", () => {}); event("builder.progress"); await new Promise((r) => setTimeout(r, 60_000));`;
    const orchestrator = start(scriptCmd(agent));
    let pid = 0;
    let text = "";
    for await (const chunk of orchestrator.stdout) {
      text += String(chunk);
      for (const line of text.split("\n").slice(0, -1)) pid = startedProcess(JSON.parse(line))?.pid ?? pid;
      if (text.includes("builder.progress") && pid > 0) break;
    }
    orchestrator.kill("SIGUSR2");
    await once(orchestrator, "exit");
    for (let waited = 0; waited < 2_000 && (await isRunning(pid)); waited += 10) await delay(10);
    assert.equal(await isRunning(pid), false);
  });

  it("was suspended does not take its own absence for the agent's silence", async () => {
    const beat = `say({ kind: "heartbeat", agent: { agent_type: "builder", agent_id: "b" }, seq: 1, status: "busy", pid: process.pid, uptime_s: 1, last_activity_at: new Date().toISOString() });`;
    const agent = `const t = setInterval(() => { ${beat} }, 40); await new Promise((r) => setTimeout(r, 3_000)); clearInterval(t); event("builder.completed");`;
    const orchestrator = start(scriptCmd(agent), "0.4");
    let text = "";
    let stopped = false;
    for await (const chunk of orchestrator.stdout) {
      text += String(chunk);
      if (stopped || !text.includes("heartbeat")) continue;
      stopped = true;
      orchestrator.kill("SIGSTOP");
      await delay(1_800);
      orchestrator.kill("SIGCONT");
    }
    assert.match(text, /"outcome":"terminal"/);
  });
});
