import { messageOf } from '../../src/errors.ts'
import type { Answer } from './main.ts'
import { questions } from './questions.ts'

/** One question, for `main.ts`: what it uses and leaves is gone with the process. */
const [name = '', how] = process.argv.slice(2)
const answer = await ask()
process.send?.(answer, () => process.exit(0))

async function ask(): Promise<Answer> {
  try {
    const question = await questions[name]?.()
    return { tables: (await question?.({ quick: how === 'quick' })) ?? [] }
  } catch (error) {
    console.error(error)
    return { failure: messageOf(error) }
  }
}
