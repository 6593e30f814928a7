import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KontrolError } from '../../errors.ts'
import type { Logger } from '../../platform/logger.ts'
import { fitsArgument, fitsEnvironment } from '../../platform/process/script-input.ts'
import { defaultShell, type Shell } from '../../platform/process/shell.ts'
import { runSubprocess } from '../../platform/process/subprocess.ts'

export interface ShellScript {
  command: string
  /** JSON of the body that the command came in. */
  input: string
  env: NodeJS.ProcessEnv
  /** The usual one when absent. */
  shell?: Shell
  timeoutMs: number
  logger: Logger
}

const MAX_OUTPUT_BYTES = 1024 * 1024
const STDERR_LENGTH = 4096
const GRACE_MS = 2000

/**
 * Runs a command under `sh -c` with `INPUT`, or `INPUT_FILE` where that is too
 * long for a variable.
 *
 * @throws KontrolError KTL_SCRIPT_TIMEOUT, KTL_REQUEST_INVALID
 */
export async function runShellScript(script: ShellScript): Promise<string> {
  const { command, input, env, shell: [program, ...words] = defaultShell, timeoutMs, logger } = script
  if (!fitsArgument(command)) {
    throw new KontrolError(
      'KTL_REQUEST_INVALID',
      'The command is longer than the 128 KiB that a process can be given',
      {
        hint: 'Send the data beside "cmd" in the body, and read it from the file "$INPUT_FILE".'
      }
    )
  }
  const folder = await mkdtemp(join(tmpdir(), 'kontrol-script-'))
  try {
    const result = await runSubprocess(program, [...words, '-c', command], {
      env: { ...env, ...(await inputVariables(input, folder)) },
      timeoutMs,
      graceMs: GRACE_MS,
      maxOutputBytes: MAX_OUTPUT_BYTES
    })
    const stderr = result.stderr.trim().slice(-STDERR_LENGTH)
    logger.info({ code: result.code, ...(stderr !== '' && { stderr }) }, 'script ran')
    if (result.timedOut) {
      throw new KontrolError('KTL_SCRIPT_TIMEOUT', `The command was ended after ${timeoutMs / 1000} s`, {
        hint: 'Start what takes longer in the background, with its output redirected.'
      })
    }
    if (result.truncated) logger.warn({ limit: MAX_OUTPUT_BYTES }, 'output of a script cut off')
    return result.stdout.replace(/\n$/, '')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function inputVariables(input: string, folder: string): Promise<NodeJS.ProcessEnv> {
  if (fitsEnvironment('INPUT', input)) return { INPUT: input, INPUT_FILE: undefined }
  const path = join(folder, 'input.json')
  await writeFile(path, input, { mode: 0o600 })
  return { INPUT: undefined, INPUT_FILE: path }
}
