import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below those of `ownPort`, and those that Linux gives to outgoing connections (32768 and up): such a one is free now, and may
 * be some connection's own by the time that the program under test binds it.
 */
const from = 10_000
const below = 20_000

const given = new Set<number>()

/** A TCP port of that address that is free, and that only another test could take, for programs that cannot choose one themselves. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const port = from + Math.floor(Math.random() * (below - from))
    if (given.has(port) || !(await canListen(port, host))) continue
    given.add(port)
    return port
  }
  throw new Error(`no free port at ${host} in 200 tries`)
}

async function canListen(port: number, host: string): Promise<boolean> {
  const server = createServer()
  const listening = once(server, 'listening').then(
    () => true,
    () => false
  )
  server.listen(port, host)
  if (!(await listening)) return false
  server.close()
  await once(server, 'close')
  return true
}
