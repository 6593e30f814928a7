import { eachInTurns } from '../../platform/turns.ts'

interface Proxy<S> {
  readonly servers: readonly S[]
}

/** All servers of all proxies, of which there may be tens of thousands, in turns of the event loop. */
export async function eachServer<S, P extends Proxy<S>>(
  proxies: readonly (P & Proxy<S>)[],
  look: (server: S, proxy: P) => unknown
): Promise<void> {
  function* all(): Generator<[S, P]> {
    for (const proxy of proxies) for (const server of proxy.servers) yield [server, proxy]
  }
  await eachInTurns(all(), ([server, proxy]) => look(server, proxy))
}

/** The same proxies with something else in place of each server. */
export async function withServers<S, P extends Proxy<S>, T>(
  proxies: readonly (P & Proxy<S>)[],
  made: (server: S, proxy: P) => T
): Promise<(Omit<P, 'servers'> & { servers: T[] })[]> {
  const lists = new Map<P, T[]>(proxies.map((proxy) => [proxy, []]))
  await eachServer<S, P>(proxies, (server, proxy) => lists.get(proxy)?.push(made(server, proxy)))
  return Array.from(lists, ([proxy, servers]) => ({ ...proxy, servers }))
}
