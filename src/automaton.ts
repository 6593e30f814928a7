#!/usr/bin/env node
import { automaton } from './cli/automaton.ts'
import { runCommand } from './cli/command.ts'
import { endSignal } from './cli/end-signal.ts'
import { ExitGuard } from './cli/exit-guard.ts'

const guard = new ExitGuard((line) => console.error(line))

process.exitCode = await runCommand('automaton', automaton, process.argv.slice(2), {
  stdout: (line) => console.log(line),
  stderr: (line) => console.error(line),
  env: process.env,
  signal: endSignal(() => guard.release()),
  columns: () => undefined
})
guard.release()
// What a script left running must not keep the machine from ending.
process.exit()
