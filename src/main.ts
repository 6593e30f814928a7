#!/usr/bin/env node
import { commands } from './cli/commands.ts'
import { EXIT_FAILURE, EXIT_OK, runCli } from './cli/command.ts'
import { EndSignal, Interrupted } from './cli/end-signal.ts'
import { ExitGuard } from './cli/exit-guard.ts'
import { StandardOutput } from './cli/output/standard-output.ts'
import { cutEnd } from './cli/output/text-width.ts'
import { wrapped } from './cli/output/wrapped.ts'

const guard = new ExitGuard((line) => console.error(line))
const end = new EndSignal(() => guard.release())
const unheard = new AbortController()
const output = new StandardOutput(process.stdout, () => unheard.abort(new Interrupted(EXIT_OK)))

const widthOf = ({ isTTY, columns }: NodeJS.WriteStream): number | undefined => (isTTY ? columns || 80 : undefined)
const errorWidth = widthOf(process.stderr)

process.exitCode = await runCli(process.argv.slice(2), commands, {
  stdout: (line) => output.write(`${line}\n`),
  stderr: (line) => console.error(wrapped(line, widthOf(process.stderr))),
  env: process.env,
  signal: AbortSignal.any([end.signal, unheard.signal]),
  columns: () => widthOf(process.stdout),
  rows: () => process.stdout.rows || 24,
  // The last column stays free: a full line would go on in the next.
  ...(errorWidth !== undefined && {
    progress: (line: string) => void process.stderr.write(`\r${cutEnd(line, errorWidth - 1)}\u001b[K`)
  })
})
guard.release()
const failure = await output.finished()
if (failure !== undefined) {
  console.error(`The output cannot be written: ${failure.message}`)
  process.exitCode ||= EXIT_FAILURE
}
// What a library left open must not keep a finished command from ending.
end.exit()
