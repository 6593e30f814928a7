import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startHttpBackend } from '../../support/haproxy/http-backend.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { startService, type RunningService } from '../../support/service/start-service.ts'
import { tempDir } from '../../support/temp-dir.ts'

const TURN_WATCH = join(import.meta.dirname, '../../support/load/turn-watch.mjs')

const proxy = (address: string, more = ''): string => `defaults
  mode http
  timeout client 5s
  timeout connect 1s
  timeout server 5s
frontend front
  bind ${address}:8080
  default_backend web
backend web
${more}{% for pod in pods.web %}  server {{ pod.key }} {{ pod.ip }}:{{ pod.payload.port }}
{% endfor %}`

/** Within the limits of steps it computes for a second and more, on any machine. */
const costly = (name: string): string =>
  `# ${name}{% set b = 2**32000-1 %}{% for i in range(40000) %}{% set c = b*b %}{% endfor %}`
/** 4 MB each time, of which 512 MB may be copied. */
const LARGE =
  '{% set l = [] %}{% set a = [0]*500000 %}{% for i in range(125) %}{% set _ = l.append(a + [i]) %}{% endfor %}'

interface Reconfiguration {
  id: number
  outcome: string
  error: { code: string; message: string } | null
}

async function pinging(port: number) {
  const pinger = spawn(process.execPath, [join(import.meta.dirname, '../../support/load/pinger.mjs'), String(port)], {
    stdio: ['pipe', 'pipe', 'inherit']
  })
  let said = ''
  pinger.stdout.on('data', (chunk) => (said += String(chunk)))
  return {
    /** Milliseconds that each keepalive took since this was asked last. */
    async waits(): Promise<number[]> {
      said = ''
      pinger.stdin.write('tell\n')
      return JSON.parse(await eventually(() => (said.endsWith('\n') ? said : undefined))) as number[]
    },
    async [Symbol.asyncDispose]() {
      pinger.stdin.end()
      await once(pinger, 'exit')
    }
  }
}

/** As the pinger tells a keepalive that was not taken. */
const UNANSWERED = 1e9

/** Of the event loop since this was asked last, in milliseconds of processor time. */
async function longestTurn(service: RunningService, file: string): Promise<number> {
  await rm(file, { force: true })
  process.kill(service.pid ?? 0, 'SIGUSR2')
  return Number(await eventually(async () => (await readFile(file, 'utf8')) || undefined))
}

const reconfigurations = async (service: RunningService): Promise<Reconfiguration[]> =>
  (await service.json<{ reconfigurations: Reconfiguration[] }>('/api/v1/reconfigurations')).reconfigurations

async function failure(service: RunningService, message: RegExp, after = 0): Promise<Reconfiguration> {
  return await eventually(
    async () =>
      (await reconfigurations(service)).find(({ id, error }) => id > after && message.test(error?.message ?? '')),
    90_000
  )
}

/** The process that renders for the service. */
async function renderingPid(service: RunningService): Promise<number | undefined> {
  const pid = String(service.pid)
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')
  for (const child of children) {
    const command = await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '')
    if (command.includes('template-program')) return Number(child)
  }
  return undefined
}

describe('a template that costs too much (case 11)', () => {
  it('keeps no keepalive waiting, is told with its limit, and heals when mended', async () => {
    await using dir = await tempDir()
    await using web = await startHttpBackend('hello')
    const [file, address] = [dir.file('template'), ownAddress()]
    await writeFile(file, proxy(address))
    await using service = await startService({
      // A pod that is heard of once outlives the renderings, however slow the machine.
      env: {
        ...{ KONTROL_CONFIG_FILE: file, KONTROL_DAMPER: '0', KONTROL_PAYLOAD_BYTES: '1000000', KONTROL_TTL: '600' },
        ...{ NODE_OPTIONS: `--import ${TURN_WATCH}`, TURN_WATCH: dir.file('turn') }
      }
    })
    await service.ping('127.0.0.1', { key: 'one', payload: { port: web.port } })
    await service.ready()
    const ask = async (): Promise<string> => await (await fetch(`http://${address}:8080/`)).text()
    await eventually(async () => (await ask()) === 'hello')
    await using pinger = await pinging(service.port)
    await eventually(async () => (await pinger.waits()).length > 0)
    await longestTurn(service, dir.file('turn'))

    await writeFile(file, costly('steps'))
    // Which limit it meets first is up to the machine.
    const limit = /needs more than (?:5,000,000 steps|10 seconds|260 MB)/
    const first = await failure(service, limit)
    const [waits, turn] = [await pinger.waits(), await longestTurn(service, dir.file('turn'))]
    await writeFile(file, LARGE)
    const second = await failure(service, limit, first.id)

    expect([first.error?.code, second.error?.code]).toEqual(['KTL_TEMPLATE_LIMIT', 'KTL_TEMPLATE_LIMIT'])
    // On the event loop the rendering would be one turn of a second and more of processor time, however busy the machine is.
    expect(turn).toBeLessThan(100)
    expect(waits.filter((wait) => wait >= UNANSWERED)).toEqual([])
    expect((await service.get('/readyz')).body).toContain('KTL_TEMPLATE_LIMIT')
    expect(await ask()).toBe('hello')

    await writeFile(file, proxy(address, '  http-response set-header x-mended yes\n'))
    await service.ready()
    await eventually(async () => (await fetch(`http://${address}:8080/`)).headers.get('x-mended') === 'yes')
    expect(await service.ping('127.0.0.1', { key: 'two', payload: { port: web.port } })).toBe(200)
    await eventually(async () => (await service.get('/api/v1/config')).body.includes('server two'))
  }, 240_000)

  it('is given up after ten seconds when nothing else ends it', async () => {
    await using dir = await tempDir()
    const [file, address] = [dir.file('template'), ownAddress()]
    await writeFile(file, proxy(address))
    await using service = await startService({ env: { KONTROL_CONFIG_FILE: file, KONTROL_DAMPER: '0' } })
    await service.ready()
    const pid = await eventually(async () => await renderingPid(service))

    // As good as a template that never ends: it takes its turn, and gives no answer.
    process.kill(pid, 'SIGSTOP')
    await writeFile(file, proxy(address, '  # other\n'))

    const { error } = await failure(service, /needs more than 10 seconds/)
    expect(error?.code).toBe('KTL_TEMPLATE_LIMIT')
    expect(await service.ping('127.0.0.1', { key: 'one', payload: { port: 80 } })).toBe(200)
    await eventually(async () => (await service.get('/api/v1/config')).body.includes('server one'))
    await service.ready()
    expect(await renderingPid(service)).not.toBe(pid)
  })

  it('keeps nobody from ending the control tier, and leaves no process behind', async () => {
    await using dir = await tempDir()
    const [file, address] = [dir.file('template'), ownAddress()]
    await writeFile(file, proxy(address))
    await using service = await startService({ env: { KONTROL_CONFIG_FILE: file, KONTROL_DAMPER: '0' } })
    await service.ready()
    const pid = await eventually(async () => await renderingPid(service))
    process.kill(pid, 'SIGSTOP')
    await writeFile(file, proxy(address, '  # other\n'))
    await eventually(async () => (await reconfigurations(service)).some(({ outcome }) => outcome === 'running'))

    expect(await service.kill('SIGTERM')).toBe(0)
    await eventually(async () => (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')) === '')
    expect(service.output).not.toContain('"level":60')

    await service.start()
    await service.ready()
    expect((await service.get('/api/v1/config')).body).toContain('# other')
  })
})
