import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { reasonOf, SimulationError } from "../errors.ts";

/** Brings in a module; tests may give their own. */
export type ImportModule = (url: string) => Promise<Readonly<Record<string, unknown>>>;

const importModule: ImportModule = async (url) => {
  const module: Readonly<Record<string, unknown>> = await import(url);
  return module;
};

/** What a module must have as its default export. */
export interface ModuleShape {
  /** What it is, for errors. */
  readonly what: "engine" | "agent" | "validator";
  readonly required: readonly string[];
  readonly optional?: readonly string[];
}

/** An absolute path of a module of a config in `folder`. */
export function modulePath(folder: string, module: string): string {
  return isAbsolute(module) ? module : resolve(folder, module);
}

/**
 * Loads a module and checks its default export.
 *
 * @param path - Absolute.
 * @throws {SimulationError} `SIMULATION_MODULE`, which says the path and what is missing.
 */
export async function loadModule(
  path: string,
  shape: ModuleShape,
  importer: ImportModule = importModule,
): Promise<{ readonly part: object; readonly exports: Readonly<Record<string, unknown>> }> {
  const { what, required, optional = [] } = shape;
  const fault = (reason: string, cause?: unknown): SimulationError =>
    new SimulationError("SIMULATION_MODULE", `Cannot load the ${what} "${path}": ${reason}`, { path, cause });
  let exports: Readonly<Record<string, unknown>>;
  try {
    exports = await importer(pathToFileURL(path).href);
  } catch (error) {
    throw fault(
      isMissing(error, path) ? "there is no such file; correct its path in the config" : reasonOf(error),
      error,
    );
  }
  const part = exports["default"];
  if (part === undefined)
    throw fault(
      `it has no default export; write "export default { ${required.map((name) => `${name}() {}`).join(", ")} }"`,
    );
  if (typeof part !== "object" || part === null)
    throw fault(`its default export must be an object with ${required.join(" and ")}`);
  for (const name of [...required, ...optional]) {
    const member: unknown = Reflect.get(part, name);
    if (member === undefined && !required.includes(name)) continue;
    if (typeof member !== "function") {
      throw fault(
        member === undefined
          ? `its default export has no function "${name}"`
          : `"${name}" of its default export is no function`,
      );
    }
  }
  return { part, exports };
}

function isMissing(error: unknown, path: string): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ERR_MODULE_NOT_FOUND" && reasonOf(error).includes(path);
}
