import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/platform/clock.ts'
import { EtcdClient } from '../../../src/registry/etcd/client.ts'
import { EtcdStore } from '../../../src/registry/etcd/store.ts'
import { eventually } from '../../support/eventually.ts'
import {
  answerJson,
  beginStream,
  hostileAnswers,
  hostileBodies,
  mutated,
  pour,
  startHostileServer,
  tryAllAtOnce,
  type HostileServer,
  type RawAnswer
} from '../../support/neighbours/hostile-server.ts'
import { keepalive, startMaster } from '../../support/service/start-master.ts'
import { recordingLogger } from '../../support/test-logger.ts'

const MEBIBYTE = 2 ** 20
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const PREFIX = '/kontrol/test/a/'
const KEPT = { ...keepalive('x'), seq: 0, firstSeen: 1 }
const kv = (key: string, value: string, revision = 1): object => ({
  key: base64(`${PREFIX}${key}`),
  value: base64(value),
  create_revision: String(revision),
  mod_revision: String(revision)
})
const RANGE = JSON.stringify({ header: { cluster_id: '9', revision: '1' }, kvs: [kv('pods/x', JSON.stringify(KEPT))] })
const hostOf = ({ port }: HostileServer): string => `http://127.0.0.1:${port}`

/** Writes of a session before it has begun: that it is there, and that it leads. */
const FIRST_WRITES = 2

/**
 * A gateway that gives a lease, takes what is written and shows it in its watch, but where it is told otherwise.
 *
 * @param inWatch what a session that has begun sees in place of what was written; false: nothing else
 */
function gateway(by: Record<string, RawAnswer>, inWatch: (watch: Socket) => boolean = () => false): RawAnswer {
  let revision = 1
  let writes = 0
  const watches = new Set<Socket>()
  const own: Record<string, RawAnswer> = {
    '/v3/kv/range': (socket) => answerJson(socket, RANGE.replace('"revision":"1"', `"revision":"${revision}"`)),
    '/v3/lease/grant': (socket) => answerJson(socket, '{"ID":"7","TTL":"60"}'),
    '/v3/lease/keepalive': (socket) => answerJson(socket, '{"result":{"ID":"7","TTL":"60"}}'),
    '/v3/lease/revoke': (socket) => answerJson(socket, '{}'),
    '/v3/kv/txn': (socket) => {
      revision++
      answerJson(socket, `{"header":{"revision":"${revision}"},"succeeded":true}`)
      const isBegun = ++writes > FIRST_WRITES
      for (const watch of watches) {
        if (isBegun && inWatch(watch)) watches.delete(watch)
        else watch.write(watchLine(revision, []))
      }
    },
    '/v3/watch': (socket) => {
      beginStream(socket)
      socket.write('{"result":{"header":{"revision":"1"},"created":true}}\n')
      watches.add(socket)
      writes = 0
      socket.on('close', () => watches.delete(socket))
    }
  }
  return (socket, request) => {
    const path = request.split(' ')[1] ?? ''
    return (by[path] ?? own[path])?.(socket, request)
  }
}

const watchLine = (revision: number | string, events: object[]): string =>
  `${JSON.stringify({ result: { header: { cluster_id: '9', revision: String(revision) }, events } })}\n`

function storeOf(server: HostileServer) {
  const { logger, lines } = recordingLogger()
  const times = { foverMs: 2000, ttlMs: 5000, clock: systemClock }
  const options = { namespace: 'test', app: 'a', id: 'm', maxListedBytes: 384 * MEBIBYTE, ...times, logger }
  return { store: new EtcdStore({ hosts: [hostOf(server)], ...options }), lines }
}

