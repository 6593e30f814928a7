import { usageError, type Command, type CommandTable } from './command.ts'

type Named = readonly [name: string, command: Command]

const SCRIPTS: Readonly<Record<string, (commands: readonly Named[]) => string>> = { bash, zsh, fish }

/**
 * A script that has a shell complete commands and options of `kontrol`.
 *
 * @throws KontrolError KTL_USAGE for another shell than bash, zsh or fish
 */
export async function completion(shell: string | undefined, table: CommandTable): Promise<string> {
  const script = shell !== undefined && Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined
  if (script === undefined) {
    throw usageError(shell === undefined ? 'completion takes a shell' : `There is no completion for "${shell}"`, USAGE)
  }
  return script(await Promise.all(Object.entries(table).map(async ([name, load]) => [name, await load()] as const)))
}

const USAGE = `Usage: kontrol completion ${Object.keys(SCRIPTS).join('|')}`

const flags = ({ options }: Command): string => [...Object.keys(options), 'help'].map((name) => `--${name}`).join(' ')

function bash(commands: readonly Named[]): string {
  return `_kontrol() {
  local word=\${COMP_WORDS[COMP_CWORD]} words
  if [ "$COMP_CWORD" = 1 ]; then
    words='${commands.map(([name]) => name).join(' ')} help version completion'
  else
    case \${COMP_WORDS[1]} in
${commands.map(([name, command]) => `      ${name}) words='${flags(command)}' ;;`).join('\n')}
      completion) words='${Object.keys(SCRIPTS).join(' ')}' ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _kontrol kontrol`
}

/** Within single quotes, where a colon parts a word from what it means. */
const zshWords = (text: string): string => text.replaceAll("'", String.raw`'\''`).replaceAll(':', String.raw`\:`)
const zshBrackets = (text: string): string => zshWords(text).replace(/[[\]]/g, String.raw`\$&`)

function zsh(commands: readonly Named[]): string {
  const options = ({ options: all, optionDocs }: Command): string =>
    Object.entries(all)
      .map(
        ([name, { type }]) =>
          ` '--${name}[${zshBrackets(optionDocs[name] ?? '')}]${type === 'string' ? ':value:' : ''}'`
      )
      .join('')
  return `#compdef kontrol
_kontrol() {
  local -a commands=(
${commands.map(([name, { summary }]) => `    '${name}:${zshWords(summary)}'`).join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${commands.map(([name, command]) => `    ${name}) _arguments${options(command)} '*:file:_files' ;;`).join('\n')}
  esac
}
compdef _kontrol kontrol`
}

const fishWords = (text: string): string => `'${text.replace(/['\\]/g, String.raw`\$&`)}'`

function fish(commands: readonly Named[]): string {
  return commands
    .flatMap(([name, { summary, options, optionDocs }]) => [
      `complete -c kontrol -n __fish_use_subcommand -a ${name} -d ${fishWords(summary)}`,
      ...Object.entries(options).map(
        ([option, { type }]) =>
          `complete -c kontrol -n '__fish_seen_subcommand_from ${name}' -l ${option}${type === 'string' ? ' -r' : ''} -d ${fishWords(optionDocs[option] ?? '')}`
      )
    ])
    .join('\n')
}
