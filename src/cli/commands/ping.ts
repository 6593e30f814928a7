import { setTimeout as sleep } from 'node:timers/promises'
import { KontrolError, messageOf } from '../../errors.ts'
import { parseKeepalive, type Keepalive } from '../../model/keepalive.ts'
import { toKontrolJson } from '../../model/json/kontrol.ts'
import { parseJson } from '../../model/json/json.ts'
import { type Check, checkName, parseCheck, runCheck } from '../../slave/check.ts'
import { Health } from '../../slave/health.ts'
import { HttpMaster } from '../../slave/http-master.ts'
import { keyOf, newNonce } from '../../slave/identity.ts'
import { parseMasterAddress } from '../../slave/master-address.ts'
import { defineCommand, usageError, type CliContext } from '../command.ts'
import { credentialsOf } from '../credentials.ts'

const DEFAULT_PORT = 8000
const TIMEOUT_MS = 5000
const EXAMPLE = 'Try: kontrol ping 127.0.0.1 --app web --ip 10.0.0.7'

export const ping = defineCommand({
  summary: 'Send a keepalive for a pod, once or again and again',
  usage: '<master> --app <app> --ip <ip> [--role <role>] [--id <id>] [--every <seconds>] [--check <check>]',
  takes: 1,
  options: {
    app: { type: 'string' },
    ip: { type: 'string' },
    role: { type: 'string', default: 'slave' },
    id: { type: 'string' },
    key: { type: 'string' },
    payload: { type: 'string' },
    every: { type: 'string' },
    check: { type: 'string' },
    rise: { type: 'string', default: '1' },
    fall: { type: 'string', default: '1' },
    down: { type: 'boolean', default: false }
  },
  optionDocs: {
    app: 'App that the pod belongs to',
    ip: 'Address of the pod',
    role: 'Role of the pod',
    id: 'Name of the pod (default: <app>-<ip>)',
    key: 'Identity of the pod (default: base62 of the address)',
    payload: 'JSON that goes along',
    every: 'Seconds between two keepalives: be a slave until Ctrl-C, then say goodbye',
    check: 'Send only while this is well: http://… (a status below 400), tcp://host:port, or exec:<command>',
    rise: 'With --every: checks in a row that must go well before the first keepalive',
    fall: 'With --every: checks in a row that must fail before the pod says goodbye',
    down: 'Say goodbye instead'
  },
  async run({ values, positionals }, context) {
    const [name, ...rest] = positionals
    const { every } = values
    if (name === undefined || rest.length > 0) throw usageError('ping takes one master', EXAMPLE)
    const keepalive = keepaliveOf(values)
    const check = values.check === undefined ? undefined : checkOf(values.check)
    const { token, tls } = credentialsOf(context.env, keepalive.app)
    const master = new HttpMaster({
      address: parseMasterAddress(name, DEFAULT_PORT),
      token: () => token,
      tls,
      keepAliveMs: 60_000
    })
    const send = (extra: { down?: true } = {}): Promise<void> =>
      master.send(toKontrolJson({ ...keepalive, ...extra }), AbortSignal.timeout(TIMEOUT_MS))
    try {
      if (every === undefined) {
        if (!values.down && check !== undefined) await checked(check)
        await delivered(name, send(values.down ? { down: true } : {}))
        return
      }
      const health = new Health({ rise: timesOf('rise', values.rise), fall: timesOf('fall', values.fall) })
      await pingUntilEnd({ periodMs: periodOf(every), check, health, send, master: name, context })
    } finally {
      await master.close()
    }
  }
})

interface PodOptions {
  app?: string | undefined
  ip?: string | undefined
  role: string
  id?: string | undefined
  key?: string | undefined
  payload?: string | undefined
}

function keepaliveOf({ app, ip, role, id, key, payload }: PodOptions): Keepalive {
  if (app === undefined || ip === undefined) throw usageError('ping needs --app and --ip', EXAMPLE)
  return parseKeepalive(
    {
      app,
      ip,
      role,
      id: id ?? `${app}-${ip.replace(/[.:]+/g, '-')}`,
      key: key ?? keyOf(ip),
      nonce: newNonce(),
      payload: payloadOf(payload)
    },
    (problem) => {
      throw usageError(`--payload cannot be kept: ${problem}`, EXAMPLE)
    }
  )
}

interface Loop {
  periodMs: number
  check: Check | undefined
  health: Health
  send: (extra?: { down?: true }) => Promise<void>
  master: string
  context: CliContext
}

/** Failures are told and tried again: a slave outlives its master and its own application. */
async function pingUntilEnd(loop: Loop): Promise<void> {
  const { periodMs, send, master, context } = loop
  const { signal, stderr } = context
  while (!signal.aborted) {
    try {
      await pingOnce(loop)
    } catch (error) {
      stderr(messageOf(error))
    }
    await sleep(periodMs, undefined, { signal }).catch(() => {})
  }
  await delivered(master, send({ down: true }))
}

async function pingOnce({ check, health, send, master }: Loop): Promise<void> {
  const failure = check === undefined ? undefined : await runCheck(check, TIMEOUT_MS)
  const hasChanged = health.take(failure === undefined)
  if (health.isUp) return await delivered(master, send())
  if (hasChanged) await delivered(master, send({ down: true }))
  if (check !== undefined && failure !== undefined) throw notWell(check, failure)
}

async function delivered(master: string, sent: Promise<void>): Promise<void> {
  try {
    await sent
  } catch (cause) {
    if (cause instanceof KontrolError) throw cause
    throw new KontrolError('KTL_MASTER_UNREACHABLE', `No master answers at ${master}: ${messageOf(cause)}`, {
      cause,
      hint: 'Check the address, and that the master runs.'
    })
  }
}

async function checked(check: Check): Promise<void> {
  const failure = await runCheck(check, TIMEOUT_MS)
  if (failure !== undefined) throw notWell(check, failure)
}

function notWell(check: Check, failure: string): KontrolError {
  return new KontrolError('KTL_CHECK_FAILED', `No keepalive sent: ${checkName(check)} ${failure}`, {
    hint: 'Mend what it checks: the pod gets no traffic until the check goes well.'
  })
}

function checkOf(raw: string): Check {
  try {
    return parseCheck(raw)
  } catch (error) {
    throw usageError(`--check ${messageOf(error)}, got "${raw}"`, 'Try: --check http://127.0.0.1:8080/health')
  }
}

function timesOf(option: string, raw: string): number {
  const times = Number(raw)
  if (Number.isInteger(times) && times >= 1 && times <= 1000) return times
  throw usageError(`--${option} must be a whole number from 1 to 1000, got "${raw}"`, `Try: --${option} 3`)
}

function payloadOf(json: string | undefined): unknown {
  if (json === undefined) return ''
  try {
    return parseJson(json)
  } catch (error) {
    throw usageError(`--payload is not JSON: ${messageOf(error)}`, `Try: --payload '{"port": 8080}'`)
  }
}

function periodOf(every: string): number {
  const seconds = Number(every)
  if (!(seconds >= 0.1 && seconds <= 86_400))
    throw usageError(`--every must be seconds from 0.1 to 86400, got "${every}"`, 'Try: --every 18')
  return seconds * 1000
}
