/**
 * From a slave's goodbye to the last request that is sent to it through
 * HAProxy, with 10, 1,000 and 10,000 other servers. Run: npx tsx test/bench/removal.ts [sizes]
 */
import { cpus, totalmem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { startControlTier } from '../support/load/control-tier.ts'
import { fleetTemplate, probeIp } from '../support/load/fleet-config.ts'
import { startLoopbackFleet } from '../support/load/loopback-fleet.ts'
import { startProbing } from '../support/load/probing.ts'
import { ownAddress } from '../support/haproxy/start-haproxy.ts'
import { row, warmFleet } from '../support/load/warm-fleet.ts'

const sizes = (process.argv[2] ?? '10,1000,10000').split(',').map(Number)
console.log(`${cpus().length} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Node ${process.version}`)
console.log(`${'ms'.padEnd(44)}      p50      p99      n`)
await using fleet = await startLoopbackFleet()
for (const size of sizes) {
  const address = ownAddress()
  await using tier = await startControlTier(fleetTemplate(address, fleet.port), { KONTROL_DAMPER: '0' })
  await warmFleet(tier, size)
  await using probing = startProbing(`http://${address}:8080`)
  const times: number[] = []
  for (let round = 0; round < (size > 5_000 ? 12 : 25); round++) {
    const pod = { app: 'probe', id: `probe-${round}`, ip: probeIp(round), key: `p${round}` }
    await Promise.all([probing.next(200), tier.ping(pod)])
    await sleep(1_200 + size / 4)
    const start = performance.now()
    const [gone] = await Promise.all([probing.next(503), tier.ping({ ...pod, down: true })])
    times.push(gone - start)
    await sleep(1_200 + size / 4)
  }
  console.log(row(`down, with ${size} other servers`, times))
}
