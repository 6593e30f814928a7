import { startOracle, type Oracle } from './run.ts'

/** What kept the oracle from judging; it says nothing of the two that were to be compared. */
export interface Trouble {
  job: string
  cause: string
  /** A second try, with an oracle of its own, came to an end. */
  resolved: boolean
}

/**
 * Runs jobs with oracles of their own, so many at a time: each waits for health checks most of its time. A job that breaks
 * off is tried once more.
 *
 * @param next the next job, until there is none
 * @param run whether the oracle may go on to another job
 * @param tell hears of each trouble as it comes
 */
export async function sideBySide<T>(
  count: number,
  next: () => T | undefined | Promise<T | undefined>,
  run: (oracle: Oracle, job: T) => Promise<boolean>,
  tell: (trouble: Trouble) => void
): Promise<void> {
  const work = async (): Promise<void> => {
    const own = new OwnOracle()
    for (let job = await next(); job !== undefined; job = await next()) {
      const cause = await own.causeOfTrouble(run, job)
      if (cause === undefined) continue
      tell({ job: String(job), cause, resolved: (await own.causeOfTrouble(run, job)) === undefined })
    }
    await own.end()
  }
  await Promise.all(Array.from({ length: count }, work))
}

/** Made anew once it may be a bad judge. */
class OwnOracle {
  #oracle: Oracle | undefined

  /** @returns undefined when the job came to its end */
  async causeOfTrouble<T>(run: (oracle: Oracle, job: T) => Promise<boolean>, job: T): Promise<string | undefined> {
    try {
      this.#oracle ??= await startOracle()
      // One that differed once may do so ever after.
      if (!(await run(this.#oracle, job))) await this.end()
      return undefined
    } catch (error) {
      await this.end()
      return causeOf(error)
    }
  }

  async end(): Promise<void> {
    const oracle = this.#oracle
    this.#oracle = undefined
    try {
      await oracle?.[Symbol.asyncDispose]()
    } catch (error) {
      console.log(`an oracle was not put away whole: ${causeOf(error)}`)
    }
  }
}

function causeOf(error: unknown): string {
  const causes: string[] = []
  for (let cause = error; cause !== undefined; cause = cause instanceof Error ? cause.cause : undefined) {
    causes.push(cause instanceof Error ? cause.message : JSON.stringify(cause))
  }
  const place = error instanceof Error ? /\n\s+at (.*)/.exec(error.stack ?? '')?.[1] : undefined
  return [causes.join(': '), ...(place === undefined ? [] : [place])].join(', at ')
}
