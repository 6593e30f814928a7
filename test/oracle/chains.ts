import { runChain, startOracle, type ChainReport } from './run.ts'
import { sideBySide, type Trouble } from './side-by-side.ts'

const CHAIN = 20

/** A chain that was judged. */
export interface Judged {
  report: ChainReport
  /** Whether it differs with an oracle of its own too, when it does at all. */
  again: boolean
}

/** Who hands out chains, and hears what came of them. */
export interface Chains {
  /** Its seed; undefined: there is none left. */
  next(): number | undefined | Promise<number | undefined>
  /** No more pairs are wanted, nor the rest of a chain. */
  ended(): boolean
  take(judged: Judged): void | Promise<void>
  tell(trouble: Trouble): void
}

export async function runChains(jobs: number, chains: Chains): Promise<void> {
  await sideBySide(
    jobs,
    () => chains.next(),
    async (oracle, seed) => {
      const report = await runChain(oracle, seed, CHAIN, () => chains.ended())
      const differs = report.failure !== undefined
      await chains.take({ report, again: differs && (await replay(seed)) })
      return !differs
    },
    (trouble) => chains.tell(trouble)
  )
}

/** Whether a chain differs with an oracle of its own. */
export async function replay(seed: number): Promise<boolean> {
  await using oracle = await startOracle()
  return (await runChain(oracle, seed, CHAIN)).failure !== undefined
}
