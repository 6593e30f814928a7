import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../../../src/cli/command.ts'
import { commands } from '../../../../src/cli/commands.ts'
import { visibleJson, visibleText } from '../../../../src/cli/output/visible.ts'

/** A window title by 8-bit controls, a turned line, a mark nobody sees, a hidden letter beyond 16 bits, and ours. */
const NASTY = '\u009d0;title\u009c \u202egnp.exe\u2066 \u200b\ufeff\u{e0041}\u2028 \u001b[2J é 日本 🦄'
const HARMFUL = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

const answers: Readonly<Record<string, object>> = {
  '/api/v1/pods': {
    pods: [{ seq: 1, app: 'web', role: NASTY, ip: '10.0.0.1', id: NASTY, key: 'k', lastSeen: NASTY, payload: NASTY }]
  },
  '/api/v1/hosts': { digest: NASTY, hosts: { [NASTY]: [NASTY] } },
  '/readyz': { ready: true, problems: [{ code: 'KTL_POD_FAULTY', message: NASTY, hint: NASTY }], findings: [] },
  '/api/v1/lifecycle': { state: NASTY, since: NASTY, queue: [], lastError: { code: NASTY, message: NASTY } },
  '/api/v1/reconfigurations': {
    reconfigurations: [
      {
        ...{ id: 1, startedAt: NASTY, cause: NASTY, plan: 'reload', operations: 0, reasons: [NASTY], outcome: NASTY },
        ...{ phases: {}, error: { code: 'KTL_STEP_FAILED', message: NASTY }, diff: `+${NASTY}\n-b` }
      }
    ]
  },
  '/api/v1/dns': { records: [], lastError: null, note: NASTY }
}

let server: Server
let url: string
beforeAll(async () => {
  server = createServer((request, response) => {
    const path = request.url ?? ''
    if (path === '/api/v1/events')
      return response.end(`event: alarm\ndata: ${JSON.stringify({ at: NASTY, code: NASTY, message: NASTY })}\n\n`)
    if (path in answers) return response.end(JSON.stringify(answers[path]))
    response.statusCode = 404
    return response.end(JSON.stringify({ code: 'KTL_NOT_FOUND', message: NASTY, hint: NASTY }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())

async function kontrol(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', '']
  const code = await runCli([...argv, '--url', url], commands, {
    stdout: (line) => void (out += `${line}\n`),
    stderr: (line) => void (err += `${line}\n`),
    env: {},
    columns: () => undefined,
    signal: new AbortController().signal
  })
  return { code, out, err }
}

describe('what the command line prints of pods', () => {
  it.each<[string, (answer: never) => unknown]>([
    ['pods', (list: [{ id: string }]) => list[0].id],
    ['hosts', (answer: { digest: string }) => answer.digest],
    ['status', (answer: { problems: [{ message: string }] }) => answer.problems[0].message],
    ['state', (answer: { state: string }) => answer.state],
    ['history', (answer: { reconfigurations: [{ cause: string }] }) => answer.reconfigurations[0].cause],
    ['events', (event: { data: { message: string } }) => event.data.message]
  ])('%s --json is the same value in characters that harm no terminal', async (command, textOf) => {
    const { code, out } = await kontrol(command, '--json')

    expect(code).toBe(0)
    expect(out).not.toMatch(HARMFUL)
    expect(textOf(JSON.parse(out) as never)).toBe(NASTY)
    expect(out).toContain('é 日本 🦄')
  })

  it.each([['pods'], ['hosts'], ['status'], ['state'], ['history'], ['history', '1'], ['events'], ['servers']])(
    '%s %s harms none as text, or as an error',
    async (...command) => {
      const { out, err } = await kontrol(...command)

      expect(out + err).not.toMatch(HARMFUL)
      expect(out + err).toContain('title')
    }
  )
})

it('leaves lines, tabs and the form of JSON alone', () => {
  expect(visibleText('a\tb\nc\rd')).toBe('a\tb\nc d')
  expect(visibleJson('{\n\t"a": "\u0085"\n}')).toBe('{\n\t"a": "\\u0085"\n}')
})
