import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { kindAnswered, kindQuestion } from '../../access/command-rules.ts'
import type { CommandKind } from '../../access/policy.ts'
import { KontrolError, messageOf } from '../../errors.ts'
import type { CommandSink } from './script.ts'

/** The automaton of this pod when it is a program of its own: commands go to its unix socket. */
export class SocketSink implements CommandSink {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  async kindOf(commandLine: string): Promise<CommandKind> {
    return kindAnswered(await this.execute(kindQuestion(commandLine)))
  }

  async execute(commandLine: string): Promise<string> {
    const socket = connect({ path: this.#path, allowHalfOpen: true })
    try {
      socket.end(commandLine)
      return await text(socket)
    } catch (cause) {
      throw new KontrolError(
        'KTL_AUTOMATON_UNREACHABLE',
        `No automaton answers at ${this.#path}: ${messageOf(cause)}`,
        {
          hint: 'Start "automaton <manifest> -s <socket>" in this pod, or set KONTROL_SOCKET or KONTROL_LIFECYCLE.',
          cause
        }
      )
    } finally {
      socket.destroy()
    }
  }
}
