import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startBreakableProxy } from '../../support/neighbours/breakable-proxy.ts'
import { startEtcd } from '../../support/neighbours/start-etcd.ts'
import { createService } from '../../support/service/start-service.ts'

describe('A control tier that starts while etcd is away', () => {
  it('says within 2 s what it waits for, and takes over when etcd answers', async () => {
    await using etcd = await startEtcd()
    await using proxy = await startBreakableProxy(etcd.hosts[0] as string)
    proxy.cut()
    await using service = await createService({ env: { KONTROL_ETCD: proxy.url } })
    const child = service.spawn()
    await eventually(() => service.output.includes('waiting for etcd'), 10_000)
    expect(service.output).toContain('etcd not reached, trying again')
    expect(service.output).toContain(proxy.url)
    // Longer than the retries take to be as rare as they get.
    await new Promise((resolve) => setTimeout(resolve, 5000))
    expect(child.exitCode).toBeNull()

    proxy.mend()
    await eventually(async () => (await service.get('/healthz')).status === 200, 10_000)
  })

  it('says so too when etcd accepts connections and is silent', async () => {
    const silent = createServer()
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as { port: number }
    await using service = await createService({ env: { KONTROL_ETCD: `127.0.0.1:${port}` } })
    const child = service.spawn()
    await eventually(() => service.output.includes('waiting for etcd'), 10_000)
    await eventually(() => service.output.includes('did not answer'), 15_000)
    expect(child.exitCode).toBeNull()
    silent.close()
  })

  it('ends at once, and well, when it is told to', async () => {
    await using service = await createService({ env: { KONTROL_ETCD: '127.0.0.1:1' } })
    const child = service.spawn()
    await eventually(() => service.output.includes('waiting for etcd'), 10_000)
    const exit = once(child, 'exit')
    child.kill('SIGTERM')

    expect(await exit).toEqual([0, null])
    expect(service.output).toContain('ended before the start was complete')
  })
})
