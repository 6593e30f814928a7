import { startOracle, type Oracle } from './run.ts'

/**
 * Runs jobs with oracles of their own, so many at a time: each waits for health checks most of its time.
 *
 * @param next the next job, until there is none
 */
export async function sideBySide<T>(
  count: number,
  next: () => T | undefined,
  run: (oracle: Oracle, job: T) => Promise<boolean>
): Promise<void> {
  const work = async (): Promise<void> => {
    let oracle = await startOracle()
    try {
      for (let job = next(); job !== undefined; job = next()) {
        if (await run(oracle, job)) continue
        // One that differed once may do so ever after.
        await oracle[Symbol.asyncDispose]()
        oracle = await startOracle()
      }
    } finally {
      await oracle[Symbol.asyncDispose]()
    }
  }
  await Promise.all(Array.from({ length: count }, work))
}
