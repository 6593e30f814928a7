import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MasterWord } from '../../../src/model/master.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import type { EtcdAccess } from '../../../src/registry/etcd/gateway.ts'
import { EtcdStore } from '../../../src/registry/etcd/store.ts'
import { storeContract } from '../../contract/store.contract.ts'
import { selfSigned } from '../../support/certificates.ts'
import { eventually } from '../../support/eventually.ts'
import { startEtcd, type EtcdCluster } from '../../support/neighbours/start-etcd.ts'
import { keepalive, startMaster } from '../../support/service/start-master.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { recordingLogger, silentLogger } from '../../support/test-logger.ts'

let etcd: EtcdCluster
let apps = 0
const MAX_LISTED_BYTES = 2 ** 26

interface Peer {
  hosts: readonly string[]
  access?: EtcdAccess
  word?: () => MasterWord
}

const createStore = (app: string, { hosts, access = {}, word }: Peer) =>
  new EtcdStore({
    hosts,
    access,
    namespace: 'test',
    app,
    id: 'm',
    foverMs: 2000,
    ttlMs: 5000,
    maxListedBytes: MAX_LISTED_BYTES,
    word,
    clock: systemClock,
    logger: silentLogger()
  })

const base64 = (text: string): string => Buffer.from(text).toString('base64')

beforeAll(async () => {
  etcd = await startEtcd()
})
afterAll(() => etcd[Symbol.asyncDispose]())

storeContract('EtcdStore', async () => {
  const app = `contract-${apps++}`
  return { createStore: () => createStore(app, etcd), dispose: async () => {} }
})

describe('EtcdStore', () => {
  it('waits for an etcd that is not there, says so, and gives up when told to, with a hint', async () => {
    const { logger, lines } = recordingLogger()
    const hosts = ['http://127.0.0.1:1']
    const times = { foverMs: 2000, ttlMs: 5000, maxListedBytes: MAX_LISTED_BYTES }
    const store = new EtcdStore({
      hosts,
      namespace: 'test',
      app: 'nowhere',
      id: 'm',
      ...times,
      clock: systemClock,
      logger
    })
    const given = new AbortController()
    const opened = expect(store.open({} as never, given.signal)).rejects.toMatchObject({
      code: 'KTL_STORE_UNAVAILABLE',
      message: expect.stringContaining('http://127.0.0.1:1') as string,
      hint: expect.stringContaining('KONTROL_ETCD') as string
    })
    await eventually(() => lines.some(({ msg }) => msg === 'waiting for etcd'), 2000)
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'etcd not reached, trying again', etcd: hosts }))
    // The same problem is told once.
    expect(lines.filter(({ level }) => Number(level) >= 40)).toHaveLength(2)

    given.abort()
    await opened
    await store.close()
  })

  it('knows what the other masters that live say of themselves, who leads, and no more of one that left', async () => {
    const app = `words-${apps++}`
    const word = (n: number): MasterWord => ({
      ...{ id: `m-${n}`, ip: `10.0.0.${n}`, version: '1.2.3' },
      config: n === 1 ? null : 'ab'.repeat(32),
      problems: n === 1 ? ['KTL_STARTING'] : []
    })
    const listener = { onHeard() {}, onContact() {}, onLeadership() {}, onMasterLost() {} }
    const stores = [1, 2].map((n) => createStore(app, { ...etcd, word: () => word(n) }))
    const [first, second] = stores as [EtcdStore, EtcdStore]
    for (const store of stores) await store.open(listener as never)

    await eventually(() => first.others.length === 1 && second.others.length === 1)
    const now = systemClock.now()
    expect(first.others).toEqual([{ ...word(2), leading: false, heardAt: expect.any(Number) as number }])
    expect(second.others).toEqual([{ ...word(1), leading: true, heardAt: expect.any(Number) as number }])
    expect(Math.abs((second.others[0]?.heardAt ?? 0) - now)).toBeLessThan(5000)

    await first.close()
    await eventually(() => second.others.length === 0)
    await second.close()
    expect(second.others).toEqual([])
  })

  describe('when others write to its keys', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const pod = (more: object): string =>
      JSON.stringify({ ...keepalive('bad'), ip: '10.9.9.9', seq: 3, firstSeen: 1, ...more })
    const bad: [what: string, value: string][] = [
      ['null', 'null'],
      ['a number', '5'],
      ['an array', '[]'],
      ['no JSON', '{'],
      ['nothing', ''],
      ['a deep payload', pod({ payload: 0 }).replace('"payload":0', `"payload":${deep}`)],
      ['a large payload', pod({ payload: 'x'.repeat(40_000) })],
      ['a pod of another key', pod({ key: 'other' })],
      ['an address that is none', pod({ ip: '10.0.0.1\n  server evil' })],
      ['an app with white space', pod({ app: 'a b' })],
      ['no number', pod({ seq: 'NaN' })],
      ['a number that cannot be counted on', pod({ seq: Number.MAX_SAFE_INTEGER })],
      ['a number below 0', pod({ seq: -1 })]
    ]
    const put = (app: string, name: string, value: string): Promise<unknown> =>
      etcd.call('/v3/kv/put', { key: base64(`/kontrol/test/${app}/${name}`), value: base64(value) })

    it.each(bad)('skips %s where a pod should be, before and while it runs, and replaces it', async (_, value) => {
      const app = `bad-${apps++}`
      await put(app, 'pods/bad', value)
      await using a = await startMaster({ hosts: etcd.hosts, app })
      expect(a.pods()).toEqual([])
      expect(a.registry.skippedValues).toBe(1)
      expect(a.lines).toContainEqual(
        expect.objectContaining({ msg: 'value in etcd skipped', key: `/kontrol/test/${app}/pods/bad` })
      )

      await a.registry.keepalive(keepalive('good'))
      await put(app, 'pods/good', value)
      await eventually(() => a.registry.skippedValues === 2)
      await a.registry.keepalive(keepalive('bad'))
      expect(a.pods()).toEqual([
        ['good', 0],
        ['bad', 1]
      ])
      await using b = await startMaster({ hosts: etcd.hosts, app })
      await eventually(() => b.pods().some(([key]) => key === 'bad'))
    })

    it.each(['NaN', '', '-1', '1e400', '{"x":1}', '0'])('counts on whatever the counter is: %j', async (value) => {
      const app = `bad-${apps++}`
      await using a = await startMaster({ hosts: etcd.hosts, app })
      for (const key of ['x', 'y']) await a.registry.keepalive(keepalive(key))
      await put(app, 'seq', value)
      await a.registry.keepalive(keepalive('z'))
      expect(a.pods().map(([, seq]) => seq)).toEqual([0, 1, 2])
      await put(app, 'seq', value)
      await using b = await startMaster({ hosts: etcd.hosts, app })
      await b.registry.keepalive(keepalive('w'))
      expect(b.pods().map(([, seq]) => seq)).toEqual([0, 1, 2, 3])
    })
  })
})

