import { describe, it } from "vitest";
import { storeConformance } from "./conformance.ts";
import { memoryStore } from "./memory-store.ts";

storeConformance("memoryStore()", () => ({ open: () => memoryStore() }), { describe, it });
