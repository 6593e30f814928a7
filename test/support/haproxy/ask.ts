/** What is answered through HAProxy, over a connection of its own. */
export async function ask(address: string, port = 8080, path = '/'): Promise<string> {
  const host = address.includes(':') ? `[${address}]` : address
  return await (await fetch(`http://${host}:${port}${path}`, { headers: { connection: 'close' } })).text()
}
