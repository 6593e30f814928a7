import { Client } from './zerorpc.cjs'

/** The independent client of npm, with answers as promises. */
export class NpmZerorpcClient {
  readonly #client: Client
  readonly errors: unknown[] = []

  constructor(port: number, options: { timeout?: number; heartbeatInterval?: number } = {}) {
    this.#client = new Client(options)
    this.#client.on('error', (error) => this.errors.push(error))
    this.#client.connect(`tcp://127.0.0.1:${port}`)
  }

  call(method: string, ...args: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#client.invoke(method, ...args, (error: { name: string; message: string } | null, result: unknown) => {
        if (error === null || error === undefined) resolve(result)
        else reject(Object.assign(new Error(error.message), { name: error.name }))
      })
    })
  }

  close(): void {
    this.#client.close()
  }
}
