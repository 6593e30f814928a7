import { once } from 'node:events'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { haproxyPaths, masterSocketArgument } from '../../../src/haproxy/files/paths.ts'
import { findMaster } from '../../../src/haproxy/process/process-table.ts'
import { MasterCli } from '../../../src/haproxy/socket/master-cli.ts'
import { runSubprocess } from '../../../src/platform/process/subprocess.ts'
import { ask } from '../../support/haproxy/ask.ts'
import { eventually } from '../../support/eventually.ts'
import { startHttpBackend, type HttpBackend } from '../../support/haproxy/http-backend.ts'
import { ownAddress } from '../../support/haproxy/start-haproxy.ts'
import { createService, type RunningService } from '../../support/service/start-service.ts'
import { startSupervisord } from '../../support/neighbours/start-supervisord.ts'
import { smallDisk } from '../../support/small-disk.ts'

const templateOf = (address: string, port: number): string => `
frontend proxy
  bind ${address}:8080
  mode http
  default_backend web
backend web
  mode http
{%- for ip in hosts.web %}
  server s{{ loop.index }} {{ ip }}:${port}
{%- endfor %}`

async function endHaproxy({ data }: { data: string }): Promise<void> {
  const argument = masterSocketArgument(haproxyPaths(data))
  const master = await findMaster(argument)
  if (master !== undefined) process.kill(master.pid, 'SIGTERM')
  await eventually(async () => (await findMaster(argument)) === undefined)
}

/** A proxy that has served, and of which nothing but the data folder is left. */
async function served(address: string, web: HttpBackend, env: NodeJS.ProcessEnv = {}): Promise<RunningService> {
  const service = await createService({ template: templateOf(address, web.port), env })
  await service.start()
  await service.ready()
  await service.ping(web.host)
  await eventually(async () => (await ask(address)) === 'hello')
  // What came at runtime is in the file for the next start.
  await service.kill('SIGTERM')
  await endHaproxy({ data: env.KONTROL_DATA ?? service.data })
  await expect(ask(address)).rejects.toThrow()
  service.forgetOutput()
  return service
}

const healthcheck = async ({ data, port }: RunningService) =>
  await runSubprocess(process.execPath, [join(import.meta.dirname, '../../../docker/healthcheck.js'), 'either'], {
    env: { KONTROL_DATA: data, KONTROL_PORT: String(port) }
  })

