/** Something took longer than it may. */
export class LateError extends Error {
  override readonly name: string = "LateError";
}

/** Runs something, and rejects when it takes longer. It is not stopped. */
export async function within<T>(timeoutMs: number, run: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LateError(`it did not end within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([run(), late]);
  } finally {
    clearTimeout(timer);
  }
}
