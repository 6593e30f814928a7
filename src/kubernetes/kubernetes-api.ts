import type { IncomingMessage } from 'node:http'
import { Agent, request, type RequestOptions } from 'node:https'
import { join } from 'node:path'
import { KontrolError, messageOf } from '../errors.ts'
import { textWithin } from '../platform/network/bounded-stream.ts'
import { readPlainFile, SMALL_FILE_BYTES } from '../platform/files/plain-file.ts'
import { answerTo } from '../platform/network/http-answer.ts'

export interface KubernetesApiOptions {
  /** Value of `KUBERNETES_SERVICE_HOST`; IPv6 without brackets. */
  host: string
  /** Value of `KUBERNETES_SERVICE_PORT`. */
  port: number
  /** Folder with `token` and `ca.crt`. */
  serviceAccount: string
  /** Milliseconds that an answer may take to begin, and a plain one to end as well. */
  timeoutMs: number
}

/** How long the server keeps a watch open before it ends it by itself. */
export const WATCH_SECONDS = 240
/** etcd, which the API server keeps its objects in, takes no more than 1.5 MiB of one. */
export const MAX_OBJECT_BYTES = 8 * 1024 * 1024
/** A refusal is a sentence, or the page of a proxy in between. */
const MAX_REFUSAL_BYTES = 64 * 1024
const REASON_LENGTH = 300

/**
 * The few requests that we make of the API server, over TLS with the pod's own
 * service account. On Node's own client: a pod that is a slave and nothing else
 * makes them too, and undici would take 14 MB of it.
 */
export class KubernetesApi {
  readonly #options: KubernetesApiOptions
  readonly #origin: string
  #agent: { ca: string; agent: Agent } | undefined

  constructor(options: KubernetesApiOptions) {
    this.#options = options
    const host = options.host.includes(':') ? `[${options.host}]` : options.host
    this.#origin = `https://${host}:${options.port}`
  }

  /**
   * GET of one object.
   *
   * @param rule what a Role must allow for this request; named when it does not
   */
  async get<T>(path: string, rule: string, signal?: AbortSignal): Promise<T> {
    const response = await this.#request(path, rule, this.#options.timeoutMs, signal)
    let body: string
    try {
      body = await textWithin(response, MAX_OBJECT_BYTES)
    } catch (cause) {
      throw unavailable(`${this.#origin}${path} is not answered to the end: ${messageOf(cause)}`, cause)
    }
    try {
      return JSON.parse(body) as T
    } catch (cause) {
      throw unavailable(`${this.#origin}${path} sent an answer that is no JSON`, cause)
    }
  }

  /** GET of a stream of events, one JSON object a line, which the server ends after `WATCH_SECONDS`. */
  async watch(path: string, rule: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    // Past the server's own end it is dead, or no API server.
    return this.#request(path, rule, (WATCH_SECONDS + 30) * 1000, signal)
  }

  async close(): Promise<void> {
    this.#agent?.agent.destroy()
    this.#agent = undefined
  }

  /** @param bodyMs how long the body of what was asked for may take */
  async #request(path: string, rule: string, bodyMs: number, signal?: AbortSignal): Promise<IncomingMessage> {
    const token = await this.#read('token')
    const agent = this.#agentFor(await this.#read('ca.crt'))
    const { host, port, timeoutMs } = this.#options
    const headers = { authorization: `Bearer ${token.trim()}`, accept: 'application/json' }
    const options = { agent, host, port, path, headers, ...(signal !== undefined && { signal }) }
    let response: IncomingMessage
    try {
      response = await ask(options, { headMs: timeoutMs, bodyMs })
    } catch (cause) {
      throw unavailable(`The Kubernetes API at ${this.#origin} does not answer: ${messageOf(cause)}`, cause)
    }
    if (response.statusCode === 200) return response
    throw refusal(response.statusCode ?? 0, path, rule, await reasonOf(response))
  }

  /** Both files are replaced while we run: tokens live an hour, certificates a few years. */
  async #read(name: string): Promise<string> {
    const path = join(this.#options.serviceAccount, name)
    try {
      return await readPlainFile(path, SMALL_FILE_BYTES)
    } catch (cause) {
      throw new KontrolError('KTL_KUBERNETES_UNAUTHORIZED', `Cannot read ${path}: ${messageOf(cause)}`, {
        cause,
        hint: 'Set serviceAccountName in the pod, and leave automountServiceAccountToken on.'
      })
    }
  }

  #agentFor(ca: string): Agent {
    if (this.#agent?.ca === ca) return this.#agent.agent
    // What is under way on the old one ends by itself, and so do its idle connections.
    const agent = new Agent({ ca, keepAlive: true })
    this.#agent = { ca, agent }
    return agent
  }
}