describe('EtcdStore, on an etcd that asks who it is', () => {
  let guarded: EtcdCluster
  let folder: Awaited<ReturnType<typeof tempDir>>
  let access: EtcdAccess & { passwordFile: string }
  let root: Record<string, string>

  const login = async (name: string, password: string): Promise<Record<string, string>> => {
    const { token } = (await guarded.call('/v3/auth/authenticate', { name, password })) as { token: string }
    return { authorization: token }
  }

  beforeAll(async () => {
    folder = await tempDir()
    // With a CommonName etcd refuses its own gateway as soon as users are asked for.
    const { cert, key } = await selfSigned('/O=etcd')
    const files = { ca: folder.file('cert.pem'), cert: folder.file('cert.pem'), key: folder.file('key.pem') }
    await writeFile(files.cert, cert)
    await writeFile(files.key, key)
    access = { ...files, user: 'kontrol', passwordFile: folder.file('password') }
    await writeFile(access.passwordFile, 'secret\n')
    guarded = await startEtcd(1, files)
    const range = { key: base64('/kontrol/test/'), range_end: base64('/kontrol/test0') }
    await guarded.call('/v3/auth/role/add', { name: 'masters' })
    await guarded.call('/v3/auth/role/grant', { name: 'masters', perm: { permType: 'READWRITE', ...range } })
    await guarded.call('/v3/auth/role/add', { name: 'root' })
    for (const [name, role] of [
      ['root', 'root'],
      ['kontrol', 'masters']
    ]) {
      await guarded.call('/v3/auth/user/add', { name, password: 'secret' })
      await guarded.call('/v3/auth/user/grant', { user: name, role })
    }
    await guarded.call('/v3/auth/enable', {})
    root = await login('root', 'secret')
  })
  afterAll(async () => {
    await guarded[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  storeContract('EtcdStore with a user and TLS', async () => {
    const app = `contract-${apps++}`
    return { createStore: () => createStore(app, { hosts: guarded.hosts, access }), dispose: async () => {} }
  })

  it('logs in again with the new password when the old one is changed under it', async () => {
    await using a = await startMaster({ hosts: guarded.hosts, app: 'rotated', access })
    await a.registry.keepalive(keepalive('x'))
    await writeFile(access.passwordFile, 'other\n')
    await guarded.call('/v3/auth/user/changepw', { name: 'kontrol', password: 'other' }, root)
    await a.registry.keepalive(keepalive('y'))

    expect(a.registry.size).toBe(2)
    expect(a.lines.filter(({ msg }) => msg === 'etcd lost')).toEqual([])
  })

  it.each([
    ['user', { user: undefined }, /permission denied/],
    ['password', { passwordFile: undefined }, /does not let "kontrol" in/],
    ['certificate', { cert: undefined, key: undefined }, /./],
    ['authority', { ca: undefined }, /self.signed/i]
  ] as const)('says what is wrong without the right %s', async (_, without, problem) => {
    const { logger, lines } = recordingLogger()
    const times = { foverMs: 2000, ttlMs: 5000, maxListedBytes: MAX_LISTED_BYTES }
    const store = new EtcdStore({
      hosts: guarded.hosts,
      access: { ...access, ...without },
      namespace: 'test',
      app: 'stranger',
      id: 'm',
      ...times,
      clock: systemClock,
      logger
    })
    const given = new AbortController()
    const opened = expect(store.open({} as never, given.signal)).rejects.toMatchObject({
      code: 'KTL_STORE_UNAVAILABLE'
    })
    await eventually(() => lines.some(({ msg }) => msg === 'etcd not reached, trying again'))
    expect(lines.find(({ msg }) => msg === 'etcd not reached, trying again')?.problem).toMatch(problem)
    expect(JSON.stringify(lines)).not.toContain('secret')
    given.abort()
    await opened
    await store.close()
  })
})
