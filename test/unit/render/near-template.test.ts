import { describe, expect, it } from 'vitest'
import { nearTemplate } from '../../../src/render/near-template.ts'
import { compileTemplate, type TemplateVariables } from '../../../src/render/template.ts'

const SERVERS = '{% for ip in hosts.web %}  server s{{ loop.index }} {{ ip }}:80\n{% endfor %}'
const hostsOf = (count: number): TemplateVariables => ({
  hosts: new Map([['web', Array.from({ length: count }, (_, n) => `10.0.${n >> 8}.${n & 255}`)]])
})

/** With a process in its place that counts what comes to it, and answers as it would. */
function withRemote(source: string) {
  let asked = 0
  const template = nearTemplate(source, {
    render: (variables) => {
      asked++
      return Promise.resolve().then(() => compileTemplate(source).render(variables))
    }
  })
  return {
    template,
    asked: async (variables: TemplateVariables): Promise<number> => {
      const before = asked
      // What is wrong with it is told in a test of its own.
      await Promise.resolve(template.render(variables)).catch(() => {})
      return asked - before
    }
  }
}

describe('nearTemplate', () => {
  it('renders addresses here, and gives what the process would give', async () => {
    const { template, asked } = withRemote(SERVERS)
    const variables = hostsOf(2_000)

    expect(await template.render(variables)).toEqual(compileTemplate(SERVERS).render(variables))
    expect(await asked(variables)).toBe(0)
  })

  it.each<[string, string, number]>([
    ['reads what pods say of themselves', '{% for pod in pods.web %}{{ pod.payload }}{% endfor %}', 1],
    ['has too many addresses', SERVERS, 2_001],
    ['is long', `${SERVERS}# ${'x'.repeat(40_000)}`, 1],
    ['takes too many steps', '{% for i in range(20000) %}{% endfor %}', 1],
    ['prints too much', `{% for i in range(900) %}${'y'.repeat(1_000)}{% endfor %}`, 1],
    [
      'takes too long in few steps',
      '{% set b = 2**32000-1 %}{% for i in range(9000) %}{% set c = b*b %}{% endfor %}',
      1
    ],
    ['prints a line that nobody takes', `{{ "${'z'.repeat(17_000)}" }}`, 1]
  ])('leaves one to the process that %s', async (_, source, count) => {
    expect(await withRemote(source).asked(hostsOf(count))).toBe(1)
  })

  it('has the process tell what is wrong with a template, and tries it here again after a while', async () => {
    const { template, asked } = withRemote('{{ hosts.web[3] is defined }}{{ hosts.web[0].nothing.there }}')
    await expect(template.render(hostsOf(1))).rejects.toMatchObject({ code: 'KTL_TEMPLATE_INVALID' })

    const later = withRemote('{% if hosts.web|length > 1 %}{{ nothing.there }}{% endif %}fine')
    expect(await later.asked(hostsOf(2))).toBe(1)
    for (let n = 0; n < 50; n++) expect(await later.asked(hostsOf(1))).toBe(1)
    expect(await later.asked(hostsOf(1))).toBe(0)
    expect(await asked(hostsOf(1))).toBe(1)
  })

  it('renders nothing for whom nobody waits', async () => {
    const { template } = withRemote(SERVERS)
    await expect(template.render(hostsOf(1), AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
  })
})
