import { chmod, lstat, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { answerToKind, parseCommand, type ManifestFacts } from '../access/command-rules.ts'
import { findKontrolError, KontrolError, messageOf } from '../errors.ts'
import type { Logger } from '../platform/logger.ts'
import type { Automaton } from './automaton.ts'

export interface CommandSocketOptions {
  path: string
  machine: CommandedMachine
  /** Of its manifest. */
  facts: ManifestFacts
  logger: Logger
  /** Milliseconds that a connection may send nothing before its command is complete; 10 s when absent. */
  idleMs?: number
}

/** The hosts of 10,000 pods are 200 KB of JSON. */
const MAX_COMMAND_BYTES = 4 * 1024 * 1024
const DEFAULT_IDLE_MS = 10_000
/**
 * A command ends where its sender ends it. One that keeps its half open is
 * taken at its word after a line break and this silence; not at the first line
 * break, as an input may hold several.
 */
const QUIET_MS = 500
const MAX_CONNECTIONS = 128

/** The unix socket of a machine: a connection is a command, and its answer has no line break. */
export class CommandSocket {
  readonly #options: Required<CommandSocketOptions>
  readonly #server: Server
  readonly #open = new Set<Socket>()

  constructor(options: CommandSocketOptions) {
    this.#options = { idleMs: DEFAULT_IDLE_MS, ...options }
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#serve(socket))
    this.#server.maxConnections = MAX_CONNECTIONS
  }

  /**
   * Takes the place of a socket that nobody answers any more.
   *
   * @throws KontrolError KTL_SOCKET_UNUSABLE when somebody does, or the path cannot be used
   */
  async listen(): Promise<void> {
    const { path, logger } = this.#options
    await this.#clearPath()
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once('error', reject).listen(path, () => {
          this.#server.off('error', reject)
          resolve()
        })
      })
      await chmod(path, 0o600)
    } catch (cause) {
      throw unusable(path, messageOf(cause), cause)
    }
    this.#server.on('error', (error) => logger.error({ err: error }, 'command socket failed'))
    logger.info({ path }, 'command socket open')
  }

  /** Closes the connections and removes the file. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#open) socket.destroy()
    await closed
  }

  async #clearPath(): Promise<void> {
    const { path, logger } = this.#options
    const found = await lstat(path).catch(() => undefined)
    if (found === undefined) return
    if (!found.isSocket()) throw unusable(path, 'something that is no socket is there')
    if (await answers(path)) throw unusable(path, 'another process listens there')
    logger.info({ path }, 'removing the socket of a process that has gone')
    await rm(path, { force: true })
  }

  #serve(socket: Socket): void {
    this.#open.add(socket)
    socket.on('close', () => this.#open.delete(socket))
    // The peer may go without waiting for its answer; the command runs all the same.
    socket.on('error', () => {})
    this.#read(socket).then(
      (text) => this.#answer(socket, text),
      (error: unknown) => this.#refuse(socket, '', error)
    )
  }

  #read(socket: Socket): Promise<string> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      let bytes = 0
      let quiet: NodeJS.Timeout | undefined
      const finish = (error?: Error): void => {
        clearTimeout(quiet)
        socket.setTimeout(0)
        socket.removeAllListeners('data')
        // Read on and drop it, else the end of the peer would never be seen.
        socket.resume()
        if (error === undefined) resolve(Buffer.concat(chunks).toString('utf8'))
        else reject(error)
      }
      socket.on('data', (chunk: Buffer) => {
        clearTimeout(quiet)
        chunks.push(chunk)
        bytes += chunk.length
        if (bytes > MAX_COMMAND_BYTES) finish(new Error(`a command of more than ${MAX_COMMAND_BYTES} bytes`))
        else if (chunk.at(-1) === 0x0a) quiet = setTimeout(finish, QUIET_MS)
      })
      socket.on('end', () => finish())
      socket.setTimeout(this.#options.idleMs, () => finish(new Error('no command came in time')))
    })
  }

  async #answer(socket: Socket, text: string): Promise<void> {
    try {
      const { machine, facts } = this.#options
      const answer = answerToKind(text, facts) ?? (await runCommand(machine, text))
      if (answer === undefined) this.#refuse(socket, text, new Error('no such command'))
      else socket.end(answer)
    } catch (error) {
      this.#refuse(socket, text, error)
    }
  }

  #refuse(socket: Socket, text: string, error: unknown): void {
    const [verb = '', subject = ''] = text.slice(0, 100).split(' ')
    const reason = findKontrolError(error)?.code ?? messageOf(error)
    this.#options.logger.warn({ verb, subject, reason }, 'command refused')
    socket.end('KO')
  }
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const settle = (alive: boolean) => (): void => {
      socket.destroy()
      resolve(alive)
    }
    socket.once('connect', settle(true)).once('error', settle(false))
  })
}

function unusable(path: string, why: string, cause?: unknown): KontrolError {
  return new KontrolError('KTL_SOCKET_UNUSABLE', `Cannot listen for commands on ${path}: ${why}`, {
    hint: 'Choose another path by KONTROL_SOCKET or -s, of at most 107 bytes, in a folder that can be written.',
    cause
  })
}

/** What a command needs of the machine. */
type CommandedMachine = Pick<Automaton, 'state' | 'goto' | 'wait' | 'set' | 'die'>

/**
 * Runs one command of Kontrol's wire format and resolves to the answer.
 *
 *     STATE                 the tag
 *     GOTO <tag> [input]    OK when the transition starts
 *     WAIT <tag> [input]    OK when the machine has come to rest
 *     SET <name> [value]    OK
 *     DIE                   OK when the terminal state starts
 *
 * @returns undefined for what is no command
 * @throws KontrolError when the machine refuses
 */
async function runCommand(machine: CommandedMachine, text: string): Promise<string | undefined> {
  const command = parseCommand(text)
  if (command === undefined) return undefined
  const { verb, subject, input } = command
  switch (verb) {
    case 'STATE':
      return machine.state
    case 'DIE':
      await machine.die()
      break
    case 'GOTO':
      await machine.goto(subject, input)
      break
    case 'WAIT':
      await machine.wait(subject, input)
      break
    case 'SET':
      machine.set(subject, input)
  }
  return 'OK'
}

/** Takes commands of this process itself and answers as the socket does: what the machine refuses is KO. */
export function commandSink(machine: CommandedMachine, logger: Logger) {
  return {
    async execute(commandLine: string): Promise<string> {
      try {
        return (await runCommand(machine, commandLine)) ?? 'KO'
      } catch (error) {
        logger.warn({ reason: messageOf(error) }, 'command of a script refused')
        return 'KO'
      }
    }
  }
}
