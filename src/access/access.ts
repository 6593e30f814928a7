import { KontrolError } from '../errors.ts'
import { callerOf, NO_GRANTS, union, type Caller, type Grants, type RequestFacts } from './caller.ts'
import {
  bearerOf,
  grantsOfNames,
  namesOf,
  type CertificateFacts,
  type Credentials,
  type Secrets
} from './credentials.ts'
import { kindOf, type CommandFacts, type ManifestFacts } from './command-rules.ts'
import { refusal, type AccessRules, type Deed } from './policy.ts'

export interface AccessOptions {
  readonly rules: Omit<AccessRules, 'operatorsKnown' | 'pingersKnown' | 'readersKnown'>
  readonly credentials: Credentials
  /** The port speaks TLS. */
  readonly tls: boolean
  /** KONTROL_ZERORPC; auto when absent. */
  readonly zerorpc?: 'auto' | 'clear' | 'off'
  /** Clients show certificates. */
  readonly mutualTls: boolean
  /** SHA-256 of this control tier's own certificate as node:tls prints it. */
  readonly ownFingerprint: string | undefined
  /** Names of this control tier beside addresses and localhost, in lower case. */
  readonly names: ReadonlySet<string>
  /** Undefined where the automaton is somebody else's and its manifest is not known. */
  readonly manifest: ManifestFacts | undefined
}

/** What a door knows of a request. */
export interface DoorFacts extends Pick<RequestFacts, 'remoteAddress' | 'headers'> {
  readonly certificate: (CertificateFacts & { readonly fingerprint256?: string }) | undefined
  /** The same for all requests of a connection. */
  readonly connection?: object
}

/** Nothing is known: what could be the end or a variable of a program counts as such. */
const UNKNOWN_MANIFEST: ManifestFacts = {
  leadsToEnd: () => true,
  takesHosts: () => true,
  mentions: () => false
}

/** Asked by every door: who is it, and may he? */
export class Access {
  readonly #options: AccessOptions
  #known: { secrets: Secrets; rules: AccessRules } | undefined

  constructor(options: AccessOptions) {
    this.#options = options
  }

  /** Why ZeroRPC is refused, which can neither be encrypted nor carry a credential: where either is wanted. */
  get zerorpcRefusal(): KontrolError | undefined {
    const { operatorsKnown, pingersKnown, readersKnown } = this.#rules()
    const { tls, zerorpc = 'auto' } = this.#options
    if (zerorpc === 'off') {
      return new KontrolError('KTL_FORBIDDEN', 'ZeroRPC is switched off here', { hint: 'Let the client speak HTTP.' })
    }
    const inClear = !tls || zerorpc === 'clear'
    if (inClear && !operatorsKnown && !pingersKnown && !readersKnown) return undefined
    return new KontrolError('KTL_UNAUTHORIZED', 'ZeroRPC carries no credentials, and this control tier wants them', {
      hint: 'Let the client speak HTTP with its token, or take the tokens and KONTROL_TLS_* away here.'
    })
  }

  callerOf({ remoteAddress, headers, certificate, connection }: DoorFacts): Caller {
    const { credentials, names } = this.#options
    const { authorization } = headers
    const token = bearerOf(typeof authorization === 'string' ? authorization : undefined)
    const shown = credentials.grantsOf(token, connection)
    const grants = certificate === undefined ? shown : union(shown, this.#grantsOf(certificate))
    return callerOf({ remoteAddress, headers, grants, knownToken: shown !== NO_GRANTS }, names)
  }

  /** The sender of what carries neither headers nor credentials. */
  callerAt(remoteAddress: string | undefined): Caller {
    return callerOf({ remoteAddress, headers: {}, grants: NO_GRANTS, knownToken: false }, this.#options.names)
  }

  /** @throws KontrolError KTL_UNAUTHORIZED or KTL_FORBIDDEN */
  check(deed: Deed, caller: Caller): void {
    const refused: KontrolError | undefined = refusal(deed, caller, this.#rules())
    if (refused !== undefined) throw refused
  }

  /**
   * @param kind as the automaton itself tells it; by the manifest that is known here when absent
   * @throws KontrolError KTL_UNAUTHORIZED or KTL_FORBIDDEN
   */
  checkCommand(
    command: CommandFacts,
    caller: Caller,
    kind = kindOf(command, this.#options.manifest ?? UNKNOWN_MANIFEST)
  ): void {
    const { verb, subject } = command
    this.check({ kind: 'command', command: kind, what: `${verb} ${subject.slice(0, 60)}`.trim() }, caller)
  }

  /** Each keepalive asks twice; they are others only when the secrets are. */
  #rules(): AccessRules {
    const { secrets } = this.#options.credentials
    if (this.#known?.secrets !== secrets) this.#known = { secrets, rules: this.#rulesWith(secrets) }
    return this.#known.rules
  }

  #rulesWith({ operate, ping, read }: Secrets): AccessRules {
    const { rules, mutualTls } = this.#options
    return {
      ...rules,
      operatorsKnown: operate.length > 0 || mutualTls,
      pingersKnown: ping.length > 0,
      readersKnown: read.length > 0
    }
  }

  #grantsOf(certificate: NonNullable<DoorFacts['certificate']>): Grants {
    const { mutualTls, ownFingerprint, credentials } = this.#options
    if (!mutualTls) return NO_GRANTS
    // Whoever holds our key is us, unless operators have a token to show.
    const isOurs =
      credentials.secrets.operate.length === 0 &&
      ownFingerprint !== undefined &&
      certificate.fingerprint256 === ownFingerprint
    return isOurs ? { ...NO_GRANTS, operate: true } : grantsOfNames(namesOf(certificate))
  }
}
