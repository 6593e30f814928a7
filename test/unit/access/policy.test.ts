import { describe, expect, it } from 'vitest'
import { callerOf, NO_GRANTS, unixCaller, type Caller, type Grants } from '../../../src/access/caller.ts'
import { refusal, type AccessRules, type Deed } from '../../../src/access/policy.ts'

const OPEN: AccessRules = {
  ownApp: 'haproxy',
  operatorsKnown: false,
  pingersKnown: false,
  readersKnown: false,
  feeds: (address) => address === '10.0.0.9'
}

const caller = (from: Caller['from'], grants: Partial<Grants> = {}, address = '10.0.0.1'): Caller => ({
  from,
  address: from === 'unix' ? undefined : address,
  foreignPage: false,
  grants: { ...NO_GRANTS, ...grants },
  knownToken: Object.keys(grants).length > 0
})

const ping = (app?: string): Deed => ({ kind: 'ping', ...(app !== undefined && { app }) })
const operate: Deed = { kind: 'operate', what: 'DELETE' }
const command = (kind: Extract<Deed, { kind: 'command' }>['command']): Deed => ({
  kind: 'command',
  command: kind,
  what: kind
})

const codeOf = (deed: Deed, who: Caller, rules: Partial<AccessRules> = {}): string =>
  refusal(deed, who, { ...OPEN, ...rules })?.code ?? 'allowed'

describe('without any credential', () => {
  it('the network may ping, read and send what Kontrol sends', () => {
    const network = caller('network')

    for (const deed of [ping(), ping('web'), ping('haproxy'), { kind: 'read' } as const, { kind: 'probe' } as const]) {
      expect(codeOf(deed, network)).toBe('allowed')
    }
    for (const kind of ['look', 'move', 'set'] as const) expect(codeOf(command(kind), network)).toBe('allowed')
    for (const kind of ['feed', 'steer', 'end'] as const) {
      expect(codeOf(command(kind), network)).toBe('KTL_FORBIDDEN')
    }
    expect(codeOf(operate, network)).toBe('KTL_FORBIDDEN')
  })

  it('hosts are taken from a proxy that is alive', () => {
    expect(codeOf(command('feed'), caller('network', {}, '10.0.0.9'))).toBe('allowed')
  })

  it.each(['loopback', 'unix'] as const)('%s may do everything', (from) => {
    for (const deed of [ping('haproxy'), operate, command('end'), command('steer'), command('feed')]) {
      expect(codeOf(deed, caller(from))).toBe('allowed')
    }
  })

  it('a page of another origin writes nothing, even from loopback, unless it shows a credential', () => {
    const page = { ...caller('loopback'), foreignPage: true }

    for (const deed of [ping('web'), operate, command('look')]) expect(codeOf(deed, page)).toBe('KTL_FORBIDDEN')
    expect(codeOf({ kind: 'read' }, page)).toBe('allowed')
    expect(codeOf(operate, { ...page, grants: { ...NO_GRANTS, operate: true } })).toBe('allowed')
  })
})

