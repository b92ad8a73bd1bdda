// Runs the tests of the workspace and says what they say. It changes nothing there.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { pause, serve } from "./protocol.mjs";

const reporter = fileURLToPath(new URL("failed-tests.mjs", import.meta.url));

/** The tests that fail, by name and message. */
function failedTests(file) {
  // A test runner that started us would make this one report to it.
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const args = ["--test", `--test-reporter=${reporter}`, "--test-reporter-destination=stdout", file];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { env }, (error, stdout, stderr) => {
      if (error !== null && error.code !== 1)
        return reject(new Error(`The tests could not be run: ${stderr || error.message}`));
      resolve(
        stdout
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line)),
      );
    });
  });
}

await serve("reviewer", {
  review: async (command, answer) => {
    await pause();
    const failed = await failedTests(command.inputs.tests ?? "tests/duration.test.mjs");
    await pause();
    const status = failed.length === 0 ? "approved" : "changes_requested";
    answer("review.completed", { status, payload: { failed } });
  },
});
