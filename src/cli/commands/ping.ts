import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import { KontrolError, messageOf } from '../../errors.ts'
import { parseKeepalive, type Keepalive } from '../../model/keepalive.ts'
import { toKontrolJson } from '../../model/kontrol-json.ts'
import { parseJson } from '../../model/json.ts'
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
  usage: '<master> --app <app> --ip <ip> [--role <role>] [--id <id>] [--every <seconds>] [--check <url>]',
  options: {
    app: { type: 'string' },
    ip: { type: 'string' },
    role: { type: 'string', default: 'slave' },
    id: { type: 'string' },
    key: { type: 'string' },
    payload: { type: 'string' },
    every: { type: 'string' },
    check: { type: 'string' },
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
    check: 'Send only while this URL answers with a status below 400',
    down: 'Say goodbye instead'
  },
  async run({ values, positionals }, context) {
    const [name, ...rest] = positionals
    const { every, check } = values
    if (name === undefined || rest.length > 0) throw usageError('ping takes one master', EXAMPLE)
    const keepalive = keepaliveOf(values)
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
        if (!values.down) await checked(check)
        await delivered(name, send(values.down ? { down: true } : {}))
        return
      }
      await pingUntilEnd({ periodMs: periodOf(every), check, send, master: name, context })
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
  check: string | undefined
  send: (extra?: { down?: true }) => Promise<void>
  master: string
  context: CliContext
}

/** Failures are told and tried again: a slave outlives its master and its own application. */
async function pingUntilEnd({ periodMs, check, send, master, context: { signal, stderr } }: Loop): Promise<void> {
  while (!signal.aborted) {
    try {
      await checked(check)
      await delivered(master, send())
    } catch (error) {
      stderr(messageOf(error))
    }
    await sleep(periodMs, undefined, { signal }).catch(() => {})
  }
  await delivered(master, send({ down: true }))
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

async function checked(url: string | undefined): Promise<void> {
  if (url === undefined) return
  const failure = await request(url, { headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS }).then(
    async ({ statusCode, body }) => {
      await body.dump()
      return statusCode < 400 ? undefined : `answered ${statusCode}`
    },
    messageOf
  )
  if (failure === undefined) return
  throw new KontrolError('KTL_CHECK_FAILED', `No keepalive sent: ${url} ${failure}`, {
    hint: 'The pod is left to expire until the check succeeds.'
  })
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
