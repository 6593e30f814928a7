import { readFile, rm, writeFile } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { startBreakableProxy, type BreakableProxy } from '../../support/neighbours/breakable-proxy.ts'
import { eventually } from '../../support/eventually.ts'
import { startEtcd } from '../../support/neighbours/start-etcd.ts'
import { createService, type RunningService } from '../../support/service/start-service.ts'
import { lives } from '../../support/service/lives.ts'
import { tempDir } from '../../support/temp-dir.ts'

/** Long enough for a machine that is busy, short enough to wait for. */
const FOVER = 4
const SLOW = 60_000

/**
 * Notes when it begins and ends, with the state it found, and whether one that began before it still lives; holds while
 * the file `hold` is there.
 */
const callback = (folder: string): string => `
import json, os, sys, time
folder = ${JSON.stringify(folder)}
def lines():
    try:
        return [json.loads(line) for line in open(folder + '/runs')]
    except FileNotFoundError:
        return []
def note(kind, **more):
    with open(folder + '/runs', 'a') as file:
        file.write(json.dumps(dict(more, kind=kind, pid=os.getpid(), master=os.environ['KONTROL_ID'])) + '\\n')
def lives(pid):
    try:
        return open('/proc/%d/stat' % pid).read().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False
before = lines()
ended = set(line['pid'] for line in before if line['kind'] == 'end')
beside = [line['pid'] for line in before if line['kind'] == 'begin' and line['pid'] not in ended and lives(line['pid'])]
n = json.loads(os.environ.get('STATE') or '{"n": 0}')['n']
pods = sorted(pod['key'] for pod in json.loads(os.environ['PODS']))
note('begin', n=n, pods=pods, beside=beside)
while os.path.exists(folder + '/hold'): time.sleep(0.02)
note('end', n=n, pods=pods)
print(json.dumps({'n': n + 1, 'pods': pods}))
`

interface Line {
  kind: 'begin' | 'end'
  pid: number
  master: string
  n: number
  pods: string[]
  beside?: number[]
}

interface Fleet {
  masters: RunningService[]
  proxies: BreakableProxy[]
  runs(): Promise<Line[]>
  hold(): Promise<void>
  release(): Promise<void>
}

const stops: (() => PromiseLike<unknown>)[] = []

/** Three masters, each with its own way to its own member of etcd. */
async function startFleet(): Promise<Fleet> {
  const folder = await tempDir()
  stops.push(() => folder[Symbol.asyncDispose]())
  const etcd = await startEtcd(3)
  stops.push(() => etcd[Symbol.asyncDispose]())
  await writeFile(folder.file('callback.py'), callback(folder.path))
  const proxies: BreakableProxy[] = []
  const masters: RunningService[] = []
  for (const [i, host] of etcd.hosts.entries()) {
    const proxy = await startBreakableProxy(host)
    stops.push(() => proxy[Symbol.asyncDispose]())
    const master = await createService({
      env: {
        KONTROL_ID: `m${i}`,
        KONTROL_LABELS: '{"app":"control","role":"master"}',
        KONTROL_TTL: '86400',
        KONTROL_FOVER: String(FOVER),
        KONTROL_DAMPER: '0.2',
        KONTROL_ETCD: proxy.url,
        KONTROL_CALLBACK: `/usr/bin/python3 '${folder.file('callback.py')}'`
      }
    })
    stops.push(() => master[Symbol.asyncDispose]())
    proxies.push(proxy)
    masters.push(master)
  }
  for (const master of masters) await master.start()
  return {
    masters,
    proxies,
    async runs() {
      const text = await readFile(folder.file('runs'), 'utf8').catch(() => '')
      return text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Line)
    },
    hold: () => writeFile(folder.file('hold'), ''),
    release: () => rm(folder.file('hold'))
  }
}

/** The run that has begun, and not ended, for these pods. */
const begun = (fleet: Fleet, key: string, not?: string): Promise<Line> =>
  eventually(async () => {
    const last = (await fleet.runs()).at(-1)
    return last?.kind === 'begin' && last.pods.includes(key) && last.master !== not ? last : undefined
  }, SLOW)

const stateAt = async (master: RunningService): Promise<{ n: number; pods: string[] }> => master.json('/state')

/** Admits a pod, however long etcd takes to find itself. */
const join = (master: RunningService, ip: string): Promise<boolean> =>
  eventually(async () => (await master.ping(ip)) === 200, SLOW)

const done = (master: RunningService, has: (pods: string[]) => boolean): Promise<boolean> =>
  eventually(async () => has((await stateAt(master)).pods), SLOW)

