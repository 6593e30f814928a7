import { messageOf } from '../errors.ts'
import type { Logger } from '../platform/logger.ts'
import type { Automaton } from './automaton.ts'

/** What a command needs of the machine. */
export type CommandedMachine = Pick<Automaton, 'state' | 'goto' | 'wait' | 'set' | 'die'>

/**
 * Runs one command of Kontrol's wire format and resolves to the answer.
 *
 *     STATE                 the tag
 *     GOTO <tag> [input]    OK when the transition starts
 *     WAIT <tag> [input]    OK when the machine has come to rest
 *     SET <name> [value]    OK
 *     DIE                   OK when the terminal state starts
 *
 * Split at single spaces, case matters; the input is all the rest, with its
 * spaces and line breaks.
 *
 * @returns undefined for what is no command
 * @throws KontrolError when the machine refuses
 */
export async function runCommand(machine: CommandedMachine, text: string): Promise<string | undefined> {
  const [verb, first, ...others] = text.replace(/\n+$/, '').split(' ')
  const rest = others.join(' ')
  if (verb === 'STATE') return machine.state
  if (verb === 'DIE') await machine.die()
  else if (first === undefined) return undefined
  else if (verb === 'GOTO') await machine.goto(first, rest)
  else if (verb === 'WAIT') await machine.wait(first, rest)
  else if (verb === 'SET') machine.set(first, rest)
  else return undefined
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
