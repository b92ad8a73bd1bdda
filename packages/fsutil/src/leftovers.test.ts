import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { basename, join } from "node:path";
import { execPath, pid, ppid } from "node:process";
import { temporaryFolders } from "@holdfast/test-kit";
import { describe, expect, it } from "vitest";
import { removeLeftovers } from "./leftovers.ts";
import { temporaryPath } from "./temporary-name.ts";

const temporaryFolder = temporaryFolders();

/** The pid of a process that has ended. */
function deadPid(): number {
  return spawnSync(execPath, ["-e", ""]).pid;
}

describe("removeLeftovers()", () => {
  it("removes those of dead writers and of reused pids, and keeps those of living ones and other files", async () => {
    const folder = temporaryFolder();
    const own = basename(temporaryPath(join(folder, "a.json")));
    const parts = /^\.a\.json\.tmp\.\d+\.([0-9a-f]{8})([0-9a-f]{12})([0-9a-f]+)$/u.exec(own);
    const [random, world, start] = [parts?.[1] ?? "", parts?.[2] ?? "", parts?.[3] ?? ""];
    const dead = deadPid();
    const keep = [
      own,
      `.a.json.tmp.${ppid}.abc`,
      "a.json",
      ".hidden",
      ".a.json.tmp",
      `.tmp.${dead}.abc`,
      `a.json.tmp.${dead}.abc`,
      `.a.json.tmp.${dead}.a-b`,
      ".a.json.tmp.0.abc",
      `.other-host.tmp.${dead}.${random}ffff${world.slice(4)}${start}`,
      `.other-container.tmp.${dead}.${random}${world.slice(0, 8)}ffff${start}`,
    ];
    const remove = [
      `.a.json.tmp.${dead}.abc`,
      `.a.json.tmp.${dead}.${random}${world}${start}`,
      `.a.json.tmp.${pid}.${random}${world}1`, // our pid, but another start: it was given out again
      `.before-reboot.tmp.${pid}.${random}${world.slice(0, 4)}ffff${world.slice(8)}${start}`,
      `.käse\n.tmp.${dead}.abc`,
    ].toSorted();
    for (const name of [...keep, ...remove]) fs.writeFileSync(join(folder, name), "x");
    fs.mkdirSync(join(folder, `.folder.tmp.${dead}.abc`));
    fs.symlinkSync("a.json", join(folder, `.link.tmp.${dead}.abc`));
    const paths = remove.map((name) => join(folder, name)).toSorted();
    expect(await removeLeftovers(folder, { dryRun: true })).toEqual(paths);
    expect(await removeLeftovers(folder)).toEqual(paths);
    expect(await removeLeftovers(folder)).toEqual([]);
    const left = fs.readdirSync(folder);
    expect(left.toSorted()).toEqual([...keep, `.folder.tmp.${dead}.abc`, `.link.tmp.${dead}.abc`].toSorted());
  });

  it("takes the age of a nameless writer's file for a sign that its pid was given out again", async () => {
    const folder = temporaryFolder();
    const path = join(folder, `.a.tmp.${pid}.abc`);
    fs.writeFileSync(path, "x");
    expect(await removeLeftovers(folder)).toEqual([]);
    fs.utimesSync(path, 1_000_000, 1_000_000);
    expect(await removeLeftovers(folder)).toEqual([path]);
  });

  it("removes those of writers it cannot see when they are old enough, if told so", async () => {
    const folder = temporaryFolder();
    const path = join(folder, `.a.tmp.${deadPid()}.00000000ffffffffffff1`);
    fs.writeFileSync(path, "x");
    fs.utimesSync(path, Date.now() / 1000 - 100, Date.now() / 1000 - 100);
    expect(await removeLeftovers(folder)).toEqual([]);
    expect(await removeLeftovers(folder, { unknownOlderThanMs: 200_000 })).toEqual([]);
    expect(await removeLeftovers(folder, { unknownOlderThanMs: 50_000 })).toEqual([path]);
  });

  it("looks into folders below only when told so, and never through a symlink", async () => {
    const folder = temporaryFolder();
    const outside = temporaryFolder();
    const name = `.a.tmp.${deadPid()}.abc`;
    fs.mkdirSync(join(folder, "b", "c"), { recursive: true });
    fs.writeFileSync(join(folder, "b", "c", name), "x");
    fs.writeFileSync(join(outside, name), "x");
    fs.symlinkSync(outside, join(folder, "link"));
    expect(await removeLeftovers(folder)).toEqual([]);
    expect(await removeLeftovers(folder, { recursive: true })).toEqual([join(folder, "b", "c", name)]);
    expect(fs.existsSync(join(outside, name))).toBe(true);
    expect(await removeLeftovers(join(folder, "none"))).toEqual([]);
  });
});
