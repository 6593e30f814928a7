/**
 * Where things are in etcd, below one prefix for each app:
 *
 *     pods/<key>         a pod as JSON, with its sequence number
 *     seq                the next sequence number
 *     state              what the last callback printed
 *     ran                digest of the pods that it ran for
 *     filled             there once no pod is missing of those that were there before
 *     leader             id of the leading master, under its lease
 *     masters/<id>/<n>   which pods that master heard of lately, and what it says of itself, under its lease
 */
export class EtcdKeys {
  readonly prefix: string
  readonly seq: string
  readonly state: string
  readonly ran: string
  readonly filled: string
  readonly leader: string

  /** @param app of the proxies, whose masters share these pods */
  constructor({ namespace, app }: { namespace: string; app: string }) {
    this.prefix = `/kontrol/${namespace}/${app}/`
    this.seq = `${this.prefix}seq`
    this.state = `${this.prefix}state`
    this.ran = `${this.prefix}ran`
    this.filled = `${this.prefix}filled`
    this.leader = `${this.prefix}leader`
  }

  pod(key: string): string {
    return `${this.prefix}pods/${key}`
  }

  /** @param part counts from 0; the first part is always there while the master lives */
  heard(master: string, part: number): string {
    return `${this.prefix}masters/${master}/${part}`
  }

  /** What a key stands for: its kind, and the name behind it. */
  parse(key: string): { kind: string; name: string; part: string } {
    const [kind = '', name = '', part = ''] = key.slice(this.prefix.length).split('/')
    return { kind, name, part }
  }
}
