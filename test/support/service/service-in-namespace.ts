import { request } from 'undici'
import { freePort } from '../free-port.ts'
import { HERE, networkNamespace, PROXY, STRANGER, type NetworkNamespace } from '../neighbours/network-namespace.ts'
import { RunningService, type ServiceOptions } from './start-service.ts'
import { tempDir } from '../temp-dir.ts'

export interface Answer {
  status: number
  body: string
  /** Of an error body. */
  code: string | undefined
}

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE'
type Ask = (method: Method, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>

export interface ServiceInNamespace extends AsyncDisposable {
  service: RunningService
  network: NetworkNamespace
  /** From this host, from an address that nobody knows, and from the one of a proxy. */
  ask: { loopback: Ask; stranger: Ask; proxy: Ask }
  /** As many bytes as another protocol needs. */
  bridgeFrom(address: string): Promise<string>
}

/** The program in a network of its own, and those who ask it from there. */
export async function serviceInNamespace(options: ServiceOptions = {}): Promise<ServiceInNamespace> {
  const network = await networkNamespace()
  const dir = await tempDir()
  const port = await freePort()
  const loopback = await network.dispatcher({ from: '127.0.0.1', to: '127.0.0.1', port })
  const asks = async (from: string): Promise<Ask> => {
    const dispatcher = from === '127.0.0.1' ? loopback : await network.dispatcher({ from, to: HERE, port })
    return async (method, path, body, headers = {}) => {
      const text = body === undefined || typeof body === 'string' ? (body ?? null) : JSON.stringify(body)
      const url = `http://${from === '127.0.0.1' ? from : HERE}:${port}${path}`
      const answer = await request(url, { method, body: text, headers, dispatcher })
      const answered = await answer.body.text()
      return { status: answer.statusCode, body: answered, code: codeIn(answered) }
    }
  }
  const service = new RunningService(
    dir.path,
    port,
    {
      ...options,
      prefix: [...network.prefix, ...(options.prefix ?? [])],
      dispatcher: loopback,
      env: { KONTROL_IP: HERE, ...options.env }
    },
    async () => await dir[Symbol.asyncDispose]()
  )
  return {
    service,
    network,
    ask: { loopback: await asks('127.0.0.1'), stranger: await asks(STRANGER), proxy: await asks(PROXY) },
    bridgeFrom: async (from) => await network.bridge({ from, to: HERE, port }),
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]()
      await network[Symbol.asyncDispose]()
    }
  }
}

function codeIn(body: string): string | undefined {
  try {
    return (JSON.parse(body) as { code?: string }).code
  } catch {
    return undefined
  }
}
