import { once } from 'node:events'
import { invalidEnvironment, readEnvTable } from '../config.ts'
import { envTable } from '../environment.ts'
import { Automaton } from '../lifecycle/automaton.ts'
import { CommandSocket } from '../lifecycle/command-socket.ts'
import { readManifest } from '../lifecycle/manifest/manifest.ts'
import { factsOf } from '../lifecycle/manifest/reachable-states.ts'
import { systemClock } from '../platform/clock.ts'
import { createLogger } from '../platform/logger.ts'
import { RotatingFile } from '../platform/files/rotating-file.ts'
import type { Shell } from '../platform/process/shell.ts'
import { defineCommand, usageError } from './command.ts'
import { readNamed } from './named-file.ts'

/** As the original's: four files of 64 KB at most. */
const LOG_FILE_BYTES = 65_335
const LOG_FILE_BACKUPS = 3

/** @throws KontrolError KTL_CONFIG_INVALID */
export function shellOf(env: NodeJS.ProcessEnv): Shell {
  const { values, problems } = readEnvTable({ shell: envTable.shell }, [['environment', env]])
  if (problems.length > 0) throw invalidEnvironment(problems)
  return values.shell
}

export const automaton = defineCommand({
  program: 'automaton',
  summary: 'Run the state machine of a manifest until SIGINT or SIGTERM, and then its terminal state',
  usage: '<manifest> [-s socket] [-l logfile] [-d]',
  takes: 1,
  options: {
    socket: { type: 'string', short: 's', default: '/var/run/automaton.sock' },
    logfile: { type: 'string', short: 'l' },
    debug: { type: 'boolean', short: 'd', default: false }
  },
  optionDocs: {
    socket: 'Unix socket that takes the commands',
    logfile: 'File that gets the log as well, rotated at 64 KB, three old ones kept',
    debug: 'Log what the scripts print'
  },
  async run({ values, positionals }, { env, signal }) {
    const [file, ...rest] = positionals
    if (file === undefined || rest.length > 0) {
      throw usageError('automaton takes one manifest', 'Usage: automaton <manifest> [-s socket] [-l logfile] [-d]')
    }
    const { manifest, warnings } = await readManifest(file, [], readNamed)
    const logFile =
      values.logfile === undefined
        ? undefined
        : new RotatingFile({ path: values.logfile, maxBytes: LOG_FILE_BYTES, backups: LOG_FILE_BACKUPS })
    const logger = await createLogger(values.debug ? 'debug' : 'info', process.stdout, logFile)
    for (const warning of warnings) logger.warn({ file, warning }, 'manifest has a weak spot')

    const machine = new Automaton({
      manifest,
      actions: {},
      socketPath: values.socket,
      logger,
      clock: systemClock,
      env,
      shell: shellOf(env)
    })
    const socket = new CommandSocket({ path: values.socket, machine, facts: factsOf(manifest), logger })
    await socket.listen()
    machine.start()
    if (!signal.aborted) await once(signal, 'abort')
    logger.info({ terminal: manifest.terminal }, 'asked to end, running the terminal state')
    await machine.stop()
    await socket.close()
    logger.info({}, 'ended')
    logFile?.close()
  }
})
