import { once } from 'node:events'
import { rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { haproxyPaths } from '../../src/haproxy/files/paths.ts'
import { MasterCli } from '../../src/haproxy/socket/master-cli.ts'
import { runSubprocess } from '../../src/platform/process/subprocess.ts'
import type { SeededRandom } from '../support/seeded-random.ts'
import { eventually } from '../support/eventually.ts'
import { leaderOf, type Ensemble, type World } from './world.ts'

export interface Fault {
  /**
   * What clients lose by it, whatever anybody does: all connections; or those that HAProxy had not accepted yet when it
   * stopped listening.
   */
  cuts: false | 'all' | 'waiting'
  strike: (world: World, random: SeededRandom) => Promise<void>
}

export const TTL_MS = 6_000
const templateOf = ({ address, fleet }: World, maxconn: number, extra = ''): string => `
frontend proxy
  bind ${address}:8080
  mode http
  maxconn ${maxconn}
  default_backend web
${extra}
backend web
  mode http
{%- for ip in hosts.web %}
  server s{{ loop.index }} {{ ip }}:${fleet.port}
{%- endfor %}
backend idle
  mode http
{%- for ip in hosts.idle %}
  server s{{ loop.index }} {{ ip }}:9
{%- endfor %}
`

export const firstTemplate = (world: World): string => templateOf(world, 1_000)

const someTemplate = (world: World, random: SeededRandom): string => templateOf(world, 1_000 + random.below(1_000))

/** Asked until it answers: while the master loads its files anew it lets go of who asks. */
const processes = async ({ service }: World) =>
  await eventually(async () => await new MasterCli(haproxyPaths(service.data).masterSocket).showProcesses())

async function stop(pid: number | undefined, forMs: number): Promise<void> {
  if (pid === undefined) return
  process.kill(pid, 'SIGSTOP')
  await sleep(forMs)
  try {
    process.kill(pid, 'SIGCONT')
  } catch {
    // It was replaced meanwhile.
  }
}

const some = ({ fleet }: World, random: SeededRandom, most: number) =>
  random.some(1, most, () => random.pick(fleet.slaves)).filter((slave) => slave.pings)

export const faults: Readonly<Record<string, Fault>> = {
  'control tier killed': {
    cuts: false,
    async strike({ service }, random) {
      await service.kill('SIGKILL')
      await sleep(random.below(2_000))
      await service.start()
    }
  },
  'control tier stopped': {
    cuts: false,
    strike: async ({ service }, random) => await stop(service.pid, 500 + random.below(4_000))
  },
  'control tier ended': {
    cuts: false,
    async strike({ service }) {
      const code = await service.kill('SIGTERM')
      if (code !== 0) throw new Error(`SIGTERM ended it with ${code}`)
      await service.start()
    }
  },
  'master killed': {
    cuts: 'all',
    strike: async (world) => void process.kill((await processes(world)).master.pid, 'SIGKILL')
  },
  'worker killed': {
    cuts: 'all',
    async strike(world) {
      const { worker } = await processes(world)
      if (worker !== undefined) process.kill(worker.pid, 'SIGKILL')
    }
  },
  'worker stopped': {
    cuts: false,
    strike: async (world, random) => await stop((await processes(world)).worker?.pid, 500 + random.below(6_000))
  },
  'master stopped': {
    cuts: false,
    strike: async (world, random) => await stop((await processes(world)).master.pid, 500 + random.below(6_000))
  },
  'polite leaves': {
    cuts: false,
    async strike(world, random) {
      const leaving = some(world, random, 12)
      for (const slave of leaving) await world.fleet.sayGoodbye(slave)
      await sleep(random.below(3_000))
      for (const slave of leaving) slave.pings = random.chance(0.7)
    }
  },
  'silent leaves': {
    cuts: false,
    async strike(world, random) {
      for (const slave of some(world, random, 5)) slave.pings = false
      await sleep(TTL_MS)
    }
  },
  burst: {
    cuts: false,
    async strike({ fleet }) {
      for (const slave of fleet.slaves) slave.pings = true
      await sleep(500)
    }
  },
  'template broken': {
    cuts: false,
    async strike(world, random) {
      await writeFile(world.template, random.pick(['{% for', 'frontend proxy\n  bogus\n', '', '# nothing\n']))
      await sleep(500 + random.below(2_000))
      await writeFile(world.template, someTemplate(world, random))
    }
  },
  'template truncated for a moment': {
    cuts: false,
    async strike(world, random) {
      const text = someTemplate(world, random)
      await writeFile(world.template, '')
      await sleep(random.pick([50, 300, 1_000]))
      await writeFile(world.template, text)
    }
  },
  'template swapped by a symlink': {
    cuts: false,
    async strike(world, random) {
      const target = `${world.template}.${random.below(1_000_000)}`
      await writeFile(target, someTemplate(world, random))
      await rm(`${world.template}.new`, { force: true })
      await symlink(target, `${world.template}.new`)
      await rename(`${world.template}.new`, world.template)
    }
  },
  'edits that need reloads': {
    cuts: false,
    async strike(world, random) {
      for (let edits = 1 + random.below(3); edits > 0; edits--) {
        await writeFile(world.template, someTemplate(world, random))
        await sleep(random.below(1_500))
      }
    }
  },
  'full disk': {
    cuts: false,
    async strike(world, random) {
      const filler = join(world.service.data, 'filler')
      await runSubprocess('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1M'], { env: process.env })
      for (const slave of some(world, random, 8)) await world.fleet.sayGoodbye(slave)
      await sleep(1_000 + random.below(2_000))
      await rm(filler)
    }
  },
  'files deleted': {
    cuts: false,
    async strike({ service }, random) {
      const { lastGood, config, base, journal, serverState, loaded } = haproxyPaths(service.data)
      for (const path of random.some(1, 4, () => random.pick([lastGood, config, base, journal, serverState, loaded])))
        await rm(path, { force: true })
    }
  },
  'folder deleted': {
    cuts: 'waiting',
    strike: async ({ service }) => await rm(haproxyPaths(service.data).folder, { recursive: true, force: true })
  },
  'a port taken by another': {
    cuts: false,
    async strike(world, random) {
      const other = createServer().listen(8081, world.address)
      await once(other, 'listening')
      await writeFile(world.template, templateOf(world, 1_000, `  bind ${world.address}:8081`))
      await sleep(1_000 + random.below(2_000))
      other.close()
      await writeFile(world.template, someTemplate(world, random))
    }
  }
}

