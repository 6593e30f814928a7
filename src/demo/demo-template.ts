import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

/** The sample of the original README, as it stands there. */
const SAMPLE = new URL('../../lifecycle/samples/http.cfg.j2', import.meta.url)

export interface DemoTemplate {
  text: string
  /** Where HAProxy listens for requests. */
  proxyPort: number
  /** Where its servers listen, which the template says. */
  slavePort: number
}

/** The sample on free ports, or the user's own template as it is. */
export async function demoTemplate(own: string | undefined): Promise<DemoTemplate> {
  if (own !== undefined) return { text: own, proxyPort: bindPort(own), slavePort: serverPort(own) }
  const [proxyPort, statsPort, slavePort] = await freePorts(3)
  const text = readFileSync(SAMPLE, 'utf8')
    .replace('*:80', `127.0.0.1:${proxyPort}`)
    .replace(':1936', `127.0.0.1:${statsPort}`)
    .replace('{{ip}}:80', `{{ip}}:${slavePort}`)
  return { text, proxyPort: proxyPort ?? 0, slavePort: slavePort ?? 0 }
}

/** Ports that nobody listens on now, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '0.0.0.0'))
  const ports = await Promise.all(
    servers.map(async (server) => {
      await once(server, 'listening')
      return (server.address() as AddressInfo).port
    })
  )
  for (const server of servers) server.close()
  return ports
}

const bindPort = (template: string): number => Number(/^\s*bind\s+\S*?:(\d+)/m.exec(template)?.[1] ?? 80)

const serverPort = (template: string): number => Number(/^\s*server\s+.*\}\}:(\d+)/m.exec(template)?.[1] ?? 80)
