import { membersOf, stringifyJson } from '../../../src/model/json/json.ts'
import type { SeededRandom } from '../seeded-random.ts'

/** Null five times as likely as each of the others. */
const NOTHINGS = ['null', 'null', 'null', 'null', 'null', '""', '0', 'false', '[]', '{}', '0.0']

/** JSON text of the data in which some values were replaced by null and other things that are nothing. */
export function hollow(data: unknown, random: SeededRandom, share: number): string {
  if (random.chance(share)) return random.pick(NOTHINGS)
  if (Array.isArray(data)) return `[${data.map((item) => hollow(item, random, share)).join(', ')}]`
  if (typeof data !== 'object' || data === null || 'text' in data) return stringifyJson(data)
  const members = membersOf(data).map(([name, value]) => `${JSON.stringify(name)}: ${hollow(value, random, share)}`)
  return `{${members.join(', ')}}`
}
