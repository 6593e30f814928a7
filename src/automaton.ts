#!/usr/bin/env node
import { automaton } from './cli/automaton.ts'
import { runCommand } from './cli/command.ts'

const ending = new AbortController()
// Once: who asks a second time gets what the system does by default.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => ending.abort())

process.exitCode = await runCommand('automaton', automaton, process.argv.slice(2), {
  stdout: (line) => console.log(line),
  stderr: (line) => console.error(line),
  env: process.env,
  signal: ending.signal
})
