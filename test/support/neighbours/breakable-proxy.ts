import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface BreakableProxy extends AsyncDisposable {
  url: string
  /** Ends all connections and refuses new ones. */
  cut(): void
  /** Keeps all connections and passes nothing on, as a network does that drops packets. */
  silence(): void
  /** Passes everything on so many milliseconds later, each way, over the connections that there are too. */
  slow(ms: number): void
  /** Passes everything on again, over new connections. */
  mend(): void
}

/** A TCP proxy in front of a neighbour, to break the way to it without touching the neighbour. */
export async function startBreakableProxy(target: string): Promise<BreakableProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let state: 'passing' | 'cut' | 'silent' = 'passing'
  let delayMs = 0
  const destroyAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const server = createServer((client) => {
    if (state === 'cut') return client.destroy()
    const upstream = connect(Number(port), hostname)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client]
    ] as const) {
      sockets.add(from)
      from.on('data', (chunk: Buffer) => {
        if (state !== 'passing') return
        if (delayMs === 0) to.write(chunk)
        else setTimeout(() => to.write(chunk), delayMs)
      })
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      state = 'cut'
      destroyAll()
    },
    silence: () => {
      state = 'silent'
    },
    slow: (ms) => {
      delayMs = ms
    },
    mend: () => {
      state = 'passing'
      // What was swallowed meanwhile is missing from the old ones.
      destroyAll()
    },
    [Symbol.asyncDispose]: async () => {
      server.close()
      destroyAll()
      await once(server, 'close')
    }
  }
}