/** Of proxies that share their registry; no client loses anything by them. */
export const ensembleFaults: Readonly<Record<string, (ensemble: Ensemble, random: SeededRandom) => Promise<void>>> = {
  async 'leader killed'(ensemble, random) {
    const { service } = await leaderOf(ensemble)
    await service.kill('SIGKILL')
    await sleep(random.below(8_000))
    await service.start()
  },
  async 'leader stopped'(ensemble, random) {
    const { service } = await leaderOf(ensemble)
    await stop(service.pid, 1_000 + random.below(9_000))
  },
  async 'all control tiers killed'({ worlds }, random) {
    await Promise.all(worlds.map(({ service }) => service.kill('SIGKILL')))
    await sleep(random.below(3_000))
    await Promise.all(worlds.map(({ service }) => service.start()))
  },
  async 'cut off from etcd'({ ways }, random) {
    const way = random.pick(ways)
    way.cut()
    await sleep(500 + random.below(12_000))
    way.mend()
  },
  async 'silence from etcd'({ ways }, random) {
    const way = random.pick(ways)
    way.silence()
    await sleep(500 + random.below(12_000))
    way.mend()
  },
  async 'slow etcd'({ ways }, random) {
    for (const way of ways) way.slow(100 + random.below(1_000))
    await sleep(5_000)
    for (const way of ways) way.slow(0)
  },
  async 'member of etcd killed'({ etcd }, random) {
    const member = random.below(etcd.hosts.length)
    await etcd.kill(member)
    await sleep(random.below(8_000))
    await etcd.start(member)
  },
  async 'etcd away'({ etcd }, random) {
    await etcd.killAll()
    await sleep(random.below(10_000))
    await etcd.startAll()
  }
}
