import assert from "node:assert/strict";
import { describe, it } from "vitest";
import { configKind } from "./config-kind.ts";
import { ConfigError } from "./errors.ts";
import { parseConfig } from "./parse-config.ts";

const kindOf = (text: string): string => configKind(parseConfig(text, "x.yaml"));

describe("configKind()", () => {
  it.each([
    ["kind: simulation\n", "simulation"],
    ["simulation: { name: x }\n", "simulation"],
    ["kind: workflow\nsimulation: {}\n", "workflow"],
    ["tasks: []\n", "workflow"],
    ["name: x\n", "workflow"],
  ])("of %j is %s", (text, kind) => {
    assert.equal(kindOf(text), kind);
  });

  it.each([
    ["kind: simulaton\n", "kind", /did you mean "simulation"\?/],
    ["a: 1\nkind: 3\n", "kind", /found "3"/],
    ["- 1\n", "", /must be a map/],
  ])("refuses %j", (text, place, message) => {
    assert.throws(
      () => kindOf(text),
      (error) =>
        error instanceof ConfigError &&
        error.code === "CONFIG_INVALID" &&
        error.documentPath === place &&
        message.test(error.message),
    );
  });
});
