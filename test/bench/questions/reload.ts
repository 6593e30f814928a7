import { spawn, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { compileTemplate } from '../../../src/render/template.ts'
import { exchange } from '../../../src/haproxy/socket/exchange.ts'
import { eventually } from '../../support/eventually.ts'
import { fleetIp, fleetTemplate } from '../../support/load/fleet-config.ts'
import { ownAddress, startHaproxy } from '../../support/haproxy/start-haproxy.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { figure, median, rounds, spread } from '../figures.ts'
import type { Options, Table } from '../table.ts'

const POLL_MS = 5
const PATIENCE_MS = 60_000

/** Two texts that no change at runtime leads from the one to the other. */
function textsOf(size: number): readonly [string, string] {
  const hosts = new Map([['fleet', Array.from({ length: size }, (_, n) => fleetIp(n))]])
  const { text } = compileTemplate(fleetTemplate(ownAddress(), 80)).render({ hosts })
  return [text, text.replace('balance leastconn', 'balance roundrobin')]
}

interface Bare {
  checks: number[]
  reloads: number[]
}

/** What an operator does by hand: check the file, tell the master to reload, and ask until a new worker answers. */
async function bare(size: number, each: Iterable<number>): Promise<Bare> {
  await using dir = await tempDir()
  const [file, master, admin] = [dir.file('a.cfg'), dir.file('master.sock'), dir.file('admin.sock')]
  const texts = textsOf(size)
  const write = async (round: number): Promise<void> =>
    await writeFile(file, `global\n  stats socket ${admin} level admin expose-fd listeners\n${texts[round % 2]}\n`)
  const workerPid = async (): Promise<string | undefined> =>
    /^Pid: (\d+)/m.exec(await exchange(admin, 'show info'))?.[1]
  const newWorker = async (former: string | undefined): Promise<void> => {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      const now = await workerPid().catch(() => undefined)
      if (now !== undefined && now !== former) return
      if (performance.now() > deadline) throw new Error('no new worker answers')
      await sleep(POLL_MS)
    }
  }
  await write(1)
  const child = spawn('haproxy', ['-W', '-S', master, '-f', file], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  const times: Bare = { checks: [], reloads: [] }
  try {
    await eventually(workerPid, PATIENCE_MS)
    for (const round of each) {
      const former = await workerPid()
      await write(round)
      const start = performance.now()
      execFileSync('haproxy', ['-c', '-q', '-f', file])
      const checked = performance.now()
      await exchange(master, 'reload', { timeoutMs: PATIENCE_MS, mayBeSilent: true })
      await newWorker(former)
      times.checks.push(checked - start)
      times.reloads.push(performance.now() - checked)
      await sleep(500 + size / 5)
    }
  } finally {
    child.kill('SIGTERM')
    await exited
  }
  return times
}

async function ours(size: number, each: Iterable<number>): Promise<Bare> {
  const texts = textsOf(size)
  await using haproxy = await startHaproxy()
  await haproxy.driver.configure(texts[1])
  await haproxy.driver.restart()
  const times: Bare = { checks: [], reloads: [] }
  for (const round of each) {
    await sleep(500 + size / 5)
    const start = performance.now()
    const { outcome } = await haproxy.driver.configure(texts[round % 2 === 0 ? 0 : 1])
    const checked = performance.now()
    const { outcome: end } = await haproxy.driver.restart()
    times.checks.push(checked - start)
    times.reloads.push(performance.now() - checked)
    if (outcome !== 'reload' || end !== 'reloaded') throw new Error(`the change was ${outcome}, and then ${end}`)
  }
  return times
}

const sums = ({ checks, reloads }: Bare): number[] => checks.map((check, round) => check + (reloads[round] ?? 0))

/** From a change that needs a reload to the new worker being proven, against HAProxy's own reload. */
export async function reload(options: Options): Promise<Table[]> {
  const rows: string[][] = []
  for (const size of options.quick ? [10] : [10, 1_000, 10_000]) {
    const floor = await bare(size, rounds(options, 8, 8))
    const taken = await ours(size, rounds(options, 8, 9))
    const row = (way: string, times: Bare, more: string): void => {
      const [check, load] = [median(times.checks), median(times.reloads)]
      rows.push([size.toLocaleString('en-US'), way, spread(sums(times)), figure(check), figure(load), more])
    }
    row('HAProxy alone', floor, '–')
    row('this program', taken, figure(median(sums(taken)) / median(sums(floor))))
  }
  return [
    {
      title: 'A reload',
      text: `From a text that needs a reload until a new worker is proven to serve, in milliseconds: check of the file, then
load. HAProxy alone is what an operator does by hand: \`haproxy -c\`, \`reload\` at the master's socket, and a question every
${POLL_MS} ms until a new worker answers. The program besides compares, probes the addresses, keeps what is needed to roll back,
and watches the new worker.`,
      columns: ['servers', 'way', 'in all', 'check', 'load', 'to HAProxy alone'],
      rows
    }
  ]
}
