import { defineConfig } from "tsup";
import { builtinModulesDirectly } from "./bundle/builtin-modules.ts";

// The command is one bundle with its dependencies in it, split so that `--help` loads none of the commands.
export default defineConfig({
  // Threads are started from a file of their own, looked for beside the code that starts them.
  entry: { main: "src/main.ts", "hash-worker": "../../packages/checksum/src/hash-worker.ts" },
  format: ["esm"],
  target: "node22",
  platform: "node",
  dts: false,
  sourcemap: false,
  splitting: true,
  minify: false,
  clean: true,
  removeNodeProtocol: false,
  noExternal: [/.*/],
  // From the sources, so that one build makes it and nothing is bundled twice.
  esbuildOptions(options) {
    options.conditions = ["holdfast-source", "node", "import", "default"];
  },
  esbuildPlugins: [builtinModulesDirectly()],
});
