import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startBreakableProxy } from '../../support/neighbours/breakable-proxy.ts'
import { eventually } from '../../support/eventually.ts'
import { startEtcd, type EtcdCluster } from '../../support/neighbours/start-etcd.ts'
import {
  keepalive,
  startMaster,
  startPods,
  type Master,
  type MasterOptions
} from '../../support/service/start-master.ts'

const TTL = 2000
const EVERY = 0.5 * TTL

const leaders = (masters: readonly Master[]): Master[] => masters.filter(({ registry }) => registry.leading)
const downs = ({ events }: Master) => events.filter(({ type }) => type === 'pod-down')
const held = ({ registry }: Master) => [...registry.pods()].filter((pod) => pod.held).map(({ key }) => key)

const saveState = async ({ registry }: Master, state: string): Promise<void> =>
  registry.saveCallbackRun({ digest: 'aa', state }, (await registry.confirmLeadership()).term)

const running: Disposable[] = []
/** Pods that ping until they are stopped, or the test ends. */
function pinging(...args: Parameters<typeof startPods>): Disposable {
  const pods = startPods(...args)
  running.push(pods)
  return pods
}
afterEach(() => {
  for (const pods of running.splice(0)) pods[Symbol.dispose]()
})

describe('Several masters on one etcd', () => {
  let etcd: EtcdCluster
  let app: string
  let apps = 0
  const start = (more: Partial<MasterOptions> = {}) => startMaster({ hosts: etcd.hosts, app, ...more })

  beforeAll(async () => {
    etcd = await startEtcd()
  })
  afterAll(() => etcd[Symbol.asyncDispose]())
  beforeEach(() => {
    app = `masters-${apps++}`
  })

  it('agree on pods, numbers and digest, though all pods ping all masters at the same moment', async () => {
    await using a = await start()
    await using b = await start()
    await using c = await start()
    const keys = Array.from({ length: 300 }, (_, i) => `k${i}`)
    pinging(keys, [a, b, c], { everyMs: EVERY })

    await eventually(() => [a, b, c].every(({ registry }) => registry.size === 300))

    expect(a.pods().map(([, seq]) => seq)).toEqual(keys.map((_, i) => i))
    expect(b.pods()).toEqual(a.pods())
    expect(c.pods()).toEqual(a.pods())
    await eventually(() => new Set([a, b, c].map(({ registry }) => registry.snapshot().digest)).size === 1)
    expect(a.events.filter(({ type }) => type === 'pod-up')).toHaveLength(300)
  })

  it('tell one another of new, changed and leaving pods', async () => {
    await using a = await start()
    await using b = await start()
    await a.registry.keepalive(keepalive('x'))
    await b.registry.keepalive(keepalive('y'))
    await eventually(() => a.registry.size === 2 && b.registry.size === 2)

    await b.registry.keepalive(keepalive('x', { payload: { n: 1 } }))
    await eventually(() => a.registry.snapshot().pods[0]?.payload !== undefined)
    expect(a.registry.snapshot().digest).toBe(b.registry.snapshot().digest)

    await a.registry.keepalive(keepalive('y', { down: true }))
    await eventually(() => b.registry.size === 1)
    expect(downs(b)).toMatchObject([{ pod: { key: 'y' }, reason: 'down' }])
    await b.registry.keepalive(keepalive('y'))
    await eventually(() => a.registry.size === 2)
    expect(a.pods()).toEqual([
      ['x', 0],
      ['y', 2]
    ])
  })

  it('tell two apps on the address of one host apart, whichever master each of them pings', async () => {
    await using a = await start()
    await using b = await start()
    const ping = async (name: string, { registry }: Master) => registry.keepalive(keepalive('host', { app: name }))
    const kept = ({ registry }: Master) => registry.snapshot().pods.map((pod) => `${pod.app} ${pod.key}`)
    const known = (...pods: string[]) => eventually(() => [a, b].every((one) => kept(one).join() === pods.join()))
    await ping('web', a)
    await known('web host')
    await ping('db', b)
    await known('db host')

    await ping('web', a)
    await known('db host', 'web host.web')
    const told = [a, b].map(({ events }) => events.length)
    // Longer than a TTL, so that the keepalives at one of them count at the other.
    for (let i = 0; i < 10; i++) {
      await ping('web', i % 2 === 0 ? a : b)
      await ping('db', b)
      await sleep(TTL / 5)
    }
    await known('db host', 'web host.web')
    expect([a, b].map(({ events }) => events.length)).toEqual(told)

    await a.registry.keepalive(keepalive('host', { app: 'db', down: true }))
    await known('web host.web')
    await ping('db', b)
    await known('web host.web', 'db host')
    await using late = await start()
    expect(kept(late)).toEqual(kept(a))
  })

  it('keep pods that ping each time another of them, and drop them everywhere when they fall silent', async () => {
    await using a = await start()
    await using b = await start()
    await using c = await start()
    const masters = [a, b, c]
    // Each master hears of each pod every 1.5 TTL only.
    const pods = pinging(['x', 'y'], masters, { everyMs: EVERY, at: 'next' })
    await eventually(() => masters.every(({ registry }) => registry.size === 2))
    await sleep(4 * TTL)
    expect(masters.flatMap(downs)).toEqual([])

    pods[Symbol.dispose]()
    await eventually(() => masters.every(({ registry }) => registry.size === 0))
    for (const master of masters) expect(downs(master)).toMatchObject([{ reason: 'expired' }, { reason: 'expired' }])
  })

  it('hold an app that falls silent as a whole, under its old numbers', async () => {
    await using a = await start()
    await using b = await start()
    for (const key of ['p', 'q', 'r', 's']) {
      await a.registry.keepalive(keepalive(key))
      await sleep(TTL / 8)
    }
    const before = a.pods()

    await eventually(() => held(a).length === 4 && held(b).length === 4)
    expect(a.pods()).toEqual(before)
    expect(b.pods()).toEqual(before)

    for (const key of ['p', 'q', 'r', 's']) await b.registry.keepalive(keepalive(key))
    await eventually(() => held(a).length === 0 && held(b).length === 0)
  })

  it('have one leader, and another at once when it leaves', async () => {
    const a = await start()
    await using b = await start()
    await using c = await start()
    expect(leaders([a, b, c])).toEqual([a])

    await a[Symbol.asyncDispose]()
    await eventually(() => leaders([b, c]).length === 1)
    const [next] = leaders([b, c])
    expect(next?.events).toContainEqual({ type: 'leader', leading: true })
    expect(leaders([a, b, c])).toEqual([next])
  })

  it('replace a leader that is killed, and keep what it knew', async () => {
    const script = new URL('master-process.ts', import.meta.url).pathname
    const child = spawn(process.execPath, ['--import', 'tsx', script, etcd.hosts.join(','), app], {
      stdio: ['pipe', 'pipe', 'inherit']
    })
    const said: string[] = []
    createInterface({ input: child.stdout }).on('line', (line) => said.push(line))
    await eventually(() => said.includes('leading true'), 20_000)
    await using b = await start()
    child.stdin.write('x\ny\n')
    await eventually(() => said.includes('up x') && said.includes('up y') && b.registry.size === 2)
    pinging(['x', 'y'], [b], { everyMs: EVERY })
    expect(b.registry.leading).toBe(false)

    child.kill('SIGKILL')
    await eventually(() => b.registry.leading)
    expect(b.pods().map(([, seq]) => seq)).toEqual([0, 1])
    expect(downs(b)).toEqual([])
  })

  it('share the state of the callback', async () => {
    await using a = await start()
    await using b = await start()
    await saveState(a, '{"md5":"aa"}')
    await eventually(() => b.registry.callbackState() === '{"md5":"aa"}')
    await using c = await start()

    expect(c.registry.callbackState()).toBe('{"md5":"aa"}')
  })

  it('find their pods again when all of them were away for longer than a TTL', async () => {
    const a = await start()
    for (const key of ['x', 'y']) await a.registry.keepalive(keepalive(key))
    await a[Symbol.asyncDispose]()
    await sleep(2 * TTL)
    await using b = await start()

    expect(b.pods()).toEqual([
      ['x', 0],
      ['y', 1]
    ])
    await eventually(() => b.registry.size === 0)
  })

  it('give the pods of a lost master time to find another', async () => {
    const a = await start()
    await using b = await start()
    await a.registry.keepalive(keepalive('x'))
    await eventually(() => b.registry.size === 1)
    await a[Symbol.asyncDispose]()
    await eventually(() => b.lines.some(({ msg }) => msg === 'master lost'))

    expect([...b.registry.pods()][0]?.expiresAt).toBeGreaterThan(Date.now() + 0.5 * TTL)
  })

  describe.each(['cut', 'silence'] as const)('when one loses etcd (%s)', (how) => {
    it('it keeps its pods, steps down, and catches up over a compaction', async () => {
      await using proxy = await startBreakableProxy(etcd.hosts[0] as string)
      await using a = await start({ hosts: [proxy.url] })
      await using b = await start()
      pinging(['x', 'y'], [a, b], { everyMs: EVERY })
      await eventually(() => a.registry.size === 2 && b.registry.size === 2)
      expect(leaders([a, b])).toEqual([a])

      proxy[how]()
      await eventually(() => a.lines.some(({ msg }) => msg === 'etcd lost'), 20_000)
      await eventually(() => leaders([a, b])[0] === b)
      await b.registry.keepalive(keepalive('z'))
      await b.registry.keepalive(keepalive('x', { down: true }))
      pinging(['z'], [b], { everyMs: EVERY })
      await etcd.compact()
      await sleep(TTL)
      expect(a.registry.size).toBe(2)
      await expect(a.registry.keepalive(keepalive('new'))).rejects.toMatchObject({ code: 'KTL_STORE_UNAVAILABLE' })

      proxy.mend()
      await eventually(() => a.pods().some(([key]) => key === 'z'), 20_000)
      await eventually(() => a.registry.snapshot().digest === b.registry.snapshot().digest)
      expect(downs(b)).toHaveLength(1)
      expect(leaders([a, b])).toEqual([b])
    })
  })

  it('keep the pods that never stopped reporting to one that was cut off, and drop those that fell silent', async () => {
    await using proxy = await startBreakableProxy(etcd.hosts[0] as string)
    await using a = await start({ hosts: [proxy.url] })
    await using b = await start()
    pinging(['x'], [a], { everyMs: EVERY })
    const silent = pinging(['gone'], [a], { everyMs: EVERY })
    // Most of the app goes on: no panic.
    pinging(['p', 'q', 'r', 's', 't'], [a, b], { everyMs: EVERY })
    await eventually(() => a.registry.size === 7 && b.registry.size === 7)
    const numbers = a.pods().filter(([key]) => key !== 'gone')

    proxy.cut()
    silent[Symbol.dispose]()
    await eventually(() => b.registry.size === 5, 20_000)
    proxy.mend()
    await eventually(() => b.registry.size === 6, 20_000)
    await eventually(() => a.registry.size === 6 && held(b).length === 0)

    expect(a.pods()).toEqual(numbers)
    await eventually(() => a.registry.snapshot().digest === b.registry.snapshot().digest)
    expect(downs(a)).toMatchObject([{ pod: { key: 'gone' } }])
  })

  it('take a slow etcd for slow and not for lost: known pods live, new ones come, dead ones leave', async () => {
    await using proxy = await startBreakableProxy(etcd.hosts[0] as string)
    const slow = { hosts: [proxy.url], ttlMs: 16_000, foverMs: 10_000 }
    await using a = await start(slow)
    await using b = await start(slow)
    pinging(['x', 'y'], [a, b], { everyMs: 6000, at: 'next' })
    const dead = pinging(['dead'], [a, b], { everyMs: 6000, at: 'next' })
    await eventually(() => a.registry.size === 3 && b.registry.size === 3)
    const leader = leaders([a, b])

    proxy.slow(1000)
    dead[Symbol.dispose]()
    await a.registry.keepalive(keepalive('new'))
    pinging(['new'], [a, b], { everyMs: 6000, at: 'next' })
    await eventually(() => [a, b].every(({ registry }) => registry.size === 3 && downs(a).length === 1), 30_000)
    await sleep(5000)

    for (const { registry } of [a, b]) expect(registry.snapshot().pods.map(({ key }) => key)).toEqual(['x', 'y', 'new'])
    expect([...a.lines, ...b.lines].filter(({ msg }) => /lost|jumped/.test(String(msg)))).toEqual([])
    expect(leaders([a, b])).toEqual(leader)
    expect(downs(b)).toMatchObject([{ pod: { key: 'dead' }, reason: 'expired' }])
  }, 90_000)

  it('remember a goodbye that was said while etcd was away', async () => {
    await using proxy = await startBreakableProxy(etcd.hosts[0] as string)
    await using a = await start({ hosts: [proxy.url] })
    await using b = await start()
    pinging(['y'], [a, b], { everyMs: EVERY })
    await a.registry.keepalive(keepalive('x'))
    const x = pinging(['x'], [b], { everyMs: EVERY })
    await eventually(() => b.registry.size === 2)
    proxy.cut()
    await eventually(() => a.lines.some(({ msg }) => msg === 'etcd lost'))
    await a.registry.keepalive(keepalive('x', { down: true }))
    expect(a.registry.size).toBe(1)
    x[Symbol.dispose]()

    proxy.mend()
    await eventually(() => b.registry.size === 1)
    expect(a.pods()).toEqual(b.pods())
  })
})

