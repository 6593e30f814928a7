import { runSubprocess } from '../../../src/platform/process/subprocess.ts'
import { MAIN } from './as-supervised.ts'

export interface CliResult {
  code: number | null
  stdout: string
  stderr: string
}

/** One command of the built program, at a pipe. */
export async function kontrol(args: string[], env: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  return await runSubprocess(process.execPath, [MAIN, ...args], { env: { PATH: process.env.PATH, ...env } })
}

/** A line for a shell, in which `kontrol` is the built program. */
export async function shell(line: string, env: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  const text = `set -o pipefail; kontrol() { '${process.execPath}' '${MAIN}' "$@"; }; ${line}`
  return await runSubprocess('bash', ['--norc', '-c', text], { env: { PATH: process.env.PATH, ...env } })
}