describe('an etcd that is none', () => {
  const full = { more: true, kvs: Array.from({ length: 500 }, () => kv('pods/x', '')) }
  const answers: Record<string, RawAnswer> = {
    ...hostileAnswers(RANGE),
    'a revision that is no whole number': answering(RANGE.replace('"revision":"1"', '"revision":1e999')),
    'a revision that cannot be counted with': answering(
      RANGE.replace('"revision":"1"', `"revision":"${'9'.repeat(18)}"`)
    ),
    'a page that has a next one, and nothing in it': answering('{"more":true}'),
    'the same page again and again': answering(JSON.stringify(full)),
    'keys that are none': answering('{"kvs":[null,1,"x",[]]}'),
    'a huge page': answering(JSON.stringify({ kvs: [kv('pods/x', 'x'.repeat(60 * MEBIBYTE))] }))
  }
  // A page that does not parse is none, and an object of other members is an empty one: as etcd leaves out what is zero.
  delete answers['another object']
  delete answers['a status that is none']
  delete answers['a prototype']

  it('is asked again with pauses, and opens nothing, whatever it answers', () =>
    tryAllAtOnce(answers, async (answer) => {
      await using server = await startHostileServer(gateway({ '/v3/kv/range': answer }))
      const { store, lines } = storeOf(server)
      const given = new AbortController()
      const startedAt = performance.now()
      const opened = store.open({} as never, given.signal).catch((reason: unknown) => reason)
      const failures = () => lines.filter(({ msg }) => msg === 'etcd not reached, trying again')

      await eventually(() => failures().length >= 1 && server.requests.length >= 2, 30_000)
      given.abort()

      expect(await opened).toMatchObject({ code: 'KTL_STORE_UNAVAILABLE' })
      for (const { problem } of failures()) expect(String(problem).length).toBeLessThan(1000)
      expect(failures().length).toBeLessThan(3 + (performance.now() - startedAt) / 75)
      expect(server.taken()).toBeLessThan((failures().length + 1) * 90 * MEBIBYTE)
      await store.close()
    }))

  it('does not fill the memory with more keys than there may be, page by page', async () => {
    let page = 0
    const kvs = () =>
      Array.from({ length: 500 }, (_, index) => kv(`pods/${String(page * 500 + index).padStart(9, '0')}`, ''))
    await using server = await startHostileServer(
      gateway({
        '/v3/kv/range': (socket) => {
          answerJson(socket, JSON.stringify({ header: { revision: '1' }, more: true, kvs: kvs() }))
          page++
        }
      })
    )
    const client = await EtcdClient.create(hostOf(server), {})

    await expect(client.list(PREFIX, MEBIBYTE)).rejects.toThrowError(`more than 400000 keys or ${MEBIBYTE} bytes`)

    expect(page).toBeLessThan(60)
    client.close()
  })

  const logins: Record<string, string | Buffer> = {
    ...hostileBodies('{"token":"secret"}'),
    'a token that is no header': '{"token":"a\\r\\nb: c"}',
    'a token that is a number': '{"token":1e999}',
    'a huge token': `{"token":"${'x'.repeat(MEBIBYTE)}"}`
  }
  it('is asked for nothing where it lets us in without a token', () =>
    tryAllAtOnce(logins, async (body) => {
      await using server = await startHostileServer(gateway({ '/v3/auth/authenticate': answering(body) }))
      const client = await EtcdClient.create(hostOf(server), { user: 'kontrol' })

      await expect(client.list(PREFIX, MEBIBYTE)).rejects.toThrowError('etcd does not let "kontrol" in')

      expect(server.requests.every((request) => request.endsWith('/authenticate'))).toBe(true)
      client.close()
    }))

  it('answers each request in a form that is known, or is refused, whichever bytes are wrong', async () => {
    let seed = 0
    const txn =
      '{"header":{"cluster_id":"9","revision":"5"},"succeeded":true,"responses":[{"response_range":{"kvs":[]}}]}'
    await using server = await startHostileServer((socket, request) => {
      answerJson(
        socket,
        mutated(seed, request.includes('/txn') ? txn : request.includes('/range') ? RANGE : '{"ID":"7","TTL":"60"}')
      )
    })
    const client = await EtcdClient.create(hostOf(server), {})
    for (; seed < 300; seed++) {
      for (const asked of [
        () => client.list(PREFIX, MEBIBYTE),
        () => client.transact([], [{ get: 'a' }]),
        () => client.grantLease(5)
      ]) {
        const found = await asked().catch((reason: unknown) => reason)
        if (found instanceof Error) expect(found).not.toBeInstanceOf(TypeError)
        else
          for (const value of Object.values(found as object))
            if (typeof value === 'number') expect(value).toBeLessThan(1e15)
      }
    }
    client.close()
  })
})

