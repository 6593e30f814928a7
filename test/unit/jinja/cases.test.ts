import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { renderJinja } from '../../support/jinja/render-jinja.ts'

interface Cases {
  hosts: Record<string, string[]>
  pods: Record<string, unknown[]>
  cases: { template: string; expected?: string; error?: true }[]
}

const { hosts, pods, cases } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../fixtures/jinja2-cases.json'), 'utf8')
) as Cases

describe('templates that once differed from Jinja2', () => {
  it.each(cases)('$template', ({ template, expected, error }) => {
    const render = (): string => renderJinja(template, { hosts, pods })

    if (error === true) expect(render).toThrow()
    else expect(render()).toBe(expected)
  })
})
