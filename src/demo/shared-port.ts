import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface SharedPortOptions {
  binary: string
  /** Where the configuration and the sockets are written. */
  folder: string
  ips: readonly string[]
  port: number
}

/**
 * Lets slaves listen on the port on which the proxy listens as well. A template
 * with `bind *:80` and servers on port 80 is written for pods with addresses of
 * their own; on one machine the kernel shares the port only among sockets that
 * ask for it with SO_REUSEPORT, which HAProxy does and Node 20 cannot. So a small
 * HAProxy stands in front of each slave and hands its connections on as they are.
 */
export class SharedPort {
  readonly #options: SharedPortOptions
  #child: ChildProcess | undefined

  constructor(options: SharedPortOptions) {
    this.#options = options
  }

  /** Unix socket that the slave with this address listens on instead. */
  socketOf(ip: string): string {
    return join(this.#options.folder, `slave-${ip}.sock`)
  }

  async start(): Promise<void> {
    const { binary, folder } = this.#options
    const file = join(folder, 'shared-port.cfg')
    await writeFile(file, this.#config())
    const child = spawn(binary, ['-db', '-q', '-f', file], { stdio: ['ignore', 'ignore', 'inherit'] })
    await Promise.race([once(child, 'spawn'), once(child, 'error').then(([error]) => Promise.reject(error as Error))])
    child.once('exit', (code) => {
      if (this.#child !== undefined)
        process.stderr.write(`The shared port of the slaves is gone (exit code ${code}).\n`)
    })
    this.#child = child
  }

  async stop(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }

  #config(): string {
    const { ips, port } = this.#options
    const listens = ips.map((ip) => `listen ${ip}\n  bind ${ip}:${port}\n  server slave unix@${this.socketOf(ip)}\n`)
    return `defaults\n  mode tcp\n  timeout connect 2s\n  timeout client 1m\n  timeout server 1m\n\n${listens.join('\n')}`
  }
}
