import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseCommand } from '../../src/access/command-rules.ts'
import { externalAddresses, parseExposeInput } from '../../src/dns/records/addresses.ts'
import { KontrolError } from '../../src/errors.ts'
import { OwnServers } from '../../src/haproxy/config/own-servers.ts'
import { ConfigReader } from '../../src/haproxy/config/model.ts'
import { readWorkerRecord } from '../../src/haproxy/files/worker-record.ts'
import { parseListeners } from '../../src/haproxy/process/listeners.ts'
import { ChangeJournal } from '../../src/haproxy/servers/change-journal.ts'
import { ServerTable } from '../../src/haproxy/servers/server-table.ts'
import { parseProcesses, parseReload } from '../../src/haproxy/socket/master-cli.ts'
import { parseServersState } from '../../src/haproxy/socket/show-servers-state.ts'
import { parseStat } from '../../src/haproxy/socket/show-stat.ts'
import { kontrolRoutes } from '../../src/http/routes/kontrol.ts'
import { buildServer } from '../../src/http/server.ts'
import { parseDownwardMap } from '../../src/kubernetes/downward-files.ts'
import { nodeMetadata, parseNodeObject, parsePodObject, podMetadata } from '../../src/kubernetes/pod-metadata.ts'
import { parseManifest } from '../../src/lifecycle/manifest/manifest.ts'
import { parseHosts } from '../../src/model/json/hosts.ts'
import { parseJson, stringifyJson } from '../../src/model/json/json.ts'
import { parseKeepalive } from '../../src/model/keepalive.ts'
import { parsePod } from '../../src/model/pod.ts'
import { EtcdKeys } from '../../src/registry/etcd/keys.ts'
import { EtcdMirror } from '../../src/registry/etcd/mirror.ts'
import { bytes, readRange, readTxn } from '../../src/registry/etcd/wire.ts'
import { parseSocatCommand } from '../../src/slave/script/socat-command.ts'
import { ZmtpPeer } from '../../src/zerorpc/zmtp-peer.ts'
import { decodeEvent } from '../../src/zerorpc/zerorpc-message.ts'
import { makeAccess } from '../support/registry/make-access.ts'
import { event, GREETING, message, READY_DEALER } from '../support/zerorpc/raw-zerorpc.ts'
import { SeededRandom } from '../support/seeded-random.ts'
import { silentLogger } from '../support/test-logger.ts'

/** All together more than 100,000 inputs. */
const MANY = 20_000
const FEWER = 4_000
const SLOW = 500
/** No input takes longer, on a busy machine neither. */
const LONGEST_MS = 5_000

/** What a seed is made of, changed: bytes flipped, cut, doubled, and the pieces that parsers stumble over put in. */
const PIECES = [
  ...['\0', '\n', '\r\n', '"', "'", '\\', '#', '$', '%', '{', '}', '[', ']', ',', ':', ' ', '\t', '\uFEFF', '\u2028'],
  ...[
    'null',
    'true',
    '-0',
    '1e999',
    '99999999999999999999',
    'NaN',
    '__proto__',
    'constructor',
    '../',
    '${PATH}',
    '`id`'
  ],
  ...[
    'é',
    '\ud800',
    '💥',
    '%n',
    '<script>',
    'A'.repeat(300),
    '['.repeat(600),
    '{"a":'.repeat(200),
    '0.0.0.0',
    '::',
    '-1'
  ]
]

function mutated(random: SeededRandom, seed: string): string {
  let text = seed
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const at = random.below(text.length + 1)
    const until = Math.min(text.length, at + random.below(12))
    switch (random.below(5)) {
      case 0:
        text = text.slice(0, at) + random.pick(PIECES) + text.slice(at)
        break
      case 1:
        text = text.slice(0, at) + text.slice(until)
        break
      case 2:
        text = text.slice(0, at) + random.pick(PIECES) + text.slice(until)
        break
      case 3:
        text = text.slice(0, until) + text.slice(at)
        break
      default:
        text =
          text.slice(0, at) + String.fromCharCode(random.below(random.chance(0.1) ? 65_536 : 128)) + text.slice(at + 1)
    }
  }
  return text
}

