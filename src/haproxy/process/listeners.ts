import { readdir, readFile, readlink } from 'node:fs/promises'

/** A TCP address on which a process listens. */
export interface Listener {
  /** Dotted IPv4 (`0.0.0.0` is any), `::` for any IPv6, or undefined for one IPv6 address. */
  address: string | undefined
  port: number
}

export interface Listeners {
  /** Of the process that was asked for. */
  own: Listener[]
  /** Of all others in its network namespace. */
  others: Listener[]
}

/** Where a process listens, and where others do, as the kernel tells. */
export async function listenersOf(pid: number): Promise<Listeners> {
  const targets = await targetsOf(pid)
  const inodes = new Set(targets.map((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1]))
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => ''))
  )
  const all = tables.flatMap(parseListeners)
  return { own: all.filter(({ inode }) => inodes.has(inode)), others: all.filter(({ inode }) => !inodes.has(inode)) }
}

/** Of one that is killed the first thread may be gone while another still holds all that the process had. */
async function targetsOf(pid: number): Promise<string[]> {
  for (const thread of await readdir(`/proc/${pid}/task`).catch(() => [])) {
    const folder = `/proc/${pid}/task/${thread}/fd`
    const descriptors = await readdir(folder).catch(() => [])
    if (descriptors.length === 0) continue
    return await Promise.all(descriptors.map((fd) => readlink(`${folder}/${fd}`).catch(() => '')))
  }
  return []
}

/**
 * Whether anyone in its network namespace listens on a unix socket of HAProxy that was named in just these words, also
 * when the name is gone from the disk. Row of /proc/net/unix, Linux 6.18, with the name under which HAProxy binds:
 *
 *     00000000b7f44483: 00000002 00000000 00010000 0001 01 10522708 /data/haproxy/admin.sock.21887.tmp
 */
export async function isListenedOn(path: string, pid: number): Promise<boolean> {
  const table = await readFile(`/proc/${pid}/net/unix`, 'utf8').catch(() => '')
  return table.split('\n').some((row) => row.includes(` 00010000 0001 01 `) && row.includes(` ${path}.`))
}

/**
 * Listening rows (state 0A) of /proc/net/tcp, Linux 6.18:
 *
 *       sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
 *        0: 0100007F:1F93 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 38348 1 …
 */
export function parseListeners(table: string): (Listener & { inode: string })[] {
  const rows = table.matchAll(/^\s*\d+: ([\dA-F]+):([\dA-F]{4}) \S+ 0A \S+ \S+ \S+\s+\d+\s+\d+ (\d+)/gm)
  return [...rows].map(([, address = '', port = '', inode = '']) => ({
    address: readAddress(address),
    port: Number.parseInt(port, 16),
    inode
  }))
}

function readAddress(hex: string): string | undefined {
  if (hex.length > 8) return /^0+$/.test(hex) ? '::' : undefined
  const bytes = Buffer.from(hex, 'hex').reverse()
  return [...bytes].join('.')
}
