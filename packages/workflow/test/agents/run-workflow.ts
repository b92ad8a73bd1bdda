// A workflow in a process of its own, to be killed: config, store folder and run id come as arguments.
import { fileStore } from "@holdfast/storage";
import { loadWorkflowConfig, resumeWorkflow, runWorkflow } from "../../src/index.ts";

const [configPath = "", root = "", runId = "", mode = "run"] = process.argv.slice(2);
const store = fileStore(root);
const result =
  mode === "run"
    ? await runWorkflow({ config: await loadWorkflowConfig(configPath), configPath, store, runId })
    : await resumeWorkflow(runId, { store });
await store.close();
process.exit(result.status === "completed" ? 0 : 1);
