import { defineProject } from "vitest/config";

export default defineProject({
  ssr: { resolve: { conditions: ["holdfast-source", "node", "import", "module", "default"] } },
  test: {
    name: "@holdfast/crash-kit",
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
