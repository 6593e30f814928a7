import { describe, expect, it } from 'vitest'
import { findKontrolError } from '../../../src/errors.ts'
import { compileTemplate } from '../../../src/render/template.ts'
import { refuseLargeText } from '../../../src/render/text-limits.ts'

function failure(template: string): string | undefined {
  try {
    refuseLargeText(compileTemplate(template).render({ hosts: new Map() }).text)
    return undefined
  } catch (error) {
    return findKontrolError(error, 'KTL_TEMPLATE_LIMIT')?.message
  }
}

describe('a configuration', () => {
  it.each([
    ["{% for i in range(6144) %}{{ 'x' * 1023 }}\n{% endfor %}", undefined],
    ["{% for i in range(6144) %}{{ 'x' * 1023 }}\n{% endfor %}x", 'more than 6 MiB'],
    ['{% for i in range(199999) %}\n{% endfor %}', undefined],
    ['{% for i in range(200000) %}\n{% endfor %}', 'more than 200,000 lines'],
    ["one\n{{ 'x' * 16384 }}\n", undefined],
    ["one\n{{ 'x' * 16385 }}\n", 'more than 16 KiB in its line 2']
  ])('of %j has %s', (template, told) => {
    if (told === undefined) expect(failure(template)).toBeUndefined()
    else expect(failure(template)).toContain(told)
  })
})
