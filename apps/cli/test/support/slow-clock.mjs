// Preloaded into the command: its clock stands at HOLDFAST_TEST_CLOCK (milliseconds since 1970) and hardly moves, so that many starts
// happen in one second.
import process from "node:process";

const start = Number(process.env.HOLDFAST_TEST_CLOCK);
const realNow = Date.now;
const began = realNow();
// Ten thousand times slower: still no two readings need be the same for long.
Date.now = () => start + Math.floor((realNow() - began) / 10_000);
