import manifest from "../package.json" with { type: "json" };

/** The version of the command, from its manifest. */
export const VERSION: string = manifest.version;
