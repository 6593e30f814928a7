import { COMMAND_KINDS, type CommandKind } from './policy.ts'

/** A command of the automaton, taken apart. */
export interface CommandFacts {
  readonly verb: 'STATE' | 'GOTO' | 'WAIT' | 'SET' | 'DIE'
  /** Tag or name. */
  readonly subject: string
  readonly input: string
}

/** What the rules need to know of a manifest. */
export interface ManifestFacts {
  /** Whether the machine that is sent there can come to its terminal state by itself. */
  leadsToEnd(tag: string): boolean
  /** Whether the step of the state takes hosts or addresses as its input. */
  takesHosts(tag: string): boolean
  /** Whether a block of the manifest mentions the variable. */
  mentions(name: string): boolean
}

/** Variables by which a shell, a loader or an interpreter is made to run something else. */
const STEERING =
  /^(PATH|CDPATH|ENV|IFS|HOME|SHELL|SHELLOPTS|BASHOPTS|PS[0-4]|PROMPT_COMMAND|EDITOR|PAGER|TMPDIR|GCONV_PATH|LOCPATH|NLSPATH|HOSTALIASES|RESOLV_HOST_CONF|SOCKET|INPUT|INPUT_FILE|OPENSSL_CONF|SSL_CERT_FILE|SSL_CERT_DIR)$|^(LD_|BASH_|PERL|PYTHON|NODE_|RUBY|JAVA_|_JAVA_|JDK_|GIT_|LUA_|MALLOC_|GLIBC_|DYLD_|HTTP_PROXY|HTTPS_PROXY|http_proxy|https_proxy|ALL_PROXY)/

/** What a command does, for the policy. */
export function kindOf({ verb, subject, input }: CommandFacts, manifest: ManifestFacts): CommandKind {
  if (verb === 'STATE') return 'look'
  if (verb === 'DIE') return 'end'
  if (verb === 'SET') return STEERING.test(subject) || !manifest.mentions(subject) ? 'steer' : 'set'
  if (manifest.leadsToEnd(subject)) return 'end'
  return input !== '' && manifest.takesHosts(subject) ? 'feed' : 'move'
}

const ASK_KIND = 'KIND '

/** What an automaton's socket is asked before a command from the network is handed to it: it knows its manifest. */
export const kindQuestion = (commandLine: string): string => `${ASK_KIND}${commandLine}`

/** The answer to such a question; undefined for another text. */
export function answerToKind(text: string, manifest: ManifestFacts): CommandKind | undefined {
  const command = text.startsWith(ASK_KIND) ? parseCommand(text.slice(ASK_KIND.length)) : undefined
  return command && kindOf(command, manifest)
}

/** Of an automaton that does not know the question, anything may be the end. */
export const kindAnswered = (answer: string): CommandKind => COMMAND_KINDS.find((kind) => kind === answer) ?? 'end'

/** Names of the variables in a shell script: `$NAME`, `${NAME…}` and `${#NAME}`. */
export function variablesIn(script: string): string[] {
  return [...script.matchAll(/\$\{?[#!]?([A-Za-z_]\w*)/g)].map(([, name = '']) => name)
}

const VERBS = ['STATE', 'GOTO', 'WAIT', 'SET', 'DIE'] as const

/**
 * Takes a command of Kontrol's wire format apart: split at single spaces, case matters; the input is all the rest,
 * with its spaces and line breaks.
 *
 * @returns undefined for what is no command
 */
export function parseCommand(text: string): CommandFacts | undefined {
  const [word, subject, ...others] = text.replace(/\n+$/, '').split(' ')
  const verb = VERBS.find((known) => known === word)
  if (verb === undefined || (subject === undefined && verb !== 'STATE' && verb !== 'DIE')) return undefined
  return { verb, subject: subject ?? '', input: others.join(' ') }
}
