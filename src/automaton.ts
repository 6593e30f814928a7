#!/usr/bin/env node
import { automaton } from './cli/automaton.ts'
import { runCommand } from './cli/command.ts'
import { EndSignal } from './cli/end-signal.ts'
import { ExitGuard } from './cli/exit-guard.ts'

const guard = new ExitGuard((line) => console.error(line))
const end = new EndSignal(() => guard.release())

process.exitCode = await runCommand('automaton', automaton, process.argv.slice(2), {
  stdout: (line) => console.log(line),
  stderr: (line) => console.error(line),
  env: process.env,
  signal: end.signal,
  columns: () => undefined
})
guard.release()
// What a script left running must not keep the machine from ending.
end.exit()
