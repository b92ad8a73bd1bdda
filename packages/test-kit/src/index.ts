export { type Program, startProgram } from "./program.ts";
export { readmeExamples, runExample, undocumentedCodes } from "./readme.ts";
export { type TemporaryFolder, temporaryFolder, temporaryFolders } from "./temporary-folder.ts";