function mutatedBytes(random: SeededRandom, seed: Buffer): Buffer {
  const changed = Buffer.from(seed)
  for (let changes = random.below(6); changes > 0 && changed.length > 0; changes--) {
    changed[random.below(changed.length)] = random.below(256)
  }
  return random.chance(0.3) ? changed.subarray(0, random.below(changed.length + 1)) : changed
}

/** A value of JSON, as one who writes into a store makes it. */
function value(random: SeededRandom, depth = 0): unknown {
  const leaves = [null, true, 0, -1, 1e308, '', 'web', '10.0.0.1', '\n', [], {}, 2 ** 60, '__proto__']
  if (depth > 3 || random.chance(0.5)) return random.pick(leaves)
  if (random.chance(0.5)) return random.some(0, 3, () => value(random, depth + 1))
  const names = ['app', 'ip', 'key', 'metadata', 'status', 'addresses', 'labels', 'podIP', 'kvs', 'header', 'payload']
  return Object.fromEntries(random.some(0, 4, () => [random.pick(names), value(random, depth + 1)]))
}

const KEEPALIVE =
  '{"app":"web","id":"web-1","ip":"10.0.0.1","key":"k1","role":"r","nonce":"a1","payload":{"eip":["1.2.3.4"],"n":1.0}}'
const NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/

/** Tries each input, and holds what was thrown against what may be. */
async function tryAll(
  count: number,
  seed: number,
  attempt: (random: SeededRandom) => void | Promise<void>
): Promise<number> {
  const random = new SeededRandom(seed)
  let refused = 0
  for (let index = 0; index < count; index++) {
    const startedAt = performance.now()
    try {
      await attempt(random)
    } catch (error) {
      refused++
      const foreseen =
        error instanceof KontrolError || error instanceof SyntaxError || (error as Error).name === 'JsonSyntaxError'
      if (!foreseen) throw new Error(`input ${index} of seed ${seed}`, { cause: error })
    }
    expect(performance.now() - startedAt).toBeLessThan(LONGEST_MS)
  }
  return refused
}

/** What a reader throws; anything but an Error fails the test. */
function faultOf(read: () => unknown): Error | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(Error)
    return error as Error
  }
}

