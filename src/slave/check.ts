import { get as getOverHttp } from 'node:http'
import { get as getOverHttps } from 'node:https'
import { connect } from 'node:net'
import { messageOf } from '../errors.ts'
import { answerTo } from '../platform/network/http-answer.ts'
import { runSubprocess } from '../platform/process/subprocess.ts'

/** What tells whether the service of this pod is well. */
export type Check =
  | { readonly kind: 'http'; readonly url: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'exec'; readonly command: string }

const WANTED = 'must be http://…, https://…, tcp://host:port or exec:<shell command>'

/** @throws Error with the end of a sentence that the name of the variable or the option begins */
export function parseCheck(raw: string): Check {
  const text = raw.trim()
  if (text.startsWith('exec:')) {
    const command = text.slice('exec:'.length).trim()
    if (command === '') throw new Error(WANTED)
    return { kind: 'exec', command }
  }
  if (!URL.canParse(text)) throw new Error(WANTED)
  const { protocol, hostname, port, pathname } = new URL(text)
  if (protocol === 'http:' || protocol === 'https:') return { kind: 'http', url: text }
  if (protocol !== 'tcp:' || hostname === '' || port === '' || pathname.length > 1) throw new Error(WANTED)
  return { kind: 'tcp', host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port) }
}

export function checkName(check: Check): string {
  switch (check.kind) {
    case 'http':
      return check.url
    case 'tcp':
      return `tcp://${check.host}:${check.port}`
    case 'exec':
      return check.command
  }
}

/** @returns why the service is not well, undefined when it is; never rejects, and takes no longer than it may */
export async function runCheck(check: Check, timeoutMs: number): Promise<string | undefined> {
  try {
    switch (check.kind) {
      case 'http':
        return await checkHttp(check.url, timeoutMs)
      case 'tcp':
        return await checkTcp(check.host, check.port, timeoutMs)
      case 'exec':
        return await checkCommand(check.command, timeoutMs)
    }
  } catch (error) {
    return messageOf(error)
  }
}

/** The certificate is not looked at: it is this pod's own, and asked for by an address that it seldom names. */
async function checkHttp(url: string, timeoutMs: number): Promise<string | undefined> {
  const get = url.startsWith('https:') ? getOverHttps : getOverHttp
  const request = get(url, { agent: false, rejectUnauthorized: false, signal: AbortSignal.timeout(timeoutMs) })
  try {
    const { statusCode = 0 } = await answerTo(request)
    return statusCode < 400 ? undefined : `answered ${statusCode}`
  } catch (error) {
    return timedOut(error as Error, timeoutMs)
  } finally {
    // The head is the answer: how long the body is does not matter.
    request.destroy()
  }
}

function checkTcp(host: string, port: number, timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal: AbortSignal.timeout(timeoutMs) }, () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.on('error', (error) => resolve(timedOut(error, timeoutMs)))
  })
}

async function checkCommand(command: string, timeoutMs: number): Promise<string | undefined> {
  const options = { env: process.env, timeoutMs, graceMs: 1000, maxOutputBytes: 1000 }
  const { code, signal, stderr, timedOut: late } = await runSubprocess('/bin/sh', ['-c', command], options)
  if (late) return `took longer than ${timeoutMs} ms`
  if (code === 0) return undefined
  return [`ended with ${code ?? signal ?? 'nothing'}`, stderr.trim()].filter((part) => part !== '').join(': ')
}

function timedOut(error: Error, timeoutMs: number): string {
  return error.name === 'AbortError' || error.name === 'TimeoutError'
    ? `no answer within ${timeoutMs} ms`
    : messageOf(error)
}
