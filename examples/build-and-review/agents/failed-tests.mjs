// A reporter for node --test: one line of JSON for each test that fails.
export default async function* failedTests(source) {
  for await (const { type, data } of source) {
    if (type !== "test:fail" || data.details?.error?.failureType === "subtestsFailed") continue;
    const error = data.details?.error;
    const message = String(error?.cause?.message ?? error?.message ?? "failed").slice(0, 500);
    yield `${JSON.stringify({ name: data.name, message })}\n`;
  }
}
