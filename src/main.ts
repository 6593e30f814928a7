#!/usr/bin/env node
import { commands } from './cli/commands.ts'
import { EXIT_FAILURE, runCli } from './cli/command.ts'
import { EndSignal } from './cli/end-signal.ts'
import { ExitGuard } from './cli/exit-guard.ts'
import { StandardOutput } from './cli/standard-output.ts'

const guard = new ExitGuard((line) => console.error(line))
const end = new EndSignal(() => guard.release())
const unheard = new AbortController()
const output = new StandardOutput(process.stdout, () => unheard.abort())

process.exitCode = await runCli(process.argv.slice(2), commands, {
  stdout: (line) => output.write(`${line}\n`),
  stderr: (line) => console.error(line),
  env: process.env,
  signal: AbortSignal.any([end.signal, unheard.signal]),
  columns: () => (process.stdout.isTTY ? process.stdout.columns || 80 : undefined)
})
guard.release()
const failure = await output.finished()
if (failure !== undefined) {
  console.error(`The output cannot be written: ${failure.message}`)
  process.exitCode ||= EXIT_FAILURE
}
// What a library left open must not keep a finished command from ending.
end.exit()
