// Preloaded into the command: something happens at the n-th call that changes what is in the store.
//   HOLDFAST_TEST_KILL_AT="17:before"        SIGKILL before (or after) the 17th call
//   HOLDFAST_TEST_FAIL_AT="17:ENOSPC:once"   the 17th call fails with this error (or it and all later ones: "lasting")
//   HOLDFAST_TEST_FAIL_SYNC="3"              the third sync of a file fails with EIO; later ones would succeed
//   HOLDFAST_TEST_SLOW_SYNC="500"            every sync of a file or folder in the store takes so many milliseconds more
//   HOLDFAST_TEST_TRACE=FILE                 one line a call: number, name, path in the store
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import process from "node:process";

const slowMs = Number(process.env.HOLDFAST_TEST_SLOW_SYNC ?? 0);
const { HOLDFAST_TEST_KILL_AT, HOLDFAST_TEST_FAIL_AT, HOLDFAST_TEST_FAIL_SYNC, HOLDFAST_TEST_TRACE } =
  process.env;
const store = process.env.HOLDFAST_TEST_STORE;
// Agents inherit the environment and must not be counted.
for (const name of Object.keys(process.env)) if (name.startsWith("HOLDFAST_TEST_")) delete process.env[name];

const [killAt, when] = (HOLDFAST_TEST_KILL_AT ?? "").split(":");
const [failAt, failCode, failFor] = (HOLDFAST_TEST_FAIL_AT ?? "").split(":");
const paths = new Map();
const { appendFileSync, openSync } = fs;
let calls = 0;
let syncs = 0;

function die() {
  process.kill(process.pid, "SIGKILL");
  // The signal may take a moment to arrive; nothing more must happen meanwhile.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
}

function systemError(code, syscall, path) {
  return Object.assign(new Error(`${code}: injected, ${syscall} '${path}'`), {
    code,
    syscall,
    path,
    errno: -5,
  });
}

/** Counts a call. Returns its number and the error it must fail with, if any; dies when it must die before it. */
function enter(name, path) {
  calls++;
  if (HOLDFAST_TEST_TRACE)
    appendFileSync(HOLDFAST_TEST_TRACE, `${calls} ${name} ${path.slice(store.length)}\n`);
  if (calls === Number(killAt) && when === "before") die();
  const failing = failFor === "lasting" ? calls >= Number(failAt) : calls === Number(failAt);
  if (failCode && failing) return { call: calls, error: systemError(failCode, name, path) };
  if (name.startsWith("f") && name.includes("sync")) {
    syncs++;
    if (syncs === Number(HOLDFAST_TEST_FAIL_SYNC))
      return { call: calls, error: systemError("EIO", name, path) };
  }
  return { call: calls };
}

const pause = new Int32Array(new SharedArrayBuffer(4));
const isSlow = (name) => slowMs > 0 && name.includes("sync") && name.startsWith("f");

function leave(call) {
  if (call === Number(killAt) && when === "after") die();
}

const inStore = (path) => typeof path === "string" && path.startsWith(store);

fs.openSync = (path, ...rest) => {
  const descriptor = openSync(path, ...rest);
  paths.set(descriptor, String(path));
  return descriptor;
};

for (const name of ["writeSync", "fsyncSync", "fdatasyncSync", "ftruncateSync"]) {
  const original = fs[name];
  fs[name] = (descriptor, ...rest) => {
    const path = paths.get(descriptor);
    if (!inStore(path)) return original(descriptor, ...rest);
    const { call, error } = enter(name, path);
    if (error) throw error;
    if (isSlow(name)) Atomics.wait(pause, 0, 0, slowMs);
    const result = original(descriptor, ...rest);
    leave(call);
    return result;
  };
}
for (const name of ["write", "fsync", "fdatasync", "ftruncate"]) {
  const original = fs[name];
  fs[name] = (descriptor, ...rest) => {
    const path = paths.get(descriptor);
    if (!inStore(path)) return original(descriptor, ...rest);
    const { call, error } = enter(name, path);
    const done = rest.pop();
    if (error) return void setImmediate(() => done(error));
    return original(descriptor, ...rest, (...results) => {
      leave(call);
      if (isSlow(name)) setTimeout(() => done(...results), slowMs);
      else done(...results);
    });
  };
}
for (const [name, place] of Object.entries({
  renameSync: 1,
  linkSync: 1,
  unlinkSync: 0,
  mkdirSync: 0,
  rmdirSync: 0,
})) {
  const original = fs[name];
  fs[name] = (...args) => {
    if (!inStore(args[place])) return original(...args);
    const { call, error } = enter(name, args[place]);
    if (error) throw error;
    const result = original(...args);
    leave(call);
    return result;
  };
}
syncBuiltinESMExports();
