export { type StoreUnderTest, storeConformance } from "./conformance/store-conformance.ts";
export type { TestApi } from "./conformance/test-api.ts";
