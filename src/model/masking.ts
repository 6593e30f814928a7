/** What stands for a secret where a configuration is shown. */
const MASK = '***'

/** A secret of that many characters is masked wherever else it stands; a shorter one would be found in innocent text. */
const UNMISTAKABLE = 6

interface Word {
  /** As HAProxy takes it, near enough to know a keyword. */
  readonly meaning: string
  readonly start: number
  readonly end: number
}

const WORD = /(?:\\[\s\S]|'[^']*'?|"(?:\\[\s\S]|[^"\\])*"?|[^\s'"\\])+/g

/** Lines without any of these need no look at their words. */
const SUSPECT =
  /auth|user|passw|setenv|presetenv|dynamic-cookie-key|tcp-check|hdr|header|-value|hmac|jwt_verify|aes_gcm|:\/\/|x-/i

/** Headers that carry credentials. */
const SECRET_HEADER = /^(?:authorization|proxy-authorization|x-api-key|x-auth-token|api-key)$/i
/** What is followed by the name of a header and by its value. */
const NAMES_HEADER = /^(?:(?:set|add|replace)-header|replace-value|hdr)$/
/** The last argument but one, or the last, is a key. */
const KEYED_CONVERTER = /\b(hmac|jwt_verify|aes_gcm_enc|aes_gcm_dec)\(([^()]*)\)/g
const USER_INFO = /(:\/\/[^\s/:@'"]*:)[^\s/@'"]+@/g
const SECRET_VARIABLE = /TOKEN|SECRET|PASSW(?:OR)?D|PASSPHRASE|CREDENTIAL|KEY/i

/** A configuration of HAProxy, or a part of it, without the secrets in it. */
export function maskConfiguration(text: string, secrets: readonly string[] = []): string {
  return maskValues(maskPlaces(text), [...secretsIn(text).filter(isUnmistakable), ...secrets])
}

export const isUnmistakable = ({ length }: string): boolean => length >= UNMISTAKABLE

/** Whole lines of a configuration without what is secret by its place in them. */
export function maskPlaces(text: string): string {
  return SUSPECT.test(text) ? text.split('\n').map(maskLine).join('\n') : text
}

/** Any text without secrets that are known, such as a sentence that quotes a configuration. */
export function maskValues(text: string, secrets: readonly string[]): string {
  return secrets.length > FEW
    ? valueMasker(secrets)(text)
    : secrets.reduce((rest, secret) => rest.replaceAll(secret, MASK), text)
}

/** From here on a look at each place of a text is faster than one at the text for each secret. */
const FEW = 16

/** For many secrets, and many texts. Of those that begin alike the longer one counts. */
export function valueMasker(secrets: readonly string[]): (text: string) => string {
  const known = [...new Set(secrets)].filter((secret) => secret !== '').sort((one, other) => other.length - one.length)
  const begin = Math.min(UNMISTAKABLE, known.at(-1)?.length ?? 0)
  const byBegin = new Map<string, string[]>()
  for (const secret of known) {
    const alike = byBegin.get(secret.slice(0, begin))
    if (alike === undefined) byBegin.set(secret.slice(0, begin), [secret])
    else alike.push(secret)
  }
  return (text) => {
    let masked = ''
    let done = 0
    for (let at = 0; begin > 0 && at + begin <= text.length;) {
      const found = byBegin.get(text.slice(at, at + begin))?.find((secret) => text.startsWith(secret, at))
      if (found !== undefined) {
        masked += text.slice(done, at) + MASK
        done = at + found.length
      }
      at += found?.length ?? 1
    }
    return masked + text.slice(done)
  }
}

/** The secrets that a configuration holds, for what quotes it in pieces. The longest come first. */
export function secretsIn(text: string): string[] {
  const found = new Set<string>()
  for (const line of SUSPECT.test(text) ? text.split('\n') : []) {
    for (const { start, end, meaning } of SUSPECT.test(line) ? secretWords(line) : []) {
      const secret = meaning.replace(/^[^:]*:(?=.)/, '')
      for (const spelling of [line.slice(start, end), meaning, secret]) if (spelling.length > 2) found.add(spelling)
    }
  }
  return [...found].sort((one, other) => other.length - one.length)
}

/** @param line of a configuration or of a diff, comments too: what was a line may be one by now */
function maskLine(line: string): string {
  if (!SUSPECT.test(line)) return line
  let masked = line
  for (const { start, end } of secretWords(line).reverse()) {
    masked = masked.slice(0, start) + MASK + masked.slice(end)
  }
  return masked
    .replace(KEYED_CONVERTER, (_whole, name: string, args: string) => `${name}(${withoutKey(args)})`)
    .replace(USER_INFO, `$1${MASK}@`)
}

/** The first argument names the algorithm or the length. */
const withoutKey = (args: string): string => [args.split(',')[0], MASK].join(',')

/** What follows a keyword and is secret, by the first word of the line. */
const SECRETS_BY_KEYWORD: ReadonlyMap<string, (words: readonly Word[], line: string) => Word[]> = new Map([
  ['stats', ofStats],
  ['user', ofUser],
  ['dynamic-cookie-key', (words: readonly Word[]) => words.slice(1, 2)],
  ['setenv', ofVariable],
  ['presetenv', ofVariable]
])

/** In the order in which they stand. */
function secretWords(line: string): Word[] {
  const words = wordsOf(line)
  const byKeyword = SECRETS_BY_KEYWORD.get(words[0]?.meaning ?? '')
  if (byKeyword !== undefined) return byKeyword(words, line)
  const sends = words[0]?.meaning === 'tcp-check' && /^send/.test(words[1]?.meaning ?? '')
  return sends && /auth|pass/i.test(line) ? words.slice(2) : headerValues(words)
}

function ofStats(words: readonly Word[], line: string): Word[] {
  return words[1]?.meaning === 'auth' ? words.slice(2, 3).map((word) => afterName(word, line)) : []
}

function ofUser(words: readonly Word[]): Word[] {
  return words.filter((_, index) => /^(?:insecure-)?password$/.test(words[index - 1]?.meaning ?? ''))
}

function ofVariable(words: readonly Word[]): Word[] {
  return SECRET_VARIABLE.test(words[1]?.meaning ?? '') ? words.slice(2) : []
}

function wordsOf(line: string): Word[] {
  const begin = /^[-+ ]?[\s#]*/.exec(line)?.[0].length ?? 0
  return Array.from(line.slice(begin).matchAll(WORD), ({ 0: text, index }) => ({
    meaning: text.replace(/\\([\s\S])|['"]/g, '$1'),
    start: begin + index,
    end: begin + index + text.length
  }))
}

/** `user:secret`, of which the user is shown. */
function afterName(word: Word, line: string): Word {
  const colon = line.slice(word.start, word.end).indexOf(':')
  return colon === -1 ? word : { ...word, start: word.start + colon + 1 }
}

/** An expression and nothing else says where the value is, and not what. */
const isExpression = (text: string): boolean => /^%\[[^\]]*\]$/.test(text)

function headerValues(words: readonly Word[]): Word[] {
  return words.filter(({ meaning }, index) => {
    const [header, keyword] = [words[index - 1]?.meaning ?? '', words[index - 2]?.meaning ?? '']
    return SECRET_HEADER.test(header) && NAMES_HEADER.test(keyword) && !isExpression(meaning)
  })
}
