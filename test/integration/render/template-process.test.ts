import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { parseJson } from '../../../src/model/json/json.ts'
import type { Pod } from '../../../src/model/pod.ts'
import { systemClock, type Clock } from '../../../src/platform/clock.ts'
import { nearTemplate } from '../../../src/render/near-template.ts'
import { compileTemplate, type TemplateVariables } from '../../../src/render/template.ts'
import { TemplateProcess } from '../../../src/render/template-process.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { makePod } from '../../support/registry/make-pod.ts'
import { recordingLogger } from '../../support/test-logger.ts'

const FIXTURES = join(import.meta.dirname, '../../fixtures/templates')
const LISTS = "{% for app, ips in hosts|dictsort %}{{ app }}: {{ ips|join(' ') }}\n{% endfor %}"
/** Each of them some 4 kB. */
const BIG_INTS =
  '{% set l = [] %}{% set b = 2**32000-1 %}{% for i in range(40000) %}{% set _ = l.append(b + i) %}{% endfor %}'
/** Lists of lists: much memory, and time to look after it. */
const MANY_LISTS = '{% set l = [] %}{% for i in range(900000) %}{% set _ = l.append([i, [i], [i, [i]]]) %}{% endfor %}'

function startRenderings({ clock = systemClock, memoryMb = 512 }: { clock?: Clock; memoryMb?: number } = {}) {
  const { logger, lines } = recordingLogger()
  const process = new TemplateProcess({ clock, logger, memoryMb })
  const render = async (template: string, variables: Partial<TemplateVariables> = {}, signal?: AbortSignal) =>
    await process.templateOf(template).render({ hosts: new Map(), ...variables }, signal)
  return { render, lines, [Symbol.dispose]: () => process.close() }
}

const fleet = (pods: readonly Pod[]): TemplateVariables => {
  const apps = [...new Set(pods.map(({ app }) => app))]
  const of = (app: string): Pod[] => pods.filter((pod) => pod.app === app)
  return {
    hosts: new Map(apps.map((app) => [app, of(app).map(({ ip }) => ip)])),
    pods: new Map(apps.map((app) => [app, of(app)]))
  }
}

