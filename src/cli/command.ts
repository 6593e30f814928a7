import { parseArgs, type ParseArgsConfig } from 'node:util'
import { findKontrolError, KontrolError } from '../errors.ts'
import { programVersion } from '../platform/process/program-version.ts'
import { Interrupted } from './end-signal.ts'
import { visibleText } from './output/visible.ts'
import { wrapped } from './output/wrapped.ts'

type Options = NonNullable<ParseArgsConfig['options']>
type ParsedArgs<O extends Options> = ReturnType<typeof parseArgs<{ options: O; allowPositionals: true }>>

/** All that a command may touch, so that tests can run it without a process. */
export interface CliContext {
  stdout: (line: string) => void
  stderr: (line: string) => void
  env: NodeJS.ProcessEnv
  /** Aborted when the user asks the process to end. */
  signal: AbortSignal
  /** Width of the terminal that is written to; undefined when it is none. */
  columns: () => number | undefined
  /** Its height. */
  rows?: () => number
  /** Shows a line for the moment where errors are shown, and takes it away with an empty one; absent where that is no terminal. */
  progress?: (line: string) => void
}

export interface Command<O extends Options = Options> {
  /** What the user types before the arguments; "kontrol <name>" when absent. */
  program?: string
  /** One line, no full stop. */
  summary: string
  /** What follows the command's name in the usage line. */
  usage: string
  /** How many arguments it takes beside its options; none when absent. */
  takes?: number
  /** One line for each option, shown by --help. */
  optionDocs: { readonly [K in keyof O]: string }
  options: O
  /** Gives an exit code where it is not 0; fails by throwing. */
  run(args: ParsedArgs<O>, context: CliContext): Promise<number | void>
}

/** Commands by name, each loaded when it is needed. */
export type CommandTable = Readonly<Record<string, () => Promise<Command>>>

/** Keeps the option types of a command visible inside its own `run`. */
export const defineCommand = <const O extends Options>(command: Command<O>): Command => command

export const EXIT_OK = 0
export const EXIT_FAILURE = 1
const EXIT_USAGE = 64

/** Runs one command line and returns the exit code; never throws, never calls process.exit(). */
export async function runCli(argv: readonly string[], commands: CommandTable, context: CliContext): Promise<number> {
  // Kontrol itself had no commands: `kontrol -d` runs it.
  const [name = 'run', ...rest] = argv[0] === '-d' ? ['run', ...argv] : argv
  if (['help', '--help', '-h'].includes(name)) {
    context.stdout(await overview(commands, context.columns()))
    return EXIT_OK
  }
  if (['version', '--version', '-V'].includes(name)) {
    context.stdout(programVersion)
    return EXIT_OK
  }
  if (name === 'completion') return await printCompletion(rest, commands, context)
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (load === undefined) {
    context.stderr(`There is no command "${name}".\n\n${await overview(commands, undefined)}`)
    return EXIT_USAGE
  }
  return runCommand(name, await load(), rest, context)
}

async function printCompletion(args: readonly string[], commands: CommandTable, context: CliContext): Promise<number> {
  try {
    // Loaded when it is asked for, as the commands are.
    const { completion } = await import('./completion.ts')
    context.stdout(await completion(args[0], commands))
    return EXIT_OK
  } catch (error) {
    return reportFailure(error, context)
  }
}

/** Runs one command with the arguments that follow its name. */
export async function runCommand(
  name: string,
  command: Command,
  argv: readonly string[],
  given: CliContext
): Promise<number> {
  // Errors and warnings tell what others answered.
  const context: CliContext = { ...given, stderr: (line) => given.stderr(visibleText(line)) }
  if (argv.includes('--help') || argv.includes('-h')) {
    context.stdout(helpOf(name, command, context.columns()))
    return EXIT_OK
  }
  try {
    const args = parseArguments(name, command, argv)
    return (await command.run(args, context)) ?? EXIT_OK
  } catch (error) {
    return reportFailure(error, context)
  }
}

/** What a command throws when its arguments make no sense. */
export const usageError = (message: string, hint: string): KontrolError =>
  new KontrolError('KTL_USAGE', message, { hint })

function parseArguments(name: string, command: Command, argv: readonly string[]): ParsedArgs<Options> {
  try {
    return checked(parseArgs({ args: [...argv], options: command.options, allowPositionals: true }), command)
  } catch (error) {
    throw usageError((error as Error).message, usageOf(name, command))
  }
}

/** An argument that would be ignored is a mistake of who typed it. */
function checked(args: ParsedArgs<Options>, { takes = 0 }: Command): ParsedArgs<Options> {
  const [unexpected] = args.positionals.slice(takes)
  if (unexpected === undefined) return args
  throw new Error(`Unexpected argument "${unexpected}"`)
}

const usageOf = (name: string, { program = `kontrol ${name}`, usage }: Command): string =>
  `Usage: ${program} ${usage}`.trimEnd()

const NAME_WIDTH = 10
const FLAG_WIDTH = 24
const USAGE_HANGING = 'Usage: '.length
const BESIDE_THE_TABLE = [
  '  completion Print a script by which bash, zsh or fish completes all this',
  '  version    Tell the version'
]
const AFTERWORD = 'Without a command: run. "kontrol <command> --help" shows its options.'
const EXIT_CODES = 'Exit codes: 0 done, 1 failed, 64 usage, 75 try again, 78 configuration, 130 interrupted.'

async function overview(commands: CommandTable, columns: number | undefined): Promise<string> {
  const lines = await Promise.all(
    Object.entries(commands).map(async ([name, load]) => {
      return wrapped(`  ${name.padEnd(NAME_WIDTH)} ${(await load()).summary}`, columns, NAME_WIDTH + 1)
    })
  )
  return [
    'Usage: kontrol [command] [options]',
    '',
    ...lines,
    ...BESIDE_THE_TABLE,
    '',
    ...[AFTERWORD, EXIT_CODES].map((line) => wrapped(line, columns))
  ].join('\n')
}

function helpOf(name: string, command: Command, columns: number | undefined): string {
  const { summary, options, optionDocs } = command
  const lines = Object.entries(options).map(([option, { type, short, default: fallback }]) => {
    const flag = `${short === undefined ? '' : `-${short}, `}--${option}${type === 'string' ? ' <value>' : ''}`
    const preset = fallback === undefined || fallback === false ? '' : ` (default: ${String(fallback)})`
    return wrapped(`  ${flag.padEnd(FLAG_WIDTH)} ${optionDocs[option] ?? ''}${preset}`, columns, FLAG_WIDTH + 1)
  })
  const usage = wrapped(usageOf(name, command), columns, USAGE_HANGING)
  return [wrapped(`${summary}.`, columns), '', usage, ...(lines.length > 0 ? ['', ...lines] : [])].join('\n')
}

function reportFailure(error: unknown, { stderr }: CliContext): number {
  if (error instanceof Interrupted) return error.exitCode
  const known = findKontrolError(error)
  if (known === undefined) {
    stderr(`Unexpected error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    return EXIT_FAILURE
  }
  stderr(`${known.code}: ${known.message}`)
  if (known.hint !== undefined) stderr(`Hint: ${known.hint}`)
  return known.exitCode
}