describe('a watch of etcd that is none', () => {
  const other = (more: object): string => JSON.stringify({ ...KEPT, key: 'y', id: 'web-y', ...more })
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  const lines: Record<string, string | Buffer> = {
    ...Object.fromEntries(
      Object.entries(hostileBodies(watchLine(2, []))).map(([what, body]) => [
        what,
        Buffer.concat([Buffer.from(body), Buffer.from('\n')])
      ])
    ),
    'an error with a long reason': `{"error":{"message":"${'x'.repeat(MEBIBYTE)}"}}\n`,
    'a watch that is cancelled at length': `{"result":{"canceled":true,"cancel_reason":"${'x'.repeat(MEBIBYTE)}"}}\n`,
    'a revision that cannot be counted with': watchLine('9'.repeat(18), []),
    'an event without a key': '{"result":{"events":[{"kv":null}]}}\n',
    'values that are no pods': watchLine(
      3,
      [
        'null',
        '1e999',
        '[]',
        deep,
        other({ ip: '0.0.0.0' }),
        other({ payload: 0 }).replace('"payload":0', `"payload":${deep}`)
      ].map((value) => ({ kv: kv('pods/y', value, 3) }))
    ),
    'values below other keys': watchLine(
      3,
      ['pods/', 'pods/../x', 'pods/__proto__', 'masters/m/0', 'seq', 'filled', '__proto__'].map((key) => ({
        kv: kv(key, '\0[1e999', 3)
      }))
    )
  }
  const streams: Record<string, (socket: Socket) => unknown> = {
    ...Object.fromEntries(Object.entries(lines).map(([what, line]) => [what, (socket: Socket) => socket.end(line)])),
    'a line without an end': (socket) => pour(socket, 'x'.repeat(64 * 1024)),
    'half a line, and silence': (socket) => socket.write(watchLine(2, []).slice(0, 20)),
    'the end': (socket) => socket.end()
  }

  it('changes no pod, and is begun again with pauses', () =>
    tryAllAtOnce(streams, async (stream) => {
      let isHostile = true
      await using server = await startHostileServer(
        gateway({}, (socket) => {
          if (isHostile) void stream(socket)
          return isHostile
        })
      )
      await using master = await startMaster({ hosts: [hostOf(server)], app: 'a', ttlMs: 20_000 })
      const listings = () => server.requests.filter((request) => request.endsWith('/range')).length
      const lost = () => master.lines.filter(({ msg }) => msg === 'etcd lost')
      const startedAt = performance.now()

      await eventually(() => lost().length >= 1 && listings() >= 2, 30_000)

      const seconds = (performance.now() - startedAt) / 1000
      // Pauses of 0.1, 0.2, 0.4, 0.8, 1.6 and then 2 seconds, of which a quarter is left to chance.
      expect(listings()).toBeLessThan(7 + seconds)
      for (const { reason } of lost()) expect(String(reason).length).toBeLessThan(1000)
      expect(master.pods()).toEqual([['x', 0]])
      expect(({} as { x?: unknown }).x).toBeUndefined()
      isHostile = false
      await eventually(
        () => master.lines.filter(({ msg }) => msg === 'etcd found again').length >= lost().length,
        30_000
      )
      expect(master.pods()).toEqual([['x', 0]])
    }))
})

function answering(body: string | Buffer): RawAnswer {
  return (socket) => answerJson(socket, body)
}
