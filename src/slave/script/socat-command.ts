import { resolve } from 'node:path'
import { KontrolError } from '../../errors.ts'
import { parsePipeline } from './shell-pipeline.ts'

/**
 * Understands what callbacks send to talk to an automaton, and gives back the
 * command that its socket would receive. Real ones:
 *
 *     echo WAIT configure '{"web": ["10.0.0.1"]}' | socat -t 60 - /tmp/sock
 *     echo WAIT configure "$INPUT" | socat -t 60 - UNIX-CONNECT:/tmp/sock
 *     printf 'GOTO %s' start | socat - unix:/tmp/sock
 *
 * @param socketPath the only socket that may be addressed
 * @throws KontrolError KTL_FORBIDDEN for anything else, saying what
 */
export function parseSocatCommand(text: string, { input, socketPath }: { input: string; socketPath: string }): string {
  const commands = parsePipeline(text, { INPUT: input })
  const [writer = [], reader = []] = commands
  if (commands.length !== 2 || reader[0] !== 'socat') throw refused('it is not of the form "echo … | socat …"')
  const target = socatTarget(reader.slice(1))
  if (resolve(target) !== resolve(socketPath)) throw refused(`"${target}" is not the socket of this automaton`)
  return printedBy(writer).replace(/\n$/, '')
}

function printedBy([program, ...args]: readonly string[]): string {
  if (program === 'echo') return echoed(args)
  if (program === 'printf') return formatted(args)
  throw refused(`"${program ?? ''}" is neither echo nor printf`)
}

/** Escapes stay as they are: some shells resolve them, and none of the JSON that callbacks send would survive it. */
function echoed(args: readonly string[]): string {
  return args[0] === '-n' ? args.slice(1).join(' ') : `${args.join(' ')}\n`
}

const ESCAPES: Record<string, string> = { n: '\n', t: '\t', '\\': '\\', '"': '"', "'": "'" }

function formatted([format = '', ...args]: readonly string[]): string {
  const left = [...args]
  let printed = ''
  // A shell repeats the format until no arguments are left.
  do {
    const before = left.length
    printed += format.replace(/%(.?)|\\(.?)/gs, (whole, conversion?: string, escape?: string) => {
      if (conversion === '%') return '%'
      if (conversion === 's') return left.shift() ?? ''
      const character = ESCAPES[escape ?? '']
      if (character === undefined) throw refused(`printf does not know ${whole} here`)
      return character
    })
    if (left.length === before) break
  } while (left.length > 0)
  return printed
}

/** Both orders are the same to socat: one side is standard input and output, the other the socket. */
function socatTarget(args: readonly string[]): string {
  const addresses: string[] = []
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? ''
    const option = /^-[tT]([\d.]*)$/.exec(arg)
    if (option === null) addresses.push(arg)
    // The time-out may stand in a word of its own.
    else if (option[1] === '' && !/^[\d.]+$/.test(args[++i] ?? '')) throw refused(`${arg} of socat needs a number`)
  }
  const sockets = addresses.filter((address) => !/^(-|stdio)$/i.test(address))
  const [socket] = sockets
  if (addresses.length !== 2 || sockets.length !== 1 || socket === undefined) {
    throw refused('socat has to join "-" and the socket')
  }
  return socket.replace(/^(unix|unix-connect|unix-client|local|gopen):/i, '')
}

function refused(problem: string): KontrolError {
  return new KontrolError('KTL_FORBIDDEN', `The command was not run: ${problem}`, {
    hint: 'Send "echo <command> | socat -t 60 - <socket>", or set KONTROL_SCRIPT=shell together with KONTROL_TOKEN.'
  })
}