describe('whatever comes through a door', { timeout: 60_000 }, () => {
  it('as a keepalive is taken as it must be, or refused', async () => {
    const refused = await tryAll(MANY, 1, (random) => {
      const pod = parseKeepalive(parseJson(mutated(random, KEEPALIVE)))
      if (!NAME.test(pod.app) || !NAME.test(pod.key) || !/^[\da-f.:]+$/i.test(pod.ip)) throw new Error('taken')
      if (/^(?:0\.|22[4-9]\.|169\.254\.)/.test(pod.ip)) throw new Error('taken')
      if (stringifyJson(pod.payload ?? null).length > 33_000) throw new Error('taken')
    })
    expect(refused).toBeGreaterThan(MANY / 20)
  })

  it('as a command of the automaton, by the socket or a script, is one of five, or none', async () => {
    const seeds = ['GOTO configure', 'WAIT configure \'{"web": ["10.0.0.1"]}\'', 'SET NAME a b', 'STATE', 'DIE']
    await tryAll(MANY, 2, (random) => {
      const text = mutated(random, random.pick(seeds))
      const command = parseCommand(text)
      if (command !== undefined && !text.startsWith(command.verb)) throw new Error('taken')
      parseSocatCommand(mutated(random, `echo ${text} | socat -t 60 - /tmp/sock`), {
        input: text,
        socketPath: '/tmp/sock'
      })
    })
  })

  it('as hosts or addresses of another master is a list of hosts, or refused', async () => {
    await tryAll(MANY / 2, 3, (random) => {
      const text = mutated(random, '{"web": ["10.0.0.1", "2001:db8::1"], "db": []}')
      for (const [app, ips] of parseHosts(text))
        if (!NAME.test(app) || ips.some((ip) => !/^[\da-f.:]+$/i.test(ip))) throw new Error('taken')
    })
    await tryAll(MANY / 2, 4, (random) => void parseExposeInput(mutated(random, '["1.2.3.4", "2001:db8::1", null]')))
    await tryAll(
      MANY / 2,
      5,
      (random) => void externalAddresses([{ payload: value(random) }, { payload: { eip: value(random) } }])
    )
  })

  it('as ZMTP and msgpack ends no process and holds no memory', async () => {
    const call = event('ping', [KEEPALIVE], 'python 3')
    const whole = Buffer.concat([
      GREETING,
      READY_DEALER,
      message(call),
      message(event('invoke', ['{"cmd":"x"}'], 'python 2 raw'))
    ])
    let written = 0
    await tryAll(MANY, 6, (random) => {
      const messages: Buffer[][] = []
      const peer = new ZmtpPeer({
        socketType: 'ROUTER',
        accepts: ['DEALER', 'REQ', 'ROUTER'],
        limits: { messageBytes: 256 * 1024, frames: 8 },
        write: (frame) => (written += frame.length),
        onMessage: (frames) => messages.push(frames)
      })
      const given = mutatedBytes(random, whole)
      const cut = random.below(given.length + 1)
      peer.receive(given.subarray(0, cut))
      peer.receive(given.subarray(cut))
      for (const frames of messages) decodeEvent(frames.at(-1) ?? Buffer.alloc(0))
    })
    expect(written).toBeLessThan(MANY * 300)
    await tryAll(MANY, 7, (random) => void decodeEvent(mutatedBytes(random, call)))
  })

  it('as a manifest is a machine, or refused with what is wrong', async () => {
    const seed = 'initial: a\nterminal: b\nstates:\n  - tag: a\n    shell: echo $X\n    next: [b, "c*"]\n  - tag: b\n'
    expect(await tryAll(SLOW, 8, (random) => void parseManifest(mutated(random, seed)))).toBeGreaterThan(0)
  })

  it("as HAProxy's answer is read, or read as nothing", async () => {
    const stat =
      '# pxname,svname,scur,stot,bin,bout,status,addr,\nf,FRONTEND,0,0,0,0,OPEN,,\nb,s1,0,0,0,0,UP,10.0.0.1:80,\n'
    const state = '1\n# be_id be_name\n3 b 1 s1 127.0.77.2 0 0 1 1 3 8 2 0 6 0 0 0 - 9001 - 0 0 - - 0\n'
    const processes =
      '#<PID> <type> <reloads> <uptime> <version>\n1 master 0 0d00h00m08s 2.6.12\n# workers\n2 worker 0 0d00h00m08s 2.6.12\n'
    await tryAll(FEWER, 9, async (random) => {
      await parseStat(mutated(random, stat))
      await parseServersState(mutated(random, state))
      parseProcesses(mutated(random, processes))
      parseListeners(
        mutated(random, '  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 38349 1\n')
      )
      parseReload(mutated(random, 'Success=1\n--\n[NOTICE] ok\n'))
    })
  })

  it('as a configuration is read in one pass', async () => {
    const seed =
      'frontend f\n  bind *:80,[::]:443 ssl\nbackend b\n  server s1 10.0.0.1:80 check\n  server "s 2" 127.0.0.1:80 # c\n'
    const reader = new ConfigReader()
    const ownServers = new OwnServers(8000)
    await tryAll(FEWER, 10, async (random) => {
      const text = mutated(random, seed)
      await reader.read(text)
      await ownServers.of(text, () => true)
    })
  })

  it("as Kubernetes' answer is metadata, or refused", async () => {
    await tryAll(FEWER, 11, (random) => {
      const answer = value(random)
      for (const found of [podMetadata(parsePodObject(answer)), nodeMetadata(parseNodeObject(answer))]) {
        for (const text of Object.values(found)) if (typeof text !== 'string') throw new Error('taken')
      }
    })
    await tryAll(
      FEWER,
      12,
      (random) => void parseDownwardMap(mutated(random, 'app="haproxy"\na.b/c="x\\n\\"y\\""\n'), 'labels')
    )
  })

  it('as a value of etcd or LMDB is a pod, or skipped', async () => {
    const stored = KEEPALIVE.replace('{', '{"seq":3,"firstSeen":1,')
    const keys = new EtcdKeys({ namespace: 'default', app: 'haproxy' })
    const mirror = new EtcdMirror({ keys, logger: silentLogger() })
    let revision = 1
    const apply = (text: string | undefined, key: string): void => {
      revision++
      mirror.applyAll([{ key, value: text, createRevision: revision, modRevision: revision }], revision)
    }
    for (let index = 0; index < FEWER; index++) {
      const random = new SeededRandom(index)
      apply(random.chance(0.5) ? mutated(random, stored) : stringifyJson(value(random)), keys.pod('k1'))
    }
    for (const { pod } of mirror.pods.values()) expect(pod.key).toBe('k1')
    expect(mirror.skipped).toBeGreaterThan(100)
  })

  it('as a stored pod is one, or refused in a way that is foreseen', async () => {
    const stored = KEEPALIVE.replace('{', '{"seq":3,"firstSeen":1,')
    const random = new SeededRandom(13)
    let refused = 0
    for (let index = 0; index < FEWER; index++) {
      const text = random.chance(0.5) ? mutated(random, stored) : stringifyJson(value(random))
      const error = faultOf(() => parsePod('k1', parseJson(text)))
      if (error !== undefined) refused++
      expect(error).not.toBeInstanceOf(RangeError)
    }
    expect(refused).toBeGreaterThan(FEWER / 4)
  })

  it("as etcd's answer is one, or refused", async () => {
    const range = { header: { revision: '5' }, kvs: [{ key: bytes('a'), value: bytes('b'), mod_revision: '4' }] }
    const random = new SeededRandom(14)
    for (let index = 0; index < FEWER; index++) {
      for (const read of [readRange, readTxn]) {
        faultOf(() => read(random.chance(0.5) ? value(random) : parseJson(mutated(random, JSON.stringify(range)))))
      }
    }
  })

  describe('as a file beside HAProxy', () => {
    let folder: string
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'fuzz-'))
    })
    afterAll(() => rm(folder, { recursive: true }))

    it('is what was written, or nothing', async () => {
      const journal =
        '{"worker":7}\n{"begin":[{"kind":"add","pool":"b\\u0000","backend":"b","name":"s1","id":1,"line":"server s1 10.0.0.1:80"}]}\n{"done":true}\n{"spare":["b","s1"]}\n'
      const random = new SeededRandom(14)
      for (let index = 0; index < SLOW; index++) {
        const path = join(folder, 'file')
        await writeFile(path, mutated(random, journal))
        const changes = await new ChangeJournal(path, silentLogger()).replay(7, new ServerTable())
        expect(changes === undefined || Number.isInteger(changes)).toBe(true)
        await writeFile(path, mutated(random, '{"masterPid":1,"workerPid":2,"digest":"aa"}\n'))
        await readWorkerRecord(path)
      }
    })
  })

  it('as HTTP is answered with a code of ours, and changes nothing when it is refused', async () => {
    const taken: unknown[] = []
    const access = makeAccess({ operate: ['secret'] })
    const app = buildServer({ logger: silentLogger(), access })
    await app.register(kontrolRoutes, {
      keepalives: {
        take: (body) => void taken.push(parseKeepalive(body)),
        refused: () => {},
        callbackState: () => undefined
      },
      scripts: { run: async (body) => String((body as { cmd?: unknown } | null)?.cmd) },
      leave: () => taken.push('left')
    })
    const random = new SeededRandom(16)
    let ok = 0
    for (let index = 0; index < FEWER; index++) {
      const answer = await app.inject({
        method: random.pick(['PUT', 'POST', 'GET', 'DELETE', 'HEAD', 'OPTIONS']),
        url: random.pick([
          '/ping',
          '/script',
          '/down',
          '/state',
          `/${encodeURIComponent(mutated(random, 'api/v1/pods').replaceAll(/[\ud800-\udfff]/g, ''))}`
        ]),
        headers: {
          ...(random.chance(0.5) && { authorization: 'Bearer secret' }),
          ...(random.chance(0.3) && { 'content-type': mutated(random, 'application/json').replaceAll(/[^ -~]/g, '') }),
          ...(random.chance(0.2) && { origin: mutated(random, 'http://127.0.0.1:8000').replaceAll(/[^ -~]/g, '') }),
          ...(random.chance(0.2) && { host: mutated(random, '127.0.0.1:8000').replaceAll(/[^ -~]/g, '') })
        },
        payload: mutated(random, KEEPALIVE)
      })
      expect(answer.statusCode).not.toBe(500)
      if (answer.statusCode === 200) ok++
      else if (answer.body !== '') expect(answer.json()).toHaveProperty('code', expect.stringMatching(/^KTL_/))
    }
    expect(ok).toBeGreaterThan(0)
    expect(taken.length).toBeLessThanOrEqual(ok)
    await app.close()
  })
})
