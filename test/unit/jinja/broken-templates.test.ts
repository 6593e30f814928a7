import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KontrolError } from '../../../src/errors.ts'
import { renderJinja } from '../../support/jinja/render-jinja.ts'

/** Pieces of templates, put together without sense. */
const PIECES = [
  ...['{{', '}}', '{%', '%}', '{#', '#}', '{{-', '-}}', '{%-', '-%}', '{%+', '+%}', '\n', '\r\n', ' ', 'text'],
  ...['for', 'in', 'if', 'else', 'elif', 'endfor', 'endif', 'set', 'endset', 'macro', 'endmacro', 'call', 'endcall'],
  ...['filter', 'endfilter', 'with', 'endwith', 'raw', 'endraw', 'block', 'endblock', 'recursive', 'is', 'not', 'and'],
  ...['(', ')', '[', ']', '{', '}', ',', ':', '.', '|', '~', '=', '==', '<', '**', '*', '//', '%', '+', '-', "'", '"'],
  ...[
    'hosts',
    'x',
    'loop',
    'loop.index',
    'self',
    'namespace',
    'range',
    'none',
    'true',
    '1',
    '2.5',
    "'a'",
    '10',
    '"%s"'
  ],
  ...[
    'upper',
    'join',
    'map',
    'select',
    'sort',
    'format',
    'length',
    'tojson',
    'constructor',
    '__proto__',
    'items()',
    '\\'
  ]
]

const fragments = fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }).map((pieces) => pieces.join(' '))
const tight = fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }).map((pieces) => pieces.join(''))
const expression = fc.array(fc.constantFrom(...PIECES.slice(16)), { maxLength: 12 }).map((p) => `{{ ${p.join(' ')} }}`)
const noise = fc.string({ unit: 'binary', maxLength: 200 }).map((text) => `{{${text}}}`)

const limits = { steps: 20_000, outputLength: 100_000 }

function outcome(template: string): unknown {
  try {
    return renderJinja(template, { hosts: { web: ['10.0.0.1'], constructor: [] }, x: 3 }, { limits })
  } catch (error) {
    return error
  }
}

describe('a template of nonsense', { timeout: 60_000 }, () => {
  it('renders, or fails with an error that is meant for its author', () => {
    fc.assert(
      fc.property(fc.oneof(fragments, tight, expression, noise), (template) => {
        const result = outcome(template)
        if (typeof result === 'string') return
        expect(result).toBeInstanceOf(KontrolError)
        expect((result as KontrolError).code).toMatch(/^KTL_TEMPLATE_(INVALID|LIMIT)$/)
      }),
      { numRuns: 3_000, seed: 20_261_122 }
    )
  })

  it('reaches no global', () => {
    const before = Object.getOwnPropertyNames(globalThis).sort()
    const prototype = Object.getOwnPropertyNames(Object.prototype).sort()
    fc.assert(
      fc.property(expression, (template) => {
        expect(String(outcome(template))).not.toMatch(/\[native code\]|\[object |function /)
      }),
      { numRuns: 1_000, seed: 20_261_122 }
    )

    expect(Object.getOwnPropertyNames(globalThis).sort()).toEqual(before)
    expect(Object.getOwnPropertyNames(Object.prototype).sort()).toEqual(prototype)
  })

  it('prints text without tags as it is, but for one final newline', () => {
    const plain = fc.string({ unit: 'binary' }).filter((text) => !/[\r{]/.test(text))
    fc.assert(
      fc.property(plain, (text) => {
        expect(renderJinja(text)).toBe(text.replace(/\n$/, ''))
      })
    )
  })
})