const at = (fleet: Fleet, name: string): number => fleet.masters.findIndex((_, i) => `m${i}` === name)
const others = (fleet: Fleet, name: string): RunningService[] => fleet.masters.filter((_, i) => `m${i}` !== name)

describe('three masters on one etcd, each with a callback', { timeout: 300_000 }, () => {
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  it('the leader alone runs it, in order, none beside another, none left out, whatever becomes of the leader', async () => {
    const fleet = await startFleet()
    const [first] = fleet.masters as [RunningService, ...RunningService[]]
    for (let n = 1; n <= 6; n++) {
      await join(first, `10.0.0.${n}`)
      await done(first, (pods) => pods.includes(`10-0-0-${n}`))
    }

    // Killed in the middle of a run: what it started goes with it.
    await fleet.hold()
    await join(first, '10.0.0.7')
    const killed = await begun(fleet, '10-0-0-7')
    await (fleet.masters[at(fleet, killed.master)] as RunningService).kill('SIGKILL')
    await eventually(() => !lives(killed.pid))
    await fleet.release()
    const [witness] = others(fleet, killed.master) as [RunningService, ...RunningService[]]
    await done(witness, (pods) => pods.includes('10-0-0-7'))
    await (fleet.masters[at(fleet, killed.master)] as RunningService).start()
    for (let n = 8; n <= 11; n++) {
      await join(fleet.masters[n % 3] as RunningService, `10.0.0.${n}`)
      await done(witness, (pods) => pods.includes(`10-0-0-${n}`))
    }

    // Stopped in the middle of a run for longer than its lease, and resumed while another one runs.
    await fleet.hold()
    await join(witness, '10.0.0.12')
    const paused = await begun(fleet, '10-0-0-12')
    const sleeper = fleet.masters[at(fleet, paused.master)] as RunningService
    process.kill(sleeper.pid as number, 'SIGSTOP')
    const heir = await begun(fleet, '10-0-0-12', paused.master)
    process.kill(sleeper.pid as number, 'SIGCONT')
    await fleet.release()
    await done(sleeper, (pods) => pods.includes('10-0-0-12'))
    for (let n = 13; n <= 16; n++) {
      await join(sleeper, `10.0.0.${n}`)
      await done(sleeper, (pods) => pods.includes(`10-0-0-${n}`))
    }

    // Cut off in the middle of a run.
    await fleet.hold()
    await join(sleeper, '10.0.0.17')
    const cut = await begun(fleet, '10-0-0-17')
    const proxy = fleet.proxies[at(fleet, cut.master)] as BreakableProxy
    proxy.silence()
    await begun(fleet, '10-0-0-17', cut.master)
    proxy.mend()
    await fleet.release()
    await done(others(fleet, cut.master)[0] as RunningService, (pods) => pods.includes('10-0-0-17'))

    // Nobody runs it while etcd is away, and a change of that time is not left out.
    for (const way of fleet.proxies) way.cut()
    await eventually(
      () =>
        fleet.masters.every(({ output }) => output.split('etcd lost').length > output.split('etcd found again').length),
      SLOW
    )
    const before = await fleet.runs()
    await Promise.all(fleet.masters.map((master) => master.ping('10.0.0.1', { down: true })))
    await new Promise((resolve) => setTimeout(resolve, FOVER * 1500))
    expect(await fleet.runs()).toEqual(before)
    for (const way of fleet.proxies) way.mend()
    await done(first, (pods) => !pods.includes('10-0-0-1'))
    for (let n = 18; n <= 20; n++) await join(fleet.masters[n % 3] as RunningService, `10.0.0.${n}`)
    const known = Array.from({ length: 19 }, (_, i) => `10-0-0-${i + 2}`).sort()
    await done(first, (pods) => JSON.stringify(pods) === JSON.stringify(known))

    const runs = await fleet.runs()
    const begins = runs.filter(({ kind }) => kind === 'begin')
    const ends = runs.filter(({ kind }) => kind === 'end')
    expect(begins.filter(({ beside }) => beside?.length !== 0)).toEqual([])
    // Each began where the one before it that was complete had ended.
    expect(ends.map(({ n }) => n)).toEqual(ends.map((_, i) => i))
    // No set of pods twice in a row.
    const sets = ends.map(({ pods }) => pods.join())
    expect(sets.filter((set, i) => set === sets[i - 1])).toEqual([])
    expect(ends.length).toBeGreaterThanOrEqual(18)
    expect(new Set([killed.master, paused.master, cut.master, heir.master]).size).toBeGreaterThan(1)
    for (const master of fleet.masters) await done(master, (pods) => pods.length === known.length)
  })
})