describe('a proxy that starts again, with what it served on disk', () => {
  let web: HttpBackend
  let silent: Server

  beforeAll(async () => {
    web = await startHttpBackend('hello', '127.0.0.1')
    silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
  })
  afterAll(async () => {
    silent.close()
    await web[Symbol.asyncDispose]()
  })

  it.each(['closed', 'silent'])('serves while etcd is %s, and its container counts as healthy', async (how) => {
    const address = ownAddress()
    await using service = await served(address, web)
    expect(await healthcheck(service)).toMatchObject({ code: 1 })
    const { port } = silent.address() as AddressInfo
    service.setEnvironment({ KONTROL_ETCD: `127.0.0.1:${how === 'closed' ? 1 : port}` })

    const child = service.spawn()

    await eventually(async () => (await ask(address)) === 'hello')
    await eventually(() => service.output.includes('waiting for etcd'))
    await expect(service.get('/healthz')).rejects.toThrow()
    expect(await healthcheck(service)).toMatchObject({ code: 0, stderr: '' })
    expect(child.exitCode).toBeNull()
    // It is watched meanwhile.
    await endHaproxy(service)
    await eventually(async () => (await ask(address)) === 'hello')
  })

  it('serves beside a registry that is damaged', async () => {
    const address = ownAddress()
    await using service = await served(address, web)
    await rm(join(service.data, 'registry'), { recursive: true })
    await mkdir(join(service.data, 'registry'))
    await writeFile(join(service.data, 'registry', 'data.mdb'), 'x'.repeat(20_000))

    service.spawn()

    await eventually(async () => (await ask(address)) === 'hello')
  })

  it('serves with a disk that is full, and takes pods that come once there is room', async () => {
    const address = ownAddress()
    await using disk = await smallDisk('16m')
    await using service = await served(address, web, { KONTROL_DATA: disk.path })
    await disk.fill()

    service.spawn()

    await eventually(async () => (await ask(address)) === 'hello')
    await disk.free()
    await using other = await startHttpBackend('other', '127.0.0.2', web.port)
    await eventually(async () => (await service.ping(other.host)) === 200, 30_000)
    await eventually(async () => (await ask(address)) === 'other')
  })

  it('serves while the API of Kubernetes is away, which is told', async () => {
    const address = ownAddress()
    await using service = await served(address, web)
    const { port } = silent.address() as AddressInfo
    // What the kubelet mounts, in a mount namespace of its own.
    const mounts = `mkdir -p /var/run/secrets && mount -t tmpfs none /var/run/secrets &&
      mkdir -p /var/run/secrets/kubernetes.io/serviceaccount && cd /var/run/secrets/kubernetes.io/serviceaccount &&
      echo token > token && echo > ca.crt && echo default > namespace && exec "$@"`
    service.setPrefix(['unshare', '-m', 'sh', '-c', mounts, 'sh'])
    service.setEnvironment({ KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) })
    try {
      service.spawn()

      await eventually(() => service.output.includes('waiting for an answer of Kubernetes'))
      await eventually(async () => (await ask(address)) === 'hello')
      expect(service.output).not.toContain('control tier open')
      expect(await service.kill('SIGTERM')).toBe(0)
      expect(await ask(address)).toBe('hello')
    } finally {
      // It is in another namespace, where it is not looked for.
      const { master } = await new MasterCli(haproxyPaths(service.data).masterSocket).showProcesses()
      process.kill(master.pid, 'SIGTERM')
    }
  })

  it('serves with an environment that is refused, and a template that is gone', async () => {
    const address = ownAddress()
    await using service = await served(address, web)
    service.setEnvironment({ KONTROL_TTL: 'soon', KONTROL_CONFIG_FILE: join(service.data, 'no-such-template') })
    const refused = service.spawn()
    expect(await once(refused, 'exit')).toEqual([78, null])
    expect(service.output).toContain('KONTROL_TTL')
    await eventually(async () => (await ask(address)) === 'hello')
    await endHaproxy(service)

    service.setEnvironment({ KONTROL_TTL: '25' })
    await service.start()

    await eventually(async () => (await ask(address)) === 'hello')
    await eventually(async () => (await service.get('/readyz')).body.includes('KTL_TEMPLATE_MISSING'))
    expect(await ask(address)).toBe('hello')
  })

  it('starts none where it has become a slave', async () => {
    const address = ownAddress()
    await using service = await served(address, web)
    service.setEnvironment({ KONTROL_MODE: 'slave', KONTROL_ANNOTATIONS: '{"kontrol.unity3d.com/master":"127.0.0.1"}' })

    await service.start()

    expect(service.output).not.toContain('haproxy started')
    await expect(ask(address)).rejects.toThrow()
  })

  it('serves as a program of supervisord as well', async () => {
    await using supervisord = await startSupervisord(['haproxy.conf'])
    const address = ownAddress()
    const data = supervisord.dir.file('data')
    const env = { KONTROL_SUPERVISOR: 'supervisord', SUPERVISOR_SERVER_URL: supervisord.serverUrl, KONTROL_DATA: data }
    await using service = await served(address, web, env)
    service.setEnvironment({ KONTROL_ETCD: '127.0.0.1:1' })

    const child = service.spawn()

    await eventually(async () => (await ask(address)) === 'hello')
    await eventually(() => service.output.includes('waiting for etcd'))
    expect(child.exitCode).toBeNull()
  })
})
