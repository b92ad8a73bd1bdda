#!/usr/bin/env node
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 15)) {
  process.stderr.write(
    `holdfast: NODE_VERSION: this is Node ${process.versions.node}, Holdfast needs 22.15 or newer; install a newer Node, or start it with npx from a checkout, which brings its own\n`,
  );
  process.exitCode = 2;
} else {
  // Not imported: an import of a builtin module runs all of its getters.
  process.getBuiltinModule("node:module").enableCompileCache();
  const { main } = await import("../dist/main.js");
  process.exitCode = await main(process.argv.slice(2));
}
