#!/usr/bin/env node
import module from "node:module";
import { setFlagsFromString } from "node:v8";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 15)) {
  process.stderr.write(
    `holdfast: NODE_VERSION: this is Node ${process.versions.node}, Holdfast needs 22.15 or newer; install a newer Node, or start it with npx from a checkout, which brings its own\n`,
  );
  process.exitCode = 2;
} else {
  // The young generation does not grow: memory follows what is held, not how long the collector may put off its work.
  setFlagsFromString("--semi-space-growth-factor=1");
  module.enableCompileCache();
  const { main } = await import("../dist/main.js");
  process.exitCode = await main(process.argv.slice(2));
}
