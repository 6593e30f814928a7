import { once } from 'node:events'
import { createServer } from 'node:net'
import { KontrolError } from '../errors.ts'

/**
 * Whoever answers on a taken port is a stranger, who must not be taken for the demo's own control tier.
 *
 * @throws KontrolError KTL_PORT_TAKEN
 */
export async function assertFree(port: number): Promise<void> {
  const server = createServer()
  try {
    server.listen(port)
    await once(server, 'listening')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause
    throw new KontrolError('KTL_PORT_TAKEN', `Port ${port} is taken by another process`, {
      hint: 'Stop that process, or set KONTROL_PORT to a free port.',
      cause
    })
  }
  server.close()
  await once(server, 'close')
}
