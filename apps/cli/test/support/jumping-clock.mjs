// Preloaded into the command: every few readings its clock jumps by up to a week, back or forward. HOLDFAST_TEST_CLOCK seeds it.
import process from "node:process";

let seed = Number(process.env.HOLDFAST_TEST_CLOCK ?? 1);
const realNow = Date.now;
const WEEK_MS = 7 * 24 * 3_600_000;
let [offset, readings] = [0, 0];

function random() {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
  return seed / 2 ** 32;
}

Date.now = () => {
  readings += 1;
  if (readings % 5 === 1) offset = Math.floor((random() * 2 - 1) * WEEK_MS);
  return realNow() + offset;
};
