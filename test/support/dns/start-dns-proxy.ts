import { writeFile } from 'node:fs/promises'
import { eventually } from '../eventually.ts'
import { startService, type RunningService } from '../service/start-service.ts'
import type { TempDir } from '../temp-dir.ts'

const PREFIX = 'haproxy.unity3d.com/route53'

/**
 * A proxy that is its own master.
 *
 * @param dns its annotations by the end of their name: `{ '': 'foo.bar.com', owner: 'east' }`
 */
export function startDnsProxy(dns: Record<string, string>, env: NodeJS.ProcessEnv): Promise<RunningService> {
  const annotations = {
    'haproxy.unity3d.com/config': 'frontend web\n  mode http\n  bind unix@{{ env.KONTROL_DATA }}/web.sock\n',
    // Leaving waits until resolvers have forgotten the proxy.
    [`${PREFIX}-ttl`]: '0',
    'kontrol.unity3d.com/master': '127.0.0.1',
    ...Object.fromEntries(Object.entries(dns).map(([end, value]) => [end === '' ? PREFIX : `${PREFIX}-${end}`, value]))
  }
  return startService({
    env: {
      KONTROL_MODE: 'master,slave',
      KONTROL_EIP: '203.0.113.1',
      KONTROL_DAMPER: '0.1',
      KONTROL_TTL: '4',
      KONTROL_ANNOTATIONS: JSON.stringify(annotations),
      ...env
    }
  })
}

/** The slave of a second proxy, without an HAProxy, which would outlive it. */
export async function startDnsSlave(
  dir: TempDir,
  master: RunningService,
  ip: string,
  eip: string
): Promise<RunningService> {
  await writeFile(dir.file(eip), JSON.stringify({ eip }))
  return startService({
    env: {
      KONTROL_MODE: 'slave',
      KONTROL_ID: `proxy-${eip}`,
      KONTROL_IP: ip,
      KONTROL_TTL: '4',
      KONTROL_PAYLOAD: dir.file(eip),
      KONTROL_ANNOTATIONS: JSON.stringify({ 'kontrol.unity3d.com/master': `127.0.0.1:${master.port}` })
    }
  })
}

export interface ShownRecord {
  name: string
  type: string
  zone?: string
  found?: string[]
  note?: string
  lastError?: { code: string; message: string; hint?: string }
}

/** What it tells about a record, once that is as expected. */
export function shownRecord(
  service: RunningService,
  name: string,
  isExpected: (record: ShownRecord) => boolean,
  type = 'A'
): Promise<ShownRecord> {
  return eventually(async () => {
    const { body } = await service.get('/api/v1/dns')
    const { records } = JSON.parse(body) as { records: ShownRecord[] }
    const record = records.find((one) => one.name === name && one.type === type)
    if (record === undefined || !isExpected(record)) throw new Error(`${body}\n${service.output}`)
    return record
  }, 20_000)
}
