import { builtinModules } from "node:module";
import { relative } from "node:path";
import type { Options } from "tsup";

type Plugin = NonNullable<Options["esbuildPlugins"]>[number];

const NAMESPACE = "builtin";
/** Modules that take a millisecond to load and that most commands never call. Their functions load them. */
const LOADED_BY_A_CALL = new Set(["node:fs/promises", "node:v8"]);
/** The argument parser starts programs for subcommands that are files of their own; we have none, and spare it `node:child_process`. */
const NEVER_CALLED = { importer: /[\\/]commander[\\/]/, path: /^(?:node:)?child_process$/ };

/**
 * Takes what the bundle needs of Node's own modules by `process.getBuiltinModule`. An import of one makes a module with all of its
 * names: every getter among them runs, and loads what it stands for (streams, workers, web crypto). That is a third of what `--help`
 * takes beyond Node itself.
 */
export function builtinModulesDirectly(): Plugin {
  return {
    name: "builtin-modules-directly",
    setup(build) {
      build.onResolve({ filter: new RegExp(`^(?:node:|(?:${builtinModules.join("|")})$)`) }, (found) => {
        const isUnused = NEVER_CALLED.importer.test(found.importer) && NEVER_CALLED.path.test(found.path);
        // One of its own for each importer: otherwise each is a file that has to be loaded.
        const path = `${found.path}, for ${relative(import.meta.dirname, found.importer)}`;
        const pluginData = { name: found.path, isUnused, isRequired: found.kind === "require-call" };
        return { path, namespace: NAMESPACE, sideEffects: false, pluginData };
      });
      build.onLoad({ filter: /.*/, namespace: NAMESPACE }, ({ pluginData }) => {
        const { name, isUnused, isRequired } = pluginData;
        if (isUnused) return { contents: "export default {};" };
        return { contents: isRequired ? `module.exports = ${taken(name)};` : namesOf(name) };
      });
    },
  };
}

const taken = (name: string): string => `process.getBuiltinModule(${JSON.stringify(name)})`;

/** An expression that the bundler may leave out. */
function valueOf(module: string, name: string): string {
  const value = `${taken(module)}.${name}`;
  const isCalled = LOADED_BY_A_CALL.has(module) && /^[a-z]/.test(name) && name !== "constants";
  return isCalled ? `(...args) => ${value}(...args)` : `/* @__PURE__ */ (() => ${value})()`;
}

/** A module with the names of a builtin one, of which the bundler keeps those that are used. */
function namesOf(module: string): string {
  const names = Object.keys(process.getBuiltinModule(module) ?? {}).filter((name) =>
    /^[A-Za-z]\w*$/.test(name),
  );
  const lines = names.map(
    (name) => `const ${name}_ = ${valueOf(module, name)}; export { ${name}_ as ${name} };`,
  );
  return `export default /* @__PURE__ */ (() => ${taken(module)})();\n${lines.join("\n")}`;
}