describe('with credentials', () => {
  const token = { operatorsKnown: true }
  const each = { pingersKnown: true }

  it('a write needs one, from loopback too, but not on the unix socket', () => {
    for (const deed of [ping(), ping('web'), operate, command('look')]) {
      expect(codeOf(deed, caller('loopback'), token)).toBe('KTL_UNAUTHORIZED')
      expect(codeOf(deed, caller('network', { operate: true }), token)).toBe('allowed')
      expect(codeOf(deed, unixCaller, token)).toBe('allowed')
    }
  })

  it('one for pings lets its holder ping and nothing else', () => {
    const pod = caller('network', { pingOthers: true })

    expect(codeOf(ping('web'), pod, each)).toBe('allowed')
    expect(codeOf(ping('haproxy'), pod, each)).toBe('KTL_FORBIDDEN')
    expect(codeOf(operate, pod, { ...each, ...token })).toBe('KTL_FORBIDDEN')
    expect(codeOf(command('look'), pod, each)).toBe('KTL_FORBIDDEN')
    expect(codeOf({ kind: 'read' }, pod, { ...each, readersKnown: true })).toBe('KTL_FORBIDDEN')
  })

  it('one of an app pings for that app alone, which may be the own one', () => {
    const web = caller('network', { pingApps: ['web'] })

    expect(codeOf(ping(), web, each)).toBe('allowed')
    expect(codeOf(ping('web'), web, each)).toBe('allowed')
    expect(codeOf(ping('db'), web, each)).toBe('KTL_FORBIDDEN')
    expect(codeOf(ping('haproxy'), caller('network', { pingApps: ['haproxy'] }), each)).toBe('allowed')
  })

  it('for pods alone, operators are those on the host', () => {
    expect(codeOf(operate, caller('loopback'), each)).toBe('allowed')
    expect(codeOf(operate, caller('network'), each)).toBe('KTL_FORBIDDEN')
  })

  it('readers need theirs or an operator’s, and probes need none', () => {
    const rules = { readersKnown: true }

    expect(codeOf({ kind: 'read' }, caller('loopback'), rules)).toBe('KTL_UNAUTHORIZED')
    expect(codeOf({ kind: 'read' }, caller('network', { read: true }), rules)).toBe('allowed')
    expect(codeOf({ kind: 'read' }, caller('network', { operate: true }), rules)).toBe('allowed')
    expect(codeOf({ kind: 'probe' }, caller('network'), rules)).toBe('allowed')
    expect(codeOf(operate, caller('network', { read: true }), { ...rules, operatorsKnown: true })).toBe('KTL_FORBIDDEN')
  })
})

describe('callerOf', () => {
  const names = new Set(['proxy.example'])
  const of = (remoteAddress: string | undefined, headers: Record<string, string> = {}) =>
    callerOf(
      { remoteAddress, headers: { host: '10.0.0.5:8000', ...headers }, grants: NO_GRANTS, knownToken: false },
      names
    )

  it.each([
    ['127.0.0.1', {}, 'loopback'],
    ['::1', {}, 'loopback'],
    ['::ffff:127.0.0.9', {}, 'loopback'],
    ['::ffff:10.0.0.1', {}, 'network'],
    [undefined, {}, 'network'],
    ['127.0.0.1', { host: 'localhost:8000' }, 'loopback'],
    ['127.0.0.1', { host: '[::1]:8000' }, 'loopback'],
    ['127.0.0.1', { host: 'PROXY.example.:8000' }, 'loopback'],
    ['127.0.0.1', { host: 'rebound.example' }, 'network'],
    ['127.0.0.1', { 'x-forwarded-for': '10.0.0.1' }, 'network'],
    ['127.0.0.1', { via: '1.1 proxy' }, 'network']
  ])('takes %s with %j for %s', (address, headers, from) => {
    expect(of(address, headers).from).toBe(from)
  })

  it.each([
    ['a slave', {}, false],
    ['our page by address', { origin: 'http://10.0.0.5:8000', 'sec-fetch-site': 'same-origin' }, false],
    ['our page by name', { host: 'proxy.example', origin: 'https://proxy.example' }, false],
    ['an address typed in', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }, false],
    ['another origin', { origin: 'http://other.example' }, true],
    ['another port', { origin: 'http://10.0.0.5:9000' }, true],
    ['a hidden origin', { origin: 'null' }, true],
    ['another site', { 'sec-fetch-site': 'cross-site' }, true],
    ['the same site', { 'sec-fetch-site': 'same-site' }, true],
    ['a name pointed at us', { host: 'rebound.example', origin: 'http://rebound.example' }, true]
  ])('knows %s', (_who, headers, foreignPage) => {
    expect(of('127.0.0.1', headers).foreignPage).toBe(foreignPage)
  })
})
