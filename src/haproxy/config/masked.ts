import { isUnmistakable, maskPlaces, secretsIn, valueMasker } from '../../model/masking.ts'
import { secretValues } from '../../platform/process/inherited-environment.ts'
import { eachInTurns, piecesOf } from '../../platform/turns.ts'

/** The secrets of a configuration of any length, and those of the environment, for what quotes it. The longest come first. */
export async function secretsOf(text: string): Promise<string[]> {
  const found = new Set<string>()
  await eachInTurns(piecesOf(text), (piece) => {
    for (const secret of secretsIn(piece)) found.add(secret)
  })
  const secrets = [...found, ...secretValues(process.env)]
  return secrets.sort((one, other) => other.length - one.length)
}

/** What is shown of a configuration of any length, worked out once for each. */
export class ShownTexts {
  readonly #shown = new WeakMap<{ text: string }, Promise<string>>()

  async of(configuration: { text: string }): Promise<string> {
    const shown = this.#shown.get(configuration) ?? masked(configuration.text)
    this.#shown.set(configuration, shown)
    return await shown
  }
}

async function masked(text: string): Promise<string> {
  const secrets = await secretsOf(text)
  const mask = valueMasker(secrets.filter(isUnmistakable))
  const pieces: string[] = []
  await eachInTurns(piecesOf(text), (piece) => pieces.push(mask(maskPlaces(piece))))
  return pieces.join('')
}
