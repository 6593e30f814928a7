import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { shell } from '../../support/service/kontrol-cli.ts'
import { startService } from '../../support/service/start-service.ts'
import { CTRL_C, startInTerminal, type InTerminal } from '../../support/terminal/start-in-terminal.ts'

const HOME = '\u001b[H'
const LEAVE = '\u001b[?1049l'
const ERASE_SCROLLED = '\u001b[3J'
/** The cursor is shown, and the alternate screen left. */
const RESTORED = { 25: 'h', 1049: 'l' }

const drawings = (terminal: InTerminal): number => terminal.drawn().split(HOME).length - 1

async function startProxy() {
  const port = await freePort()
  const service = await startService({
    template: `frontend proxy\n  mode http\n  bind 127.0.0.1:${port}\n`,
    env: { KONTROL_TTL: '600' }
  })
  await service.ready()
  for (let n = 2; n < 22; n++) await service.ping(`127.0.0.${n}`)
  return service
}

/** Answers what the test tells it to, when it does. */
async function startSlowTier() {
  const waiting: ServerResponse[] = []
  const server = createServer((request, response) => {
    if (request.method === 'GET' && request.url === '/api/v1/lifecycle') return response.end('{"state":"configure"}')
    return waiting.push(response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer: (body: string) => waiting.forEach((response) => response.end(body)),
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    }
  }
}

describe('a command that looks again and again', () => {
  it('draws on a screen of its own, in the rows that there are, and gives the terminal back on Ctrl-C', async () => {
    await using service = await startProxy()
    const at = ['--url', service.url]
    const watches = [['pods', '--watch'], ['top'], ['history', '--watch'], ['status', '--watch']]
    const screens = watches.map((args) => startInTerminal([...args, ...at], { columns: 80, rows: 10 }))
    for (const screen of screens) await eventually(() => drawings(screen) >= 3)

    for (const screen of screens) screen.type(CTRL_C)
    const all = await Promise.all(screens.map((screen) => screen.ended()))

    for (const ended of all) {
      expect(ended).toMatchObject({ code: 0, modes: RESTORED })
      expect(ended.drawn).not.toContain(ERASE_SCROLLED)
      expect(ended.widest).toBeLessThanOrEqual(80)
    }
    const pods = all[0]?.drawn ?? ''
    const frame = pods.split(HOME)[1] ?? ''
    expect(frame.split('\n').slice(0, -1)).toHaveLength(9)
    expect(frame).toMatch(/^\S+Z, each second until Ctrl-C/)
    expect(frame).toContain('… 14 more lines')
    // What was seen last stands on the screen that was there before.
    const left = pods.slice(pods.indexOf(LEAVE) + LEAVE.length)
    expect(left.trim().split('\n')).toHaveLength(21)
  })

  it('tells that the control tier is away, and goes on when it is back', async () => {
    await using service = await startProxy()
    const screen = startInTerminal(['pods', '--watch', '--url', service.url], { columns: 80, rows: 40 })
    await eventually(() => drawings(screen) >= 1)

    await service.kill('SIGKILL')
    await eventually(() => screen.drawn().includes('No control tier answers'))
    const before = screen.drawn().length
    await service.start()
    await eventually(() => /each second until Ctrl-C\S*\s+SEQ/.test(screen.drawn().slice(before)))

    screen.type(CTRL_C)
    expect(await screen.ended()).toMatchObject({ code: 0, modes: RESTORED })
  })

  it('ends with the error when there was nothing to see', async () => {
    const ended = await startInTerminal(['pods', '--watch', '--url', '127.0.0.1:1'], { columns: 80 }).ended()

    expect(ended).toMatchObject({ code: 75, modes: {} })
  })
})

describe('a command that waits', () => {
  it('says for what after a second, and is interrupted by Ctrl-C', async () => {
    await using tier = await startSlowTier()
    const waiting = startInTerminal(['pods', '--url', tier.url], { columns: 80 })
    await eventually(() => waiting.drawn().includes(`Waiting for ${tier.url}, 1 s`))

    waiting.type(CTRL_C)

    expect(await waiting.ended()).toMatchObject({ code: 130 })
  })

  it('shows where the automaton is, and takes that away when it has an answer', async () => {
    await using tier = await startSlowTier()
    const moving = startInTerminal(['goto', 'render', '--url', tier.url], { columns: 80 })
    const leaving = startInTerminal(['drain', '--url', tier.url], { columns: 80 })
    await eventually(() => moving.drawn().includes('render: the automaton is in configure, 1 s'))
    await eventually(() => leaving.drawn().includes('shutdown: the automaton is in configure,'))

    leaving.type(CTRL_C)
    const left = await leaving.ended()
    expect(left).toMatchObject({ code: 130 })
    expect(left.drawn).toContain('it goes on: see "kontrol state"')
    tier.answer('{"state":"idle","outcome":"done"}')
    const moved = await moving.ended()
    expect(moved).toMatchObject({ code: 0 })
    expect(moved.drawn.endsWith('\r\u001b[Krender: done, at rest in idle\n')).toBe(true)
  })
})

describe('what reads the output of a command', () => {
  it('may have seen enough, be full, or be gone', async () => {
    await using service = await startProxy()
    const url = `--url ${service.url}`

    expect(await shell(`kontrol pods --watch ${url} | head -n 1`)).toMatchObject({ code: 0, stderr: '' })
    expect(await shell(`kontrol pods --watch --json ${url} | head -n 1`)).toMatchObject({ code: 0, stderr: '' })
    const full = [`pods ${url}`, `pods --json ${url}`, `status ${url}`, `pods --watch ${url}`, 'explain KTL_USAGE']
    for (const ended of await Promise.all(full.map((args) => shell(`kontrol ${args} > /dev/full`)))) {
      expect(ended).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^The output cannot be written: ENOSPC/) as string
      })
    }
    // Node opens /dev/null where there is no standard output.
    expect(await shell(`kontrol pods ${url} >&-`)).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })
})
