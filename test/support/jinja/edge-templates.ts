import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SeededRandom } from '../seeded-random.ts'

/** Values of each kind, none and undefined among them, and what may be done with them, as it is meant and as it is not. */
const PARTS = new Map(
  readFileSync(join(import.meta.dirname, '../../fixtures/jinja-edges.txt'), 'utf8')
    .split(/^=== /m)
    .slice(1)
    .map((part): [string, readonly string[]] => {
      const [heading = '', ...lines] = part.replace(/\n$/, '').split('\n')
      return [heading, lines]
    })
)

/** JSON in the way of Python, for the names in the tables. */
export const edgeVariables =
  '{"d": {"a": 1, "b": {"c": null}, "items": 3, "": 0}, "l": [3, null, "x", 1.0, [], {"a": 1}], ' +
  '"recs": [{"name": "b", "n": 2, "a": {"b": 1}}, {"name": "A", "n": null, "a": null}, {"name": "a", "n": 1.5}], ' +
  '"s": "Hello World\\n two\\n", "big": 123456789012345678901234567890, "f": 0.1, "inf": Infinity, "nan": NaN}'

/** A template in which a filter, test, operator, method, format or statement meets values that it may not be made for. */
export function edgeTemplate(random: SeededRandom): string {
  const part = (heading: string): string => random.pick(PARTS.get(heading) ?? [])
  const value = (): string => `(${part('values')})`
  const method = (kind: string): string => `{% set x = ${part(kind)} %}{{ x.${part(`methods of ${kind}`)} }}{{ x }}`
  return random.pick([
    () => `{{ ${value()}|${part('filters')} }}`,
    () => `{{ ${value()}|${part('filters')} }}`,
    () => `{{ ${value()} is ${part('tests')} }}`,
    () => `{{ ${value()} ${part('operators')} ${value()} }}`,
    () => `{{ ${value()}${part('subscripts')} }}`,
    // A slice of a literal is another matter, see docs/templates.md.
    () => `{{ ${random.pick(['s', 'l', 'd', 'nope', 'big', 'd.b.c', 'recs'])}${part('slices')} }}`,
    () => method(random.pick(['texts', 'lists', 'dicts', 'numbers'])),
    () => `{{ ${part('percent formats')} % ${value()} }}`,
    () => `{{ ${part('percent formats')}|format(${part('values')}) }}`,
    () => `{{ ${part('brace formats')}.format(${part('values')}, 7, a=5, w=6) }}`,
    () => part('statements').replaceAll('@', value())
  ])()
}
