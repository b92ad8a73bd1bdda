import { defineConfig } from "tsup";

// The command is one bundle with its dependencies in it, split so that `--help` loads none of the commands.
export default defineConfig({
  entry: ["src/main.ts"],
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
  banner: { js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);' },
});
