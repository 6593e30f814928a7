import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Route53Double } from '../../support/dns/route53-double.ts'

const src = (file: string): string =>
  JSON.stringify(pathToFileURL(join(import.meta.dirname, '../../../src', file)).href)

/** What bootstrap does, with the annotation as an argument; prints how many files of the SDK were loaded. */
const program = `
  import { createRequire } from 'node:module'
  import pino from 'pino'
  import { DnsExposer } from ${src('dns/dns-exposer.ts')}
  import { parseDnsAnnotations } from ${src('dns/dns-settings.ts')}
  import { createRoute53Provider } from ${src('dns/route53.ts')}
  import { systemClock } from ${src('platform/clock.ts')}
  const exposer = new DnsExposer({
    settings: parseDnsAnnotations(JSON.parse(process.env.ANNOTATIONS)),
    providerFactory: createRoute53Provider,
    clock: systemClock, logger: pino({ level: 'silent' }), dryRun: false, isLeader: () => true
  })
  exposer.start()
  exposer.want(['192.0.2.1'])
  const { outcome } = await exposer.expose(['192.0.2.1'], new AbortController().signal)
  const files = Object.keys(createRequire(import.meta.url).cache).filter((file) => file.includes('client-route-53'))
  console.log(JSON.stringify({ outcome, sdk: files.length > 0 }))
  await exposer.stop()
`

describe('a process', () => {
  it.each([
    ['without the annotation never loads the SDK', {}, { outcome: 'off', sdk: false }],
    ['with it does', { 'haproxy.unity3d.com/route53': 'foo.bar.com' }, { outcome: 'submitted', sdk: true }]
  ])('%s', async (_, annotations, expected) => {
    await using double = await Route53Double.start()
    double.addZone('Z1', 'bar.com')
    const env = { ...process.env, ...double.env, ANNOTATIONS: JSON.stringify(annotations) }

    // Not by our own runner of subprocesses, which keeps the credentials of AWS to itself.
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', program],
      { env, cwd: join(import.meta.dirname, '../../..'), timeout: 50_000 }
    )

    expect(stdout).toBe(`${JSON.stringify(expected)}\n`)
  })
})
