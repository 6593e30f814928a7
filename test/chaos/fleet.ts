import { setTimeout as sleep } from 'node:timers/promises'
import { startHttpBackend, type HttpBackend } from '../support/haproxy/http-backend.ts'
import type { RunningService } from '../support/service/start-service.ts'

interface Slave {
  app: 'web' | 'idle'
  ip: string
  /** Not while it is silent, or has left. */
  pings: boolean
}

export interface FleetOptions {
  /** Control tiers. A slave reports to one of them, and to another one when that does not answer. */
  services: readonly RunningService[]
  /** Real web servers, each a pod of `web`. */
  backends: number
  /** Pods of `idle`, which nobody asks for anything. */
  idle: number
  ttlMs: number
}

const AT_ONCE = 15

/** Slaves that report to control tiers, whatever becomes of these: some with a web server behind them. */
export class Fleet implements AsyncDisposable {
  readonly #options: FleetOptions
  readonly slaves: Slave[] = []
  readonly #servers: HttpBackend[] = []
  #stopped = false
  #pinging: Promise<void> = Promise.resolve()
  /** Of the web servers. */
  port = 0

  constructor(options: FleetOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { backends, idle } = this.#options
    for (let n = 1; n <= backends; n++) {
      const server = await startHttpBackend('hello', `127.1.1.${n}`, this.port)
      this.port = server.port
      this.#servers.push(server)
      this.slaves.push({ app: 'web', ip: server.host, pings: true })
    }
    for (let n = 1; n <= idle; n++) this.slaves.push({ app: 'idle', ip: `127.2.${n >> 7}.${n & 127}`, pings: true })
    this.#pinging = this.#pingAll()
  }

  /** Addresses by app of those that say that they live. */
  living(app: Slave['app']): string[] {
    return this.slaves.filter((slave) => slave.app === app && slave.pings).map(({ ip }) => ip)
  }

  async sayGoodbye(slave: Slave): Promise<void> {
    slave.pings = false
    await this.#ping(slave, { down: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    await this.#pinging
    await Promise.all(this.#servers.map((server) => server[Symbol.asyncDispose]()))
  }

  async #pingAll(): Promise<void> {
    const { ttlMs } = this.#options
    while (!this.#stopped) {
      const begun = performance.now()
      // Several at once, as they are processes of their own.
      for (let at = 0; at < this.slaves.length && !this.#stopped; at += AT_ONCE) {
        const some = this.slaves.slice(at, at + AT_ONCE).filter(({ pings }) => pings)
        await Promise.all(some.map((slave) => this.#ping(slave)))
      }
      await sleep(Math.max(50, ttlMs / 3 - (performance.now() - begun)))
    }
  }

  /** A control tier that is away, or stands still, does not end a slave. */
  async #ping(slave: Slave, change: Record<string, unknown> = {}): Promise<void> {
    const { app, ip } = slave
    const { services } = this.#options
    const home = this.slaves.indexOf(slave)
    for (const at of services.keys()) {
      const service = services[(home + at) % services.length]
      const answered = service?.ping(ip, { app, id: `${app}-${ip}`, ...change }).catch(() => 0)
      if ((await Promise.race([answered, sleep(500)])) === 200) return
    }
  }
}
