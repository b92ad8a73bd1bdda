/**
 * A caller that does not give up at once: it tries the same again in the same process, with the same store.
 *
 * @throws What the last attempt threw. An error is no promise of the contrary: an attempt that failed may have taken effect.
 */
export async function tryAgain<T>(attempt: () => Promise<T>, times = 3): Promise<T> {
  for (let left = times - 1; left > 0; left -= 1) {
    try {
      return await attempt();
    } catch {
      // The next attempt tells.
    }
  }
  return attempt();
}