/** Processes whose parent is this one and that render. */
async function pids(): Promise<number[]> {
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8')
  const found = await Promise.all(
    children.split(' ').map(async (pid) => [pid, await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')])
  )
  return found.filter(([, cmdline]) => cmdline?.includes('template-program')).map(([pid]) => Number(pid))
}

describe('a template rendered in a process of its own', () => {
  it('comes out as it does here, whatever came, changed and left before', async () => {
    using renderings = startRenderings()
    const payload = parseJson('{"10": 1.0, "2": 1e400, "big": 12345678901234567890, "n": null, "t": "ok", "l": [NaN]}')
    const template = `{{ namespace }} {{ labels.a }} {{ env.KONTROL_X }}
${LISTS}{% for app, list in pods|dictsort %}{% for p in list %}{{ p|tojson }} {{ p.payload }}
{% endfor %}{% endfor %}`
    const all = Array.from({ length: 450 }, (_, seq) =>
      makePod(seq, { app: seq % 3 === 0 ? 'web' : 'db', ip: `10.0.${seq >> 8}.${seq & 255}`, payload })
    )
    const rounds = [
      all.slice(0, 1),
      all,
      all.filter(({ seq }) => seq !== 7 && seq < 440),
      all.map((pod) => (pod.seq === 12 ? { ...pod, payload: 'other' } : pod)),
      all.filter(({ app }) => app === 'db'),
      [],
      all.slice(5)
    ]

    const constants = { namespace: 'default', labels: { a: 'b' }, env: { KONTROL_X: 'y' } }
    for (const pods of rounds) {
      const variables = { ...fleet(pods), ...constants }
      expect(await renderings.render(template, variables)).toEqual(compileTemplate(template).render(variables))
    }
    expect((await pids()).length).toBe(1)
  })

  it('leaves out pods whose text would change the meaning of the configuration, and names the field', async () => {
    using renderings = startRenderings()
    const [good, bad] = [makePod(0, { payload: { port: '80' } }), makePod(1, { key: 'bad', ip: '10.0.0.2' })]
    const variables = fleet([good, { ...bad, payload: { port: '80\nlisten leak' } }])

    const { text, leftOut } = await renderings.render(
      '{% for p in pods.web %}{{ p.payload.port }} {% endfor %}{{ hosts.web|length }}',
      variables
    )

    expect(text).toBe('80 1')
    expect(leftOut).toEqual([{ app: 'web', ip: '10.0.0.2', key: 'bad', field: 'payload.port' }])
  })

  it('fails with the code, the line and the hint of the template, secrets masked', async () => {
    using renderings = startRenderings()
    const templates = ['\n{{ nope.x }}', '{% if %}', 'userlist u\n  user a insecure-password hunter22 {{ 1/0 }}']
    for (const template of templates) {
      const here = await Promise.resolve()
        .then(() => compileTemplate(template).render({ hosts: new Map() }))
        .catch((error: unknown) => error)
      const there = await renderings.render(template).catch((error: unknown) => error)

      const { code, message, hint } = here as Record<string, unknown>
      expect(there).toMatchObject({ code, message, hint })
      expect(String(there)).not.toContain('hunter22')
    }
    expect(await renderings.render('{{ 1 + 1 }}')).toEqual({ text: '2', leftOut: [] })
  })

  it('gives back no text that is larger than any that is applied', async () => {
    using renderings = startRenderings()

    await expect(renderings.render("one\n{{ 'x' * 16385 }}\n")).rejects.toMatchObject({
      code: 'KTL_TEMPLATE_LIMIT',
      message: 'The configuration that comes of the template has more than 16 KiB in its line 2'
    })
    expect(await renderings.render('{{ 1 + 1 }}')).toEqual({ text: '2', leftOut: [] })
  })

  it('gives back a text of many messages whole, one after the other', async () => {
    using renderings = startRenderings()
    const large = "{% for i in range(60000) %}line {{ i }} of many, ü and 🚢 {{ 'x' * (i % 40) }}\n{% endfor %}"

    const [whole, small] = [renderings.render(large), renderings.render('{{ 1 + 1 }}')]

    const { text } = compileTemplate(large).render({ hosts: new Map() })
    expect((await whole).text === text).toBe(true)
    expect(text.length).toBeGreaterThan(2_000_000)
    expect(await small).toEqual({ text: '2', leftOut: [] })
  })

  it('is ended when it takes too long, and the next one is rendered', async () => {
    const clock = new FakeClock()
    using renderings = startRenderings({ clock })
    await renderings.render('ready')
    const [before] = await pids()

    const rendering = renderings.render(MANY_LISTS)
    await setImmediate()
    clock.freeze(60_000)
    clock.advance(8_999)
    const text = await Promise.race([rendering, Promise.resolve('still at work')])
    clock.advance(1)
    expect(text).toBe('still at work')
    await expect(rendering).rejects.toMatchObject({
      code: 'KTL_TEMPLATE_LIMIT',
      message: 'The template needs more than 10 seconds'
    })
    expect(await renderings.render(LISTS, { hosts: new Map([['web', ['10.0.0.1']]]) })).toMatchObject({
      text: 'web: 10.0.0.1\n'
    })
    const after = await pids()
    expect([after.length, after[0] === before]).toEqual([1, false])
  })

  it('is ended when it takes too much memory, and the next one is rendered', async () => {
    using renderings = startRenderings({ memoryMb: 64 })
    const hosts = new Map([['web', ['10.0.0.1']]])
    await renderings.render(LISTS, { hosts })

    await expect(renderings.render(BIG_INTS)).rejects.toMatchObject({
      code: 'KTL_TEMPLATE_LIMIT',
      message: 'The template needs more than 64 MB of memory'
    })
    expect(await renderings.render(LISTS, { hosts })).toMatchObject({ text: 'web: 10.0.0.1\n' })
  })

  it('is ended with what it was rendered for', async () => {
    using renderings = startRenderings()
    const end = new AbortController()
    const rendering = renderings.render(MANY_LISTS, {}, end.signal)
    await eventually(async () => (await pids()).length === 1)
    end.abort(new Error('not wanted any more'))

    await expect(rendering).rejects.toThrow('not wanted any more')
    expect(await renderings.render('a')).toMatchObject({ text: 'a' })
  })

  it('goes on by itself when its process was killed', async () => {
    using renderings = startRenderings()
    await renderings.render('a')
    for (const pid of await pids()) process.kill(pid, 'SIGKILL')
    await eventually(async () => (await pids()).length === 0)
    await eventually(() => renderings.lines.some(({ how }) => how === 'SIGKILL'))

    expect(await renderings.render(LISTS, { hosts: new Map([['a', ['10.0.0.1']]]) })).toMatchObject({
      text: 'a: 10.0.0.1\n'
    })

    const rendering = renderings.render(MANY_LISTS)
    await eventually(async () => (await pids()).length === 1)
    for (const pid of await pids()) process.kill(pid, 'SIGKILL')
    await expect(rendering).rejects.toMatchObject({ code: 'KTL_UNEXPECTED' })
  })
})

describe('a small template', () => {
  it('comes out as it does in the process, which is started for one that is not small', async () => {
    using renderings = startRenderings()
    const near = (template: string) =>
      nearTemplate(template, { render: (variables, signal) => renderings.render(template, variables, signal) })
    const fixtures = ['http.cfg.j2', 'zookeeper.cfg.j2'].map((name) => join(FIXTURES, name))
    const templates = [LISTS, ...(await Promise.all(fixtures.map((path) => readFile(path, 'utf8'))))]
    const sizes = [0, 1, 7, 1_500]
    const pods = Array.from({ length: 1_500 }, (_, seq) =>
      makePod(seq, { app: seq % 3 === 0 ? 'web' : 'db', ip: `10.0.${seq >> 8}.${seq & 255}` })
    )
    const all = templates.flatMap((template) => sizes.map((size) => ({ template, ...fleet(pods.slice(0, size)) })))

    // Those of the tests before have been told to end.
    await eventually(async () => (await pids()).length === 0)
    const texts: unknown[] = []
    for (const { template, ...variables } of all) texts.push(await near(template).render(variables))
    expect(await pids()).toEqual([])

    for (const [n, { template, ...variables }] of all.entries())
      expect(texts[n]).toEqual(await renderings.render(template, variables))
    await near('{{ pods | length }}').render(fleet(pods))
    expect((await pids()).length).toBe(1)
  })
})
