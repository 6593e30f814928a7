import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { startEtcd } from '../../support/neighbours/start-etcd.ts'
import { startService, type RunningService } from '../../support/service/start-service.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

describe('a value in etcd that is no pod (case 6)', () => {
  it('ends no master, not at its next start either, and changes nothing for the pods', async () => {
    await using etcd = await startEtcd()
    const env = { KONTROL_ETCD: etcd.hosts.join(','), KONTROL_DRY_RUN: 'on', KONTROL_TTL: '600' }
    await using one = await startService({ template: '# nothing', env: { ...env, KONTROL_ID: 'one' } })
    await using other = await startService({ template: '# nothing', env: { ...env, KONTROL_ID: 'other' } })
    const hostsOf = async (service: RunningService): Promise<unknown> =>
      (await service.json<{ hosts: unknown }>('/api/v1/hosts')).hosts
    expect(await one.ping('10.0.0.1')).toBe(200)
    const hosts = { web: ['10.0.0.1'] }
    const both = async (): Promise<void> => {
      for (const service of [one, other]) {
        await eventually(async () => JSON.stringify(await hostsOf(service)) === JSON.stringify(hosts))
      }
    }
    await both()

    const pod = { app: 'web', id: 'zz', ip: '10.6.6.6', key: 'zz', role: 'r', seq: 1, firstSeen: 1 }
    const deep = JSON.stringify({ ...pod, payload: 0 }).replace(
      '"payload":0',
      `"payload":${'['.repeat(100_000)}${']'.repeat(100_000)}`
    )
    const values = [
      'null',
      '5',
      '[]',
      '"text"',
      '{',
      '',
      '{"__proto__":1}',
      JSON.stringify({ ...pod, ip: '0.0.0.0' }),
      deep
    ]
    for (const [index, value] of values.entries()) {
      const key = base64(`/kontrol/default/haproxy/pods/zz${index || ''}`)
      await etcd.call('/v3/kv/put', { key, value: base64(value) })
    }
    for (const service of [one, other]) {
      await eventually(() => service.output.split('value in etcd skipped').length > values.length)
    }
    await both()

    for (const service of [one, other]) {
      expect(await service.kill('SIGTERM')).toBe(0)
      service.forgetOutput()
      await service.start()
      expect(service.output).toContain('value in etcd skipped')
      expect((await service.get('/metrics')).body).toContain(`kontrol_store_values_skipped ${values.length}`)
    }
    await both()
    expect(await other.ping('10.0.0.2', { key: 'zz' })).toBe(200)
    await eventually(async () => JSON.stringify(await hostsOf(one)).includes('10.0.0.2'))
  })
})