describe('Masters, when etcd itself is away', () => {
  it('keep every pod while all of etcd is stopped, and go on when it is back', async () => {
    await using etcd = await startEtcd()
    await using a = await startMaster({ hosts: etcd.hosts, app: 'outage' })
    await using b = await startMaster({ hosts: etcd.hosts, app: 'outage' })
    pinging(['x', 'y'], [a, b], { everyMs: EVERY, at: 'next' })
    await eventually(() => a.registry.size === 2 && b.registry.size === 2)
    const before = a.pods()

    await etcd.killAll()
    await eventually(() => [a, b].every(({ lines }) => lines.some(({ msg }) => msg === 'etcd lost')), 20_000)
    await sleep(3 * TTL)
    expect(a.pods()).toEqual(before)
    expect(b.pods()).toEqual(before)

    await etcd.startAll()
    await eventually(() => [a, b].every(({ lines }) => lines.some(({ msg }) => msg === 'etcd found again')), 20_000)
    await eventually(() => leaders([a, b]).length === 1)
    await eventually(async () => {
      await a.registry.keepalive(keepalive('z'))
      return b.registry.size === 3
    })
    expect(a.pods().slice(0, 2)).toEqual(before)
    expect([...downs(a), ...downs(b)]).toEqual([])
  })

  it('write everything again when etcd comes back without its data', async () => {
    await using etcd = await startEtcd()
    await using a = await startMaster({ hosts: etcd.hosts, app: 'wiped' })
    await using b = await startMaster({ hosts: etcd.hosts, app: 'wiped' })
    pinging(['x', 'y', 'z'], [a, b], { everyMs: EVERY })
    await eventually(() => a.registry.size === 3 && b.registry.size === 3)
    await a.registry.keepalive(keepalive('y', { down: true }))
    await eventually(() => b.pods().some(([key, seq]) => key === 'y' && seq === 3))
    await saveState(leaders([a, b])[0] as Master, '{"md5":"aa"}')
    const before = b.pods()

    await etcd.killAll()
    await etcd.wipe()
    await etcd.startAll()
    await eventually(() => [a, b].every(({ lines }) => lines.some(({ msg }) => msg === 'etcd found again')), 20_000)
    await using c = await startMaster({ hosts: etcd.hosts, app: 'wiped' })

    for (const master of [a, b, c]) expect(master.pods()).toEqual(before)
    expect(c.registry.callbackState()).toBe('{"md5":"aa"}')
    await c.registry.keepalive(keepalive('new'))
    expect(c.pods().at(-1)).toEqual(['new', 4])
  })

  it('do not lose contact again and again, and drop silent pods, while a member of three is down', async () => {
    await using etcd = await startEtcd(3)
    await etcd.kill(0)
    await using a = await startMaster({ hosts: etcd.hosts, app: 'degraded' })
    await using b = await startMaster({ hosts: etcd.hosts, app: 'degraded' })
    const pods = pinging(['x', 'y'], [a, b], { everyMs: EVERY, at: 'next' })
    await eventually(() => a.registry.size === 2 && b.registry.size === 2)
    await sleep(2 * TTL)
    pods[Symbol.dispose]()
    await eventually(() => a.registry.size === 0 && b.registry.size === 0)

    expect([...a.lines, ...b.lines].filter(({ msg }) => msg === 'etcd lost')).toEqual([])
  })

  it('lose no pod when a member of three is killed, whichever it is, or stands still', async () => {
    await using etcd = await startEtcd(3)
    await using a = await startMaster({ hosts: etcd.hosts, app: 'cluster' })
    await using b = await startMaster({ hosts: etcd.hosts, app: 'cluster' })
    pinging(['x', 'y'], [a, b], { everyMs: EVERY, at: 'next' })
    await eventually(() => a.registry.size === 2 && b.registry.size === 2)

    for (const member of [0, 1, 2]) {
      if (member === 2) etcd.freeze(member)
      else await etcd.kill(member)
      await eventually(async () => {
        await a.registry.keepalive(keepalive(`new${member}`))
        await b.registry.keepalive(keepalive(`new${member}`))
        return b.pods().some(([key]) => key === `new${member}`)
      }, 30_000)
      if (member === 2) etcd.thaw(member)
      else await etcd.start(member)
    }

    expect(
      a
        .pods()
        .slice(0, 2)
        .map(([key]) => key)
        .sort()
    ).toEqual(['x', 'y'])
    expect([...downs(a), ...downs(b)].filter((event) => 'pod' in event && !event.pod.key.startsWith('new'))).toEqual([])
  })
})
