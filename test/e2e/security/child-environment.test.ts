import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { command } from '../../support/service/command.ts'
import { eventually } from '../../support/eventually.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { createService, type RunningService, type ServiceOptions } from '../../support/service/start-service.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'

/** What Kontrol's boot script exported, and its callbacks and steps read. */
const NAMES = [
  'KONTROL_PORT',
  'KONTROL_LABELS',
  'KONTROL_ANNOTATIONS',
  'KONTROL_ID',
  'KONTROL_IP',
  'KONTROL_EIP',
  'KONTROL_HOST',
  'KONTROL_TTL',
  'KONTROL_PAYLOAD',
  'KONTROL_NODE_LABELS',
  'KONTROL_NODE_ANNOTATIONS',
  'NAMESPACE'
]

const TOKEN = 'an-operators-secret'
const stops: (() => PromiseLike<unknown>)[] = []

async function folder(): Promise<TempDir> {
  const dir = await tempDir()
  stops.push(() => dir[Symbol.asyncDispose]())
  return dir
}

/** A process that finds `/etc/podinfo` as a kubelet writes it, in a mount namespace of its own. */
async function withDownwardFiles(dir: TempDir): Promise<readonly string[]> {
  const etc = dir.file('etc')
  await command('cp', ['-a', '/etc', etc])
  await mkdir(join(etc, 'podinfo'), { recursive: true })
  await writeFile(join(etc, 'podinfo/labels'), 'app="control"\nrole="server"\n')
  await writeFile(join(etc, 'podinfo/annotations'), String.raw`note="a \"quoted\" line\nand it's next"` + '\n')
  return ['unshare', '-m', 'sh', '-c', `mount --bind '${etc}' /etc && exec "$@"`, 'sh']
}

async function start(options: ServiceOptions): Promise<RunningService> {
  const service = await createService({
    ...options,
    env: {
      KONTROL_LABELS: '',
      KONTROL_HOST: '127.0.0.9',
      KONTROL_EIP: '192.0.2.7',
      KONTROL_TOKEN: TOKEN,
      ...options.env
    }
  })
  stops.push(() => service[Symbol.asyncDispose]())
  await service.start()
  return service
}

const authorized = { authorization: `Bearer ${TOKEN}` }

function expectWhatCounts(seen: Record<string, string>, { port, data }: RunningService): void {
  expect(JSON.parse(seen.KONTROL_LABELS ?? '')).toEqual({ app: 'control', role: 'server' })
  expect(JSON.parse(seen.KONTROL_ANNOTATIONS ?? '')).toEqual({ note: `a "quoted" line\nand it's next` })
  expect(seen).toMatchObject({
    KONTROL_PORT: String(port),
    KONTROL_ID: expect.stringMatching(/./) as string,
    KONTROL_IP: '127.0.0.1',
    KONTROL_EIP: '192.0.2.7',
    KONTROL_HOST: '127.0.0.9',
    KONTROL_TTL: '25',
    KONTROL_PAYLOAD: join(data, 'state.json'),
    KONTROL_NODE_LABELS: '{}',
    KONTROL_NODE_ANNOTATIONS: '{}',
    NAMESPACE: 'default'
  })
  expect(Object.values(seen)).not.toContain(TOKEN)
}

