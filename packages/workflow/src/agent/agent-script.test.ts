import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "vitest";
import { agentScriptSchema, loadAgentScript } from "./agent-script.ts";

describe("loadAgentScript()", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "holdfast-script-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const load = (text: string) => {
    const path = join(folder, "script.json");
    writeFileSync(path, text);
    return loadAgentScript(path);
  };

  it("takes the script of the documentation", async () => {
    const script =
      await load(`{ "responses": { "implement": { "delay_ms": 50, "events": [ { "type": "artifact.produced", "artifacts": [ { "path": "src/a.mjs", "content": "export const a = 1;\\n" } ] }, { "type": "builder.completed", "status": "success", "payload": { "tests": { "status": "pass" } } } ] },
      "review": [ { "events": [ { "type": "review.completed", "status": "changes_requested" } ] }, { "events": [ { "type": "review.completed", "status": "approved" } ] } ] } }`);
    assert.equal(Array.isArray(script.responses["review"]) && script.responses["review"].length, 2);
    assert.deepEqual(agentScriptSchema.parse(script), script);
  });

  it("names the place of what is wrong, in a response and in a list of them", async () => {
    await assert.rejects(
      load('{ "responses": {\n "review": [ {},\n { "events": [ { "tpye": "x" } ] } ] } }'),
      (error: Error) => {
        assert.match(error.message, /script\.json:3:\d+": responses\.review\[1\]\.events\[0\]/);
        return true;
      },
    );
    await assert.rejects(load('{ "responses": { "implement": {\n "hang": "yes" } } }'), {
      code: "CONFIG_INVALID",
      documentPath: "responses.implement.hang",
      line: 2,
    });
    await assert.rejects(load("{"), { code: "CONFIG_SYNTAX" });
    await assert.rejects(loadAgentScript(join(folder, "none.json")), { code: "CONFIG_MISSING" });
    await assert.rejects(loadAgentScript(folder), { code: "CONFIG_UNREADABLE" });
  });
});
