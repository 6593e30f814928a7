#!/usr/bin/env node
import { commands } from './cli/commands.ts'
import { runCli } from './cli/command.ts'
import { endSignal } from './cli/end-signal.ts'
import { ExitGuard } from './cli/exit-guard.ts'

const guard = new ExitGuard((line) => console.error(line))

process.exitCode = await runCli(process.argv.slice(2), commands, {
  stdout: (line) => console.log(line),
  stderr: (line) => console.error(line),
  env: process.env,
  signal: endSignal(() => guard.release())
})
guard.release()
// What a library left open must not keep a finished command from ending.
process.exit()