describe('what the programs of a pod see', { timeout: 120_000 }, () => {
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  it('a callback in Python, and a script, see every variable as it counts, and no secret', async () => {
    const dir = await folder()
    await writeFile(
      dir.file('callback.py'),
      `
import json, os
for name in ${JSON.stringify([...NAMES, 'MD5', 'HASH', 'PODS'])}:
    assert name in os.environ, name
assert os.environ['MD5'] == os.environ['HASH']
labels = json.loads(os.environ['KONTROL_LABELS'])
assert labels['app'] == 'control'
print(json.dumps(dict(os.environ)))
`
    )
    const service = await start({
      prefix: await withDownwardFiles(dir),
      env: {
        KONTROL_CALLBACK: `/usr/bin/python3 '${dir.file('callback.py')}'`,
        KONTROL_DAMPER: '0.1',
        KONTROL_SCRIPT: 'shell'
      }
    })
    const keepalive = { app: 'web', id: 'web-1', ip: '10.0.0.1', key: 'k', role: 'r', payload: '' }
    await service.send('PUT', '/ping', JSON.stringify(keepalive), authorized)
    const { body } = await eventually(async () => {
      const state = await service.get('/state')
      return state.body === '' ? undefined : state
    }, 30_000)
    expectWhatCounts(JSON.parse(body) as Record<string, string>, service)

    const cmd = `echo "$KONTROL_PORT $KONTROL_IP \${KONTROL_TOKEN-none}"; echo "$KONTROL_LABELS" | grep -c control`
    const script = await service.send('PUT', '/script', JSON.stringify({ cmd }), authorized)
    expect(script.body).toBe(`${service.port} 127.0.0.1 none\n1`)
  })

  it('a callback in sh, and a step of a manifest, do so too', async () => {
    const dir = await folder()
    const manifest = dir.file('lifecycle.yml')
    await writeFile(
      manifest,
      `initial: begin
terminal: end
states:
  - tag: begin
    shell: |
      python3 -c 'import json, os; print(json.dumps(dict(os.environ)))' > '${dir.file('step.part')}'
      mv '${dir.file('step.part')}' '${dir.file('step.json')}'
  - tag: end
`
    )
    const service = await start({
      prefix: await withDownwardFiles(dir),
      env: {
        KONTROL_LIFECYCLE: manifest,
        KONTROL_SHELL_CALLBACK: 'TRUE',
        KONTROL_CALLBACK: `test -n "$KONTROL_ID" && printf '{"labels": %s, "ip": "%s", "port": %s}' "$KONTROL_LABELS" "$KONTROL_IP" "$KONTROL_PORT"`,
        KONTROL_DAMPER: '0.1'
      }
    })
    const step = await eventually(() => command('cat', [dir.file('step.json')]), 30_000)
    expectWhatCounts(JSON.parse(step) as Record<string, string>, service)

    const keepalive = { app: 'web', id: 'web-1', ip: '10.0.0.1', key: 'k', role: 'r', payload: '' }
    await service.send('PUT', '/ping', JSON.stringify(keepalive), authorized)
    const state = await eventually(async () => {
      const { body } = await service.get('/state')
      return body === '' ? undefined : (JSON.parse(body) as object)
    }, 30_000)
    expect(state).toEqual({ labels: { app: 'control', role: 'server' }, ip: '127.0.0.1', port: service.port })
  })

  const machinery = { NODE_OPTIONS: '--no-warnings', AWS_PROFILE: 'dns', KONTROL_ETCD_PASSWORD_FILE: '' }
  const operators = { AWS_REGION: 'eu-west-1', MY_PORT: '8080', STATS_PASSWORD: 'p' }

  /** What HAProxy has in its environment, what it prints of it, and what a callback has. */
  async function seenWith(list?: string) {
    const dir = await folder()
    const address = ownAddress()
    const service = await start({
      template: `frontend front
  mode http
  timeout client 5s
  bind "${address}:8080"
  http-request return status 200 content-type text/plain lf-string "\${AWS_REGION}|%[env(STATS_PASSWORD)]|%[env(AWS_PROFILE)]"
`,
      env: {
        ...machinery,
        ...operators,
        ...(list !== undefined && { KONTROL_HAPROXY_ENV: list }),
        KONTROL_LABELS: '{"app":"haproxy","role":"balancer"}',
        KONTROL_SHELL_CALLBACK: 'TRUE',
        KONTROL_CALLBACK: `env > '${dir.file('part')}'; mv '${dir.file('part')}' '${dir.file('env')}'; echo "{}"`
      }
    })
    await service.ready()
    const text = await (await fetch(`http://${address}:8080/`)).text()
    const keepalive = { app: 'web', id: 'web-1', ip: '10.0.0.1', key: 'k', role: 'r', payload: '' }
    await service.send('PUT', '/ping', JSON.stringify(keepalive), authorized)
    const callback = await eventually(() => readFile(dir.file('env'), 'utf8'), 30_000)
    const { body } = await service.send('GET', '/api/v1/haproxy', undefined, authorized)
    const { pid, workerPid } = JSON.parse(body) as Record<'pid' | 'workerPid', number>
    const [master = [], worker = []] = await Promise.all(
      [pid, workerPid].map(async (one) =>
        (await readFile(`/proc/${one}/environ`, 'utf8')).split('\0').map((line) => line.replace(/=[^]*/, ''))
      )
    )
    return { text, callback, master, worker }
  }

  it('HAProxy has what an operator set, and a callback also what leads to the credentials of AWS', async () => {
    const { text, callback, master, worker } = await seenWith()

    expect(text).toBe('eu-west-1|p|')
    for (const environment of [master, worker]) {
      expect(environment).toEqual(expect.arrayContaining(['PATH', 'KONTROL_DATA', ...Object.keys(operators)]))
      for (const name of [...Object.keys(machinery), 'KONTROL_TOKEN']) expect(environment).not.toContain(name)
    }
    for (const line of ['NODE_OPTIONS=--no-warnings', 'AWS_PROFILE=dns', 'STATS_PASSWORD=p']) {
      expect(callback.split('\n')).toContain(line)
    }
    expect(callback).not.toContain(TOKEN)
  })

  it('HAProxy has nothing that KONTROL_HAPROXY_ENV leaves out, and a callback all the same', async () => {
    const { text, callback, master, worker } = await seenWith('AWS_PROFILE, AWS_REGION')

    expect(text).toBe('eu-west-1||dns')
    for (const environment of [master, worker]) {
      const own = environment.filter((name) => name !== '' && !name.startsWith('HAPROXY_'))
      expect([...own].sort()).toEqual(['AWS_PROFILE', 'AWS_REGION', 'PATH'])
    }
    expect(callback.split('\n')).toContain('STATS_PASSWORD=p')
  })

  it('the lines that the base image hands to its shell set them for supervisord and all that it starts', async () => {
    const dir = await folder()
    const main = join(import.meta.dirname, '../../../dist/main.js')
    const prefix = await withDownwardFiles(dir)
    const [program = '', ...args] = [
      ...prefix,
      ...['env', '-i', `PATH=${process.env.PATH ?? ''}`, `KONTROL_DATA=${dir.path}`, 'sh', '-euc'],
      `variables=$('${process.execPath}' '${main}' config --export); eval "$variables"; exec python3 -c 'import json, os; print(json.dumps(dict(os.environ)))'`
    ]
    const seen = JSON.parse(await command(program, args)) as Record<string, string>

    expect(JSON.parse(seen.KONTROL_ANNOTATIONS ?? '')).toEqual({ note: `a "quoted" line\nand it's next` })
    expect(seen).toMatchObject({
      KONTROL_PORT: '8000',
      KONTROL_TTL: '25',
      KONTROL_PAYLOAD: join(dir.path, 'state.json')
    })
  })
})
