const NAME = "workflow.yaml";

const TEXT = `# A Holdfast workflow. Try it:   holdfast run ${NAME}
# Kill it at any moment, then:     holdfast resume RUN      (holdfast runs lists them)
kind: workflow
name: my-workflow

# The folder the agents work in; paths in this file are relative to the file.
workspace: .

policy:
  # A step is tried this often before the run fails; waits between tries grow up to max_ms.
  retry: { max_attempts: 3, backoff: { initial_ms: 1000, multiplier: 2, max_ms: 60000, jitter: full } }
  # Values of environment variables with these names never reach the ledger, a log or a receipt.
  redact: ["*_TOKEN", "*_KEY", "*_SECRET"]

# Each agent is a program that reads commands from stdin and writes events to stdout, one JSON object a line.
# These are scripted stand-ins; replace them by your own, or wrap any command line tool:
#   cmd: [holdfast, agent, exec, --, your-tool, --its-flags]
agents:
  builder:         { cmd: [holdfast, mock-agent, --type, builder], timeouts_s: { implement: 600, implement_changes: 600 } }
  reviewer:        { cmd: [holdfast, mock-agent, --type, reviewer], timeouts_s: { review: 300 } }
  spec_maintainer: { cmd: [holdfast, mock-agent, --type, spec_maintainer], timeouts_s: { update_spec: 180 } }

tasks:
  - id: T-0001
    goal: "Say what should be done"
    inputs: {}
    expected_outputs: []

# Without this, steps follow: implement, review (again after changes), spec maintenance, done.
# flow:
#   start: implement
#   stages:
#     implement: { agent: builder, action: implement, on: { builder.completed: review } }
#     review:    { agent: reviewer, action: review, on: { "review.completed/approved": done, "review.completed/changes_requested": implement } }
`;

/** A workflow config with comments, that runs as it is. */
export const WORKFLOW_TEMPLATE = { name: NAME, text: TEXT } as const;
