import { KontrolError } from '../errors.ts'
import type { Caller, Grants } from './caller.ts'

/** What somebody wants of this process, whichever door it came through. */
export type Deed =
  /** Liveness, readiness, and the files of the page, which hold nothing. */
  | { readonly kind: 'probe' }
  | { readonly kind: 'read' }
  /** Without an app: before the body has been read. */
  | { readonly kind: 'ping'; readonly app?: string }
  /** Anything that only an operator may do, in words for the refusal. */
  | { readonly kind: 'operate'; readonly what: string }
  | { readonly kind: 'command'; readonly command: CommandKind; readonly what: string }

/**
 * What a command does to the automaton: `look` is STATE; `move` goes to a state that is not the end; `feed` does
 * so with hosts or addresses as its input; `set` is a variable that the manifest's own blocks mention; `steer`
 * is one that they do not, or that steers a program; `end` is DIE, or a way to the terminal state.
 */
export type CommandKind = (typeof COMMAND_KINDS)[number]
export const COMMAND_KINDS = ['look', 'move', 'feed', 'set', 'steer', 'end'] as const

/** What the operator has set up. */
export interface AccessRules {
  /** Of the proxies: its keepalives move DNS. */
  readonly ownApp: string
  /** Operators have a credential: a token, or a certificate of the client CA. */
  readonly operatorsKnown: boolean
  /** Pods have a credential of their own kind. */
  readonly pingersKnown: boolean
  /** Readers have one. */
  readonly readersKnown: boolean
  /** Whether hosts and addresses are taken from that address: it is a live proxy's, or this process is no master. */
  feeds(address: string | undefined): boolean
}

/**
 * The one place that decides who may do what: see "Who may do what" in docs/security.md.
 *
 * @returns why not, with what to do about it; undefined when it is allowed
 */
export function refusal(deed: Deed, caller: Caller, rules: AccessRules): KontrolError | undefined {
  if (deed.kind === 'probe' || caller.from === 'unix' || caller.grants.operate) return undefined
  if (deed.kind === 'read') {
    return rules.readersKnown && !caller.grants.read ? lacking(caller, 'Reading', READ_HINT) : undefined
  }
  return fromForeignPage(deed, caller) ?? writeRefusal(deed, caller, rules)
}

type Write = Exclude<Deed, { kind: 'probe' | 'read' }>

function writeRefusal(deed: Write, caller: Caller, rules: AccessRules): KontrolError | undefined {
  switch (deed.kind) {
    case 'ping':
      return pingRefusal(deed.app, caller, rules)
    case 'operate':
      return operateRefusal(deed.what, caller, rules)
    case 'command':
      return commandRefusal(deed, caller, rules)
  }
}

const READ_HINT = 'Send "Authorization: Bearer <KONTROL_READ_TOKEN>", or an operator\'s token.'
const PING_HINT = 'Send "Authorization: Bearer <KONTROL_PING_TOKEN>", that of this app where each has its own.'
const OWN_APP_HINT = 'It moves DNS: give the proxies KONTROL_PING_TOKEN="<own app>=<secret>", or an operator\'s token.'
const OPERATE_HINT = 'Send "Authorization: Bearer <KONTROL_TOKEN>".'
const HOST_HINT = 'Ask on the host itself, or set KONTROL_TOKEN there and send it.'
const FEED_HINT = 'Send it from a proxy that reports here, or set KONTROL_TOKEN and send it.'
const STEER_HINT =
  'Name a variable that a block of the manifest mentions and that steers no program, or send KONTROL_TOKEN.'
const PAGE_HINT = 'Open the page under an address, localhost or a name in KONTROL_NAMES, or send a token.'

function pingRefusal(app: string | undefined, caller: Caller, rules: AccessRules): KontrolError | undefined {
  const { grants } = caller
  if (!rules.pingersKnown && !rules.operatorsKnown) return undefined
  if (app === undefined) return mayPingSome(grants) ? undefined : lacking(caller, 'A keepalive', PING_HINT)
  if (grants.pingApps.includes(app) || (grants.pingOthers && app !== rules.ownApp)) return undefined
  return lacking(caller, `A keepalive of "${app}"`, app === rules.ownApp ? OWN_APP_HINT : PING_HINT)
}

const mayPingSome = ({ pingOthers, pingApps }: Grants): boolean => pingOthers || pingApps.length > 0

/** Where operators have no credential, they are those who are on this host already. */
function operateRefusal(what: string, caller: Caller, { operatorsKnown }: AccessRules): KontrolError | undefined {
  if (operatorsKnown) return lacking(caller, what, OPERATE_HINT)
  return caller.from === 'loopback' ? undefined : reserved(what, 'loopback and the unix socket', HOST_HINT)
}

function commandRefusal(deed: Command, caller: Caller, rules: AccessRules): KontrolError | undefined {
  const anyCredential = rules.operatorsKnown || rules.pingersKnown
  if (caller.from === 'loopback' || anyCredential) return operateRefusal(deed.what, caller, rules)
  return anonymousCommandRefusal(deed, caller, rules)
}

type Command = Extract<Deed, { kind: 'command' }>

/** From the network, where nobody has a credential: what Kontrol's masters and callbacks send, and nothing more. */
function anonymousCommandRefusal({ command, what }: Command, caller: Caller, rules: AccessRules) {
  switch (command) {
    case 'look':
    case 'move':
    case 'set':
      return undefined
    case 'feed':
      return rules.feeds(caller.address) ? undefined : reserved(what, 'the live pods of the own app', FEED_HINT)
    case 'steer':
      return reserved(what, 'loopback and the unix socket', STEER_HINT)
    case 'end':
      return reserved(what, 'loopback and the unix socket', HOST_HINT)
  }
}

function fromForeignPage(deed: Write, { foreignPage, grants }: Caller): KontrolError | undefined {
  if (!foreignPage || grants.read || mayPingSome(grants)) return undefined
  const what = deed.kind === 'ping' ? 'A keepalive' : deed.what
  return new KontrolError('KTL_FORBIDDEN', `${what} is not taken from a page of another origin`, { hint: PAGE_HINT })
}

const reserved = (what: string, whom: string, hint: string): KontrolError =>
  new KontrolError('KTL_FORBIDDEN', `${what} is taken from ${whom} only`, { hint })

/** 401 asks for a credential, 403 says that the one which was shown does not go that far. */
function lacking({ knownToken }: Caller, what: string, hint: string): KontrolError {
  return knownToken
    ? new KontrolError('KTL_FORBIDDEN', `${what} is more than this credential may`, { hint })
    : new KontrolError('KTL_UNAUTHORIZED', `${what} needs a token`, { hint })
}