interface Patience {
  /** Until the head of the answer has come; for the body of a refusal as well. */
  headMs: number
  bodyMs: number
}

/** Resolves when the head of the answer has come. Neither part may take longer, however steadily something comes. */
async function ask(options: RequestOptions, { headMs, bodyMs }: Patience): Promise<IncomingMessage> {
  const sent = request(options)
  let timer = endWithin(headMs, 'answer', sent)
  sent.on('close', () => clearTimeout(timer))
  sent.end()
  const response = await answerTo(sent)
  clearTimeout(timer)
  if (!response.complete) timer = endWithin(response.statusCode === 200 ? bodyMs : headMs, 'end', response)
  return response
}

function endWithin(ms: number, part: 'answer' | 'end', stream: { destroy(error: Error): unknown }): NodeJS.Timeout {
  return setTimeout(() => stream.destroy(new Error(`no ${part} within ${ms} ms`)), ms)
}

function unavailable(message: string, cause?: unknown): KontrolError {
  return new KontrolError('KTL_KUBERNETES_UNAVAILABLE', message, {
    cause,
    hint: 'Check that the pod may reach the API server on KUBERNETES_SERVICE_HOST (NetworkPolicy, egress).'
  })
}

/**
 * The sentence of a Status object, as an API server 1.29 sends it:
 * `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"pods \"haproxy-1\" is forbidden: User
 * \"system:serviceaccount:default:default\" cannot get resource \"pods\" in API group \"\" in the namespace
 * \"default\"","reason":"Forbidden","details":{"name":"haproxy-1","kind":"pods"},"code":403}`
 */
async function reasonOf(response: IncomingMessage): Promise<string> {
  const body = await textWithin(response, MAX_REFUSAL_BYTES).catch(() => '')
  try {
    const { message } = JSON.parse(body) as { message?: unknown }
    if (typeof message === 'string') return message.slice(0, REASON_LENGTH)
  } catch {
    // A proxy in between answers in its own words.
  }
  return body.slice(0, REASON_LENGTH) || `status ${response.statusCode}`
}

function refusal(status: number, path: string, rule: string, reason: string): KontrolError {
  switch (status) {
    case 401:
      return new KontrolError('KTL_KUBERNETES_UNAUTHORIZED', `The Kubernetes API refused our token: ${reason}`, {
        hint: 'Check that the service account still exists: its token is read again for each request.'
      })
    case 403:
      return new KontrolError('KTL_KUBERNETES_FORBIDDEN', `The Kubernetes API forbids ${path}: ${reason}`, {
        hint: `Allow the pod's service account ${rule}.`
      })
    case 404:
      return new KontrolError('KTL_KUBERNETES_POD_NOT_FOUND', `The Kubernetes API knows no ${path}: ${reason}`, {
        hint: "Set KONTROL_ID and NAMESPACE from the fields metadata.name and metadata.namespace: a pod's hostname may differ from its name."
      })
    default:
      return unavailable(`The Kubernetes API answered ${status} to ${path}: ${reason}`)
  }
}
