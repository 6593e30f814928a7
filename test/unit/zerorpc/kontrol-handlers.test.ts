import { describe, expect, it } from 'vitest'
import { KontrolError, type ErrorCode } from '../../../src/errors.ts'
import { parseKeepalive, type Keepalive } from '../../../src/model/keepalive.ts'
import { kontrolHandlers } from '../../../src/zerorpc/kontrol-handlers.ts'
import { makeAccess } from '../../support/registry/make-access.ts'
import { ZerorpcApi } from '../../../src/zerorpc/zerorpc-api.ts'

const keepalive = { app: 'web', id: 'web-0', ip: '10.0.0.1', key: 'k', role: 'r' }
const never = new AbortController().signal

function subject(options: { master?: boolean; fails?: ErrorCode; refusal?: KontrolError } = {}) {
  const taken: Keepalive[] = []
  const ran: unknown[] = []
  const refused: unknown[] = []
  const api = new ZerorpcApi({
    handlers: kontrolHandlers({
      keepalives: options.master === false ? undefined : { take: (body) => void taken.push(parseKeepalive(body)) },
      scripts: {
        run: async (body) => {
          ran.push(body)
          if (options.fails !== undefined) throw new KontrolError(options.fails, 'no', { hint: 'Do that.' })
          return 'done'
        }
      }
    }),
    onPingRefused: (error) => refused.push((error as KontrolError).code),
    refusal: options.refusal
  })
  return {
    taken,
    ran,
    refused,
    call: (name: string, ...args: unknown[]) => api.call({ name, args }, makeAccess().callerAt('10.0.0.1'), never)
  }
}

describe('Kontrol over ZeroRPC', () => {
  it.each([
    ['text', JSON.stringify(keepalive)],
    ['bytes', Buffer.from(JSON.stringify(keepalive))]
  ])('takes a keepalive that comes as %s', async (_kind, raw) => {
    const { taken, call } = subject()

    expect(await call('ping', raw)).toEqual({ name: 'OK', args: [null] })
    expect(taken).toEqual([keepalive])
  })

  it.each([
    ['no JSON', '{', 'KTL_REQUEST_INVALID'],
    ['an invalid keepalive', '{"app":"web"}', 'KTL_KEEPALIVE_INVALID'],
    ['no text', 7, 'KTL_KEEPALIVE_INVALID'],
    ['65 KiB', `"${'x'.repeat(65 * 1024)}"`, 'KTL_BODY_TOO_LARGE']
  ])('answers OK to a ping with %s, counts it, and stores nothing', async (_what, raw, code) => {
    const { taken, refused, call } = subject()

    expect(await call('ping', raw)).toEqual({ name: 'OK', args: [null] })
    expect(refused).toEqual([code])
    expect(taken).toEqual([])
  })

  it('answers OK to a ping where there is no master, and counts it', async () => {
    const { refused, call } = subject({ master: false })

    expect(await call('ping', JSON.stringify(keepalive))).toEqual({ name: 'OK', args: [null] })
    expect(refused).toEqual(['KTL_NOT_A_MASTER'])
  })

  it('answers an invoke with what the command printed', async () => {
    const { ran, call } = subject()

    expect(await call('invoke', '{"cmd": "x", "more": 1}')).toEqual({ name: 'OK', args: ['done'] })
    expect(ran).toEqual([{ cmd: 'x', more: 1 }])
  })

  it.each<[string, unknown, ErrorCode | undefined]>([
    ['bad JSON', '{', undefined],
    ['no text', null, undefined],
    ['a body without a command', '{}', 'KTL_REQUEST_INVALID'],
    ['a command that takes too long', '{}', 'KTL_SCRIPT_TIMEOUT']
  ])('answers nil to an invoke with %s', async (_what, raw, fails) => {
    const { call } = subject(fails === undefined ? {} : { fails })

    expect(await call('invoke', raw)).toEqual({ name: 'OK', args: [null] })
  })

  it('answers ERR with code, message and hint when a command is refused', async () => {
    const { call } = subject({ fails: 'KTL_FORBIDDEN' })

    expect(await call('invoke', '{}')).toEqual({
      name: 'ERR',
      args: ['KTL_FORBIDDEN', 'no', 'KTL_FORBIDDEN: no\nHint: Do that.']
    })
  })

  it.each([
    ['_zerorpc_ping', ['pong', 'API']],
    ['_zerorpc_name', 'API'],
    ['_zerorpc_list', ['invoke', 'ping']]
  ])('answers %s', async (name, value) => {
    expect(await subject().call(name)).toEqual({ name: 'OK', args: [value] })
  })

  it('describes its methods', async () => {
    const { call } = subject()
    const { args } = await call('_zerorpc_inspect')
    const [{ name, methods }] = args as [{ name: string; methods: Record<string, { args: unknown; doc: string }> }]

    expect(name).toBe('API')
    expect(Object.keys(methods)).toEqual(['invoke', 'ping'])
    expect(methods.ping?.args).toEqual([{ name: 'raw' }])
    expect(await call('_zerorpc_help', Buffer.from('ping'))).toEqual({ name: 'OK', args: [methods.ping?.doc] })
    expect(await call('_zerorpc_args', 'ping')).toEqual({ name: 'OK', args: [[['raw'], null, null, null]] })
  })

  it.each([['nothing'], ['constructor'], ['_zerorpc_nothing'], ['__proto__']])(
    'answers ERR to the unknown method %s, as Python names the error',
    async (name) => {
      expect(await subject().call(name)).toEqual({ name: 'ERR', args: ['NameError', name, `NameError: ${name}`] })
    }
  )

  it.each([[[]], [['{}', '{}']]])('answers ERR to the wrong number of arguments %j', async (args) => {
    const { name, args: details } = await subject().call('ping', ...args)

    expect([name, details[0]]).toEqual(['ERR', 'TypeError'])
  })

  it('refuses everything but questions about itself where credentials are wanted', async () => {
    const refusal = new KontrolError('KTL_UNAUTHORIZED', 'A token is wanted', { hint: 'Use HTTP.' })
    const { taken, ran, call } = subject({ refusal })

    for (const method of ['ping', 'invoke']) {
      const reply = await call(method, JSON.stringify(keepalive))
      expect(reply).toEqual({
        name: 'ERR',
        args: ['KTL_UNAUTHORIZED', 'A token is wanted', 'KTL_UNAUTHORIZED: A token is wanted\nHint: Use HTTP.']
      })
    }

    expect((await call('_zerorpc_ping')).name).toBe('OK')
    expect([taken, ran]).toEqual([[], []])
  })
})
