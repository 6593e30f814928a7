/**
 * From a new slave's keepalive to the first request that it answers through
 * HAProxy, with 10, 1,000 and 10,000 other servers. Run: npx tsx test/bench/convergence.ts [sizes]
 */
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { compileTemplate } from '../../src/render/template.ts'
import { startBareHaproxy } from '../support/haproxy/bare-haproxy.ts'
import { startControlTier } from '../support/load/control-tier.ts'
import { fleetIp, fleetTemplate, probeIp } from '../support/load/fleet-config.ts'
import { startLoopbackFleet, type LoopbackFleet } from '../support/load/loopback-fleet.ts'
import { startProbing } from '../support/load/probing.ts'
import { ownAddress } from '../support/haproxy/start-haproxy.ts'
import { tempDir } from '../support/temp-dir.ts'
import { percentile, row, warmFleet } from '../support/load/warm-fleet.ts'

/** More than the default damper, so that each join meets a quiet fleet, and than the background check takes. */
const pause = async (size: number): Promise<void> => await sleep(1_200 + size / 4)

interface Ways {
  template: (address: string, port: number) => string
  env: Record<string, string>
  rounds: number
}

async function viaControlTier(size: number, fleet: LoopbackFleet, { template, env, rounds }: Ways): Promise<number[]> {
  const address = ownAddress()
  await using tier = await startControlTier(template(address, fleet.port), env)
  await warmFleet(tier, size)
  await using probing = startProbing(`http://${address}:8080`)
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const pod = { app: 'probe', id: `probe-${round}`, ip: probeIp(round), key: `p${round}` }
    await probing.next(503)
    const start = performance.now()
    const [live] = await Promise.all([probing.next(200), tier.ping(pod)])
    times.push(live - start)
    await pause(size)
    await Promise.all([probing.next(503), tier.ping({ ...pod, down: true })])
    await pause(size)
  }
  return times
}

const staticConfig = (size: number, address: string, port: number, probes: string): string =>
  `${
    compileTemplate(fleetTemplate(address, port, probes)).render({
      hosts: new Map([['fleet', Array.from({ length: size }, (_, n) => fleetIp(n))]])
    }).text
  }\n`

/** One HTTP request and the bare commands: no program between them can be faster. */
async function floor(size: number, fleet: LoopbackFleet, rounds: number): Promise<number[]> {
  const address = ownAddress()
  await using haproxy = await startBareHaproxy(staticConfig(size, address, fleet.port, ''))
  await using probing = startProbing(`http://${address}:8080`)
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const name = `probe/p${round}`
    const start = performance.now()
    await probing.next(503)
    await haproxy.say(`add server ${name} ${probeIp(round)}:${fleet.port};set server ${name} state ready`)
    times.push((await probing.next(200)) - start)
    await haproxy.say(`set server ${name} state maint`)
    await sleep(50)
  }
  return times
}

/** HAProxy's own way: it asks a name server for the addresses of a template, ten times a second. */
async function viaDns(size: number, fleet: LoopbackFleet, rounds: number): Promise<number[]> {
  const address = ownAddress()
  await using dir = await tempDir()
  const hosts = dir.file('hosts')
  await mkdir(hosts)
  const port = randomInt(20_000, 60_000)
  const dnsmasq = spawn(
    'dnsmasq',
    [
      '-k',
      '-R',
      '-h',
      '-C',
      '/dev/null',
      `-p${port}`,
      `--listen-address=${address}`,
      '-z',
      '-u',
      'root',
      '--local=/test/',
      `--hostsdir=${hosts}`
    ],
    { stdio: 'ignore' }
  )
  const exited = once(dnsmasq, 'exit')
  const resolvers = `resolvers dns
  nameserver one ${address}:${port}
  hold valid 100ms
  hold nx 100ms
  hold obsolete 100ms
  timeout resolve 100ms
  timeout retry 100ms
`
  const template = `server-template probe 5 probe.test:${fleet.port} resolvers dns init-addr none check inter 100ms`
  await using haproxy = await startBareHaproxy(resolvers + staticConfig(size, address, fleet.port, template))
  await haproxy.say('show info')
  await using probing = startProbing(`http://${address}:8080`)
  const times: number[] = []
  try {
    for (let round = 0; round < rounds; round++) {
      await sleep(1_000 + randomInt(200))
      const start = performance.now()
      await writeFile(`${hosts}/probe-${round}`, `${probeIp(round)} probe.test\n`)
      times.push((await probing.next(200)) - start)
      await rm(`${hosts}/probe-${round}`)
      // dnsmasq forgets what a file said when it is told to begin anew.
      dnsmasq.kill('SIGHUP')
      await probing.next(503)
    }
  } finally {
    dnsmasq.kill('SIGTERM')
    await exited
  }
  return times
}

const sizes = (process.argv[2] ?? '10,1000,10000').split(',').map(Number)
const reloading = (address: string, port: number): string =>
  fleetTemplate(address, port, 'http-response set-header x-probes {{ hosts.probe | length }}')

console.log(`${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}`)
await using fleet = await startLoopbackFleet()
for (const size of sizes) {
  const many = size > 5_000
  console.log(`\n${`with ${size} other servers, ms`.padEnd(44)}      p50      p99      n`)
  console.log(row('floor: one request, bare socket commands', await floor(size, fleet, 40)))
  const live = await viaControlTier(size, fleet, {
    template: fleetTemplate,
    env: { KONTROL_DAMPER: '0' },
    rounds: many ? 12 : 25
  })
  console.log(row('PUT /ping, KONTROL_DAMPER=0', live))
  const damped = await viaControlTier(size, fleet, { template: fleetTemplate, env: {}, rounds: many ? 8 : 15 })
  console.log(row('PUT /ping, default damper, quiet fleet', damped))
  const reloads = await viaControlTier(size, fleet, {
    template: reloading,
    env: { KONTROL_DAMPER: '0', KONTROL_RELOAD_INTERVAL: '0' },
    rounds: many ? 4 : 8
  })
  console.log(row('PUT /ping, the same by a reload', reloads))
  console.log(row('server-template, dnsmasq, every 100 ms', await viaDns(size, fleet, 12)))
  console.log(`runtime against reload: ${(percentile(reloads, 0.5) / percentile(live, 0.5)).toFixed(0)} times faster`)
}
