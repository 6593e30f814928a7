import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { automaton } from '../../src/cli/automaton.ts'
import type { Command, CommandTable } from '../../src/cli/command.ts'
import { commands } from '../../src/cli/commands.ts'
import { envTable } from '../../src/environment.ts'
import { programVersion } from '../../src/platform/process/program-version.ts'

const PROJECT = `kontrol-haproxy ${programVersion}`

/** The page of `kontrol`: its table of commands, and of variables. */
export async function kontrolPage(table: CommandTable): Promise<string> {
  const rows = Object.entries(table).map(async ([name, load]) => commandSection(name, await load()))
  return page('kontrol', 'keep HAProxy configured from the keepalives of what is behind it', [
    '.SH SYNOPSIS',
    '.B kontrol',
    text('[command] [options]'),
    '.SH COMMANDS',
    text('Without a command: run.'),
    ...(await Promise.all(rows)).flat(),
    '.SH EXIT STATUS',
    text('0 done, 1 failed, 64 usage, 75 try again, 78 configuration.'),
    '.SH ENVIRONMENT',
    ...Object.values(envTable).flatMap(({ name, doc, fallback, fallbackDoc }) => [
      '.TP',
      `.B ${text(name)}`,
      text(`${doc} (${fallbackDoc ?? (fallback === undefined ? 'unset' : String(fallback as string | number))}).`)
    ]),
    '.SH FILES',
    ...entry('/etc/default/kontrol, /etc/default/kontrol-slave', 'Variables for the units of systemd, one a line.'),
    ...entry(
      '/etc/kontrol/haproxy.cfg.j2',
      'The HAProxy configuration, a Jinja2 template; an edit is taken up at once.'
    ),
    ...entry('/var/lib/kontrol', 'The registry, and what HAProxy runs.')
  ])
}

export function automatonPage(command: Command): string {
  return page('automaton', command.summary, ['.SH SYNOPSIS', '.B automaton', text(command.usage), ...options(command)])
}

const page = (name: string, summary: string, sections: readonly string[]): string =>
  [
    `.TH ${name.toUpperCase()} 1 "" "${PROJECT}"`,
    '.SH NAME',
    `${text(name)} \\- ${text(summary)}`,
    ...sections,
    ''
  ].join('\n')

const commandSection = (name: string, command: Command): string[] => [
  `.SS ${text(`kontrol ${name} ${command.usage}`.trimEnd())}`,
  text(`${command.summary}.`),
  ...options(command)
]

function options({ options, optionDocs }: Command): string[] {
  return Object.entries(options).flatMap(([name, { type, short, default: fallback }]) => {
    const flag = `${short === undefined ? '' : `-${short}, `}--${name}${type === 'string' ? ' <value>' : ''}`
    const preset = fallback === undefined || fallback === false ? '' : ` (default: ${String(fallback)})`
    return entry(flag, `${optionDocs[name] ?? ''}${preset}`)
  })
}

const entry = (term: string, explanation: string): string[] => ['.TP', `.B ${text(term)}`, text(explanation)]

/** As troff takes it literally: a dash is no hyphen, and a line may begin with anything. */
const text = (words: string): string => {
  const escaped = words.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('…', '...').replaceAll('→', '->')
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , folder = '.'] = process.argv
  await writeFile(join(folder, 'kontrol.1'), await kontrolPage(commands))
  await writeFile(join(folder, 'automaton.1'), automatonPage(automaton))
}
