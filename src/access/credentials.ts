import { createHmac, randomBytes } from 'node:crypto'
import { unwatchFile, watchFile } from 'node:fs'
import { isName } from '../model/name.ts'
import { NO_GRANTS, union, type Grants } from './caller.ts'
import { readPlainFileSync, SMALL_FILE_BYTES } from '../platform/files/plain-file.ts'

/** A variable that holds secrets, separated by commas, and one that names a file with one a line. */
export interface SecretSource {
  /** Of the variable, for messages. */
  readonly name: string
  readonly inline: string | undefined
  readonly file: string | undefined
}

export interface SecretSources {
  readonly operate: SecretSource
  readonly ping: SecretSource
  readonly read: SecretSource
}

/** Secrets as they were set. */
export interface Secrets {
  readonly operate: readonly string[]
  readonly read: readonly string[]
  readonly ping: readonly PingSecret[]
}

interface PingSecret {
  readonly secret: string
  /** Absent: every app but the proxies' own. */
  readonly app?: string
}

/** What may follow "Bearer " in a header: visible ASCII without a blank. */
const TOKEN = /^[!-~]+$/
/** A Secret that is mounted changes by a symlink that moves, which only a look at the file itself notices. */
const POLL_MS = 1000

/**
 * Reads all secrets. One that is set and cannot be used is a problem, never an open door.
 *
 * @param problems takes a sentence for each, which shows no secret
 */
export function readSecrets({ operate, ping, read }: SecretSources, problems: string[]): Secrets {
  return {
    operate: textsOf(operate, problems).filter((secret) => usable(operate, secret, problems)),
    read: textsOf(read, problems).filter((secret) => usable(read, secret, problems)),
    ping: textsOf(ping, problems).flatMap((text) => pingSecret(ping, text, problems))
  }
}

function textsOf({ name, inline, file }: SecretSource, problems: string[]): string[] {
  return [
    ...(inline === undefined ? [] : split(name, inline, ',', problems)),
    ...(file === undefined ? [] : fileTexts(`${name}_FILE`, file, problems))
  ]
}

function fileTexts(name: string, path: string, problems: string[]): string[] {
  try {
    return split(name, readPlainFileSync(path, SMALL_FILE_BYTES).replace(/\r?\n$/, ''), /\r?\n/, problems)
  } catch (error) {
    problems.push(`${name} must name a readable file (${(error as Error).message})`)
    return []
  }
}

/** Blank items are passed over, as a list that is being rotated has them; all of them blank is no secret at all. */
function split(name: string, text: string, separator: string | RegExp, problems: string[]): string[] {
  const items = text.split(separator).map((item) => item.trim())
  const present = items.filter((item) => item !== '')
  if (present.length === 0) problems.push(`${name} holds no secret: it is empty or blank`)
  return present
}

function usable({ name }: SecretSource, secret: string, problems: string[]): boolean {
  if (TOKEN.test(secret)) return true
  problems.push(`${name} holds a secret that cannot stand in a header: use visible ASCII without blanks`)
  return false
}

/** `secret`, or `app=secret`. A secret in base64 may end in "=" itself, which no app is followed by alone. */
function pingSecret(source: SecretSource, text: string, problems: string[]): PingSecret[] {
  const [, app, own] = /^([^=]+)=([^=].*)$/.exec(text) ?? []
  const secret = own ?? text
  if (!usable(source, secret, problems)) return []
  if (app === undefined) return [{ secret }]
  if (isName(app)) return [{ secret, app }]
  problems.push(`${source.name} holds "<app>=<secret>" with an app that is no plain name`)
  return []
}

/** What a pod of the app shows to its masters: the secret that goes least far. */
export function tokenToPingWith({ ping, operate }: Secrets, app: string): string | undefined {
  const own = ping.find((secret) => secret.app === app)
  const common = ping.find((secret) => secret.app === undefined)
  return own?.secret ?? operate[0] ?? common?.secret
}

