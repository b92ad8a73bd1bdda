export { type CrashingStore, type Cut, crashingStore, PowerOff } from "./conformance/crashing-store.ts";
export { type StoreUnderTest, storeConformance } from "./conformance/store-conformance.ts";
export type { TestApi } from "./conformance/test-api.ts";
