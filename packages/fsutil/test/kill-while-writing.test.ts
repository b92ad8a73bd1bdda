import * as fs from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { startProgram, temporaryFolders } from "@holdfast/test-kit";
import { describe, expect, it } from "vitest";
import { removeLeftovers } from "../src/index.ts";

const temporaryFolder = temporaryFolders();

describe("a writer killed by SIGKILL", () => {
  it.each(env["HOLDFAST_LONG"] === "1" ? ["async", "sync"] : ["async"])(
    "leaves old or new, whole, at every call of two %s writes, and its leftovers are found",
    async (way) => {
      const runOne = async (at: number): Promise<boolean> => {
        const folder = temporaryFolder();
        const path = join(folder, "made", "doc");
        const child = startProgram(join(import.meta.dirname, "write-and-die.ts"), [path, String(at), way]);
        const said: string[] = [];
        for (let line = await child.line(); line !== undefined; line = await child.line()) said.push(line);
        const { stderr, signal } = await child.ended;
        expect(stderr).toBe("");
        if (said.includes("clean")) return true;
        expect(signal).toBe("SIGKILL");
        const acknowledged = Number(said.at(-1) ?? 0);
        const content = fs.existsSync(path) ? fs.readFileSync(path, "utf8") : "";
        const allowed = [acknowledged, acknowledged + 1].map((round) =>
          round === 0 ? "" : `${round} `.repeat(50_000),
        );
        expect(allowed.includes(content), `call ${at}`).toBe(true);
        await removeLeftovers(folder, { recursive: true });
        expect(
          fs.readdirSync(folder, { recursive: true }).filter((name) => String(name).includes(".tmp.")),
        ).toEqual([]);
        return false;
      };
      // Two at a time, on as many cores.
      let clean = false;
      for (let at = 1; !clean; at += 2)
        clean = (await Promise.all([runOne(at), runOne(at + 1)])).some(Boolean);
    },
  );

  it("leaves whole contents at moments nobody chose, and never an older one than it acknowledged", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "doc");
    let acknowledged = 0;
    for (let kill = 0; kill < 5; kill++) {
      const child = startProgram(join(import.meta.dirname, "write-forever.ts"), [
        path,
        String(acknowledged + 1),
      ]);
      const rounds = 1 + kill * 3;
      for (let round = 0; round < rounds; round++) acknowledged = Number(await child.line());
      child.process.kill("SIGKILL");
      for (let line = await child.line(); line !== undefined; line = await child.line())
        acknowledged = Number(line);
      await child.ended;
      const content = fs.readFileSync(path, "utf8");
      const found = Number.parseInt(content, 10);
      expect(content).toBe(`${found} `.repeat(20_000));
      expect(found).toBeGreaterThanOrEqual(acknowledged);
      acknowledged = found;
    }
    await removeLeftovers(folder);
    expect(fs.readdirSync(folder)).toEqual(["doc"]);
  });
});