/** What was shown last over a connection, and the secrets that it was held against. */
interface Shown {
  readonly token: string
  readonly grants: Grants
  readonly among: ReadonlyMap<string, Grants>
}

/** What each secret grants, looked up so that the time it takes tells nothing of a secret. */
export class Credentials {
  /** Of this process alone: nobody can choose a token by what its digest begins with. */
  readonly #key = randomBytes(32)
  readonly #sources: SecretSources
  readonly #report: (problems: readonly string[]) => void
  #secrets: Secrets
  #grants: ReadonlyMap<string, Grants>
  readonly #shown = new WeakMap<object, Shown>()

  /**
   * @param secrets as readSecrets() read them from the sources
   * @param report is told what keeps a changed file from being used; the secrets before it stay in force
   */
  constructor(sources: SecretSources, secrets: Secrets, report: (problems: readonly string[]) => void) {
    this.#sources = sources
    this.#report = report
    this.#secrets = secrets
    this.#grants = this.#index(secrets)
  }

  get secrets(): Secrets {
    return this.#secrets
  }

  /**
   * Nothing for a token that is unknown.
   *
   * @param connection which the token came over: the same one is not digested again there. Whoever is on it learns nothing
   *   by that, as he is compared with what he said himself.
   */
  grantsOf(token: string | undefined, connection?: object): Grants {
    if (token === undefined) return NO_GRANTS
    const shown = connection && this.#shown.get(connection)
    if (shown?.token === token && shown.among === this.#grants) return shown.grants
    const grants = this.#grants.get(this.#digest(token)) ?? NO_GRANTS
    if (connection !== undefined) this.#shown.set(connection, { token, grants, among: this.#grants })
    return grants
  }

  /** Reads the files again when they change, until the result is called. */
  watch(): () => void {
    const files = this.#files()
    for (const file of files) {
      watchFile(file, { interval: POLL_MS, persistent: false }, (now, before) => {
        if (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino) this.reload()
      })
    }
    return () => {
      for (const file of files) unwatchFile(file)
    }
  }

  reload(): void {
    const problems: string[] = []
    const secrets = readSecrets(this.#sources, problems)
    this.#report(problems)
    if (problems.length > 0) return
    this.#secrets = secrets
    this.#grants = this.#index(secrets)
  }

  #files(): string[] {
    const { operate, ping, read } = this.#sources
    return [operate, ping, read].flatMap(({ file }) => file ?? [])
  }

  #index({ operate, read, ping }: Secrets): ReadonlyMap<string, Grants> {
    const index = new Map<string, Grants>()
    const add = (secret: string, grants: Partial<Grants>): void => {
      const digest = this.#digest(secret)
      index.set(digest, union(index.get(digest) ?? NO_GRANTS, { ...NO_GRANTS, ...grants }))
    }
    for (const secret of operate) add(secret, { operate: true })
    for (const secret of read) add(secret, { read: true })
    for (const { secret, app } of ping) add(secret, app === undefined ? { pingOthers: true } : { pingApps: [app] })
    return index
  }

  #digest(token: string): string {
    return createHmac('sha256', this.#key).update(token).digest('base64')
  }
}

/** The token of an Authorization header. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(header ?? '')?.[1]
}

/**
 * What the names of a client's certificate grant: `operator` everything, any other name the keepalives of the app
 * that is called so.
 */
export function grantsOfNames(names: readonly string[]): Grants {
  return { ...NO_GRANTS, operate: names.includes('operator'), pingApps: names.filter(isName) }
}

/** Common name and DNS names of a certificate, as node:tls tells them. */
export function namesOf({ subject, subjectaltname = '' }: CertificateFacts): string[] {
  const common = subject?.CN
  const alternatives = subjectaltname.split(', ').flatMap((entry) => /^DNS:(.+)$/.exec(entry)?.[1] ?? [])
  return [...(common === undefined ? [] : [common].flat()), ...alternatives]
}

export interface CertificateFacts {
  readonly subject?: { readonly CN?: string | string[] }
  readonly subjectaltname?: string
}
