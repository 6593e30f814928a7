import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { arch, tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { command } from '../support/service/command.ts'

/** Each Node and each HAProxy that is supported, once. */
const PAIRS = ['20:2.6', '22:3.0', '24:3.2']

interface Outcome {
  readonly node: string
  readonly haproxy: string
  readonly passed: number
  readonly failed: number
  readonly seconds: number
}

/** Runs the smoke of vitest.config.ts with that Node, its binary from a package that holds nothing else. */
async function smoke(pair: string, folder: string): Promise<Outcome> {
  const [major = '', haproxy = '2.6'] = pair.split(':')
  const node = await nodeBinary(major, folder)
  const report = join(folder, `${major}.json`)
  const startedAt = performance.now()
  const vitest = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs')
  const config = join(import.meta.dirname, 'vitest.config.ts')
  const args = [vitest, 'run', '--config', config, '--reporter=default', '--reporter=json', `--outputFile=${report}`]
  const PATH = [dirname(node), process.env.PATH].join(delimiter)
  const child = spawn(node, args, { stdio: 'inherit', env: { ...process.env, PATH, HAPROXY_VERSION: haproxy } })
  await once(child, 'exit')
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  const version = (await command(node, ['--version'])).trim().slice(1)
  const { numPassedTests: passed, numTotalTests: total } = JSON.parse(await readFile(report, 'utf8')) as {
    numPassedTests: number
    numTotalTests: number
  }
  // A file that cannot even be loaded has no tests to count, and the exit code tells.
  const failed = Math.max(total - passed, child.exitCode === 0 ? 0 : 1)
  return { node: version, haproxy, passed, failed, seconds }
}

async function nodeBinary(major: string, folder: string): Promise<string> {
  if (!/^\d+$/.test(major)) throw new Error(`"${major}" is no version of Node: say 24, or 24:3.2 with an HAProxy`)
  if (process.versions.node.split('.')[0] === major) return process.execPath
  const place = join(folder, major)
  const name = `node-linux-${arch()}`
  await command('npm', ['install', '--silent', '--no-save', '--prefix', place, `${name}@${major}`])
  return join(place, 'node_modules', name, 'bin/node')
}

/** A line of the table that `.ci/run` prints, of all that it ran. */
async function note({ node, haproxy, passed, failed, seconds }: Outcome): Promise<void> {
  const file = process.env.TEST_RESULTS
  if (file === undefined) return
  const cells = [node, haproxy, 'test:node', `${passed} passed, ${failed} failed`, seconds]
  await appendFile(file, `${cells.join('\t')}\n`)
}

function printMatrix(outcomes: readonly Outcome[]): void {
  const haproxies = [...new Set(outcomes.map(({ haproxy }) => haproxy))].sort()
  const row = (cells: readonly string[]): string => `${cells.map((cell) => cell.padEnd(26)).join('')}\n`
  process.stdout.write(row(['', ...haproxies.map((version) => `HAProxy ${version}`)]))
  for (const node of new Set(outcomes.map((outcome) => outcome.node))) {
    const cells = haproxies.map((haproxy) => {
      const outcome = outcomes.find((one) => one.node === node && one.haproxy === haproxy)
      if (outcome === undefined) return '-'
      return `${outcome.passed} passed, ${outcome.failed} failed (${outcome.seconds} s)`
    })
    process.stdout.write(row([`Node ${node}`, ...cells]))
  }
}

const folder = await mkdtemp(join(tmpdir(), 'kh-node-'))
try {
  const pairs = process.argv.length > 2 ? process.argv.slice(2) : PAIRS
  const outcomes: Outcome[] = []
  for (const pair of pairs) {
    const outcome = await smoke(pair, folder)
    await note(outcome)
    outcomes.push(outcome)
  }
  printMatrix(outcomes)
  if (outcomes.some(({ failed }) => failed > 0)) process.exitCode = 1
} finally {
  await rm(folder, { recursive: true })
}
