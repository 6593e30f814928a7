import { fork, type ChildProcess } from 'node:child_process'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { KontrolError } from '../errors.ts'
import { stringifyJson } from '../model/json/json.ts'
import type { Pod } from '../model/pod.ts'
import type { Cancel, Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { TaskQueue } from '../platform/queue.ts'
import { betweenSteps, nextTurn } from '../platform/turns.ts'
import { changesOf, type Lists } from './list-changes.ts'
import {
  renderedOf,
  TextChannel,
  type AnswerMessage,
  type TemplateAnswer,
  type TemplateRequest
} from './template-messages.ts'
import { mentionsPods, type Rendered, type TemplateVariables } from './template.ts'

export interface TemplateProcessOptions {
  clock: Clock
  logger: Logger
  /** Megabytes that it may use. */
  memoryMb: number
  /** Seconds that a rendering may take. */
  seconds?: number
}

/** A template that is rendered elsewhere. */
export interface RemoteTemplate {
  /** @throws KontrolError as `Template` does, and KTL_TEMPLATE_LIMIT past the limits of time and memory */
  render(variables: TemplateVariables, signal?: AbortSignal): Promise<Rendered>
}

/** Beside what the payloads take: templates and their values, the list of 200,000 pods. */
const MEMORY_MB = 256
/** A payload as text, as data, and as values of a template, twice for what has not been collected yet. */
const COPIES_OF_PAYLOADS = 4

export const memoryFor = (payloadBytes: number): number =>
  Math.ceil(MEMORY_MB + (COPIES_OF_PAYLOADS * payloadBytes) / 2 ** 20)

/** Many times what the largest template within its limits takes, on a machine that has other things to do too. */
const SECONDS = 10
const START_SECONDS = 60
const KEPT_OF_STDERR = 4_096

/** The extension that this file has: built, or as it was written. */
const EXTENSION = extname(import.meta.url)
const PROGRAM = fileURLToPath(new URL(`template-program${EXTENSION}`, import.meta.url))

/**
 * Renders in a process of its own, so that no template can hold up this one, or end it: a thread would share its
 * memory, and V8 ends the whole process when a thread of it has too little.
 */
export class TemplateProcess {
  readonly #options: TemplateProcessOptions
  readonly #queue = new TaskQueue()
  #child: Child | undefined

  constructor(options: TemplateProcessOptions) {
    this.#options = options
  }

  /** Nothing is read yet: a mistake in the text shows when it is rendered. */
  templateOf(source: string): RemoteTemplate {
    return {
      render: (variables, signal) => this.#queue.enqueue(() => this.#render(source, variables, signal))
    }
  }

  close(): void {
    this.#child?.end()
    this.#child = undefined
  }

  async #render(source: string, variables: TemplateVariables, signal: AbortSignal | undefined): Promise<Rendered> {
    signal?.throwIfAborted()
    if (this.#child?.isThere !== true) this.#child = new Child(this.#options)
    const child = this.#child
    let answer: TemplateAnswer
    try {
      answer = await child.ask(source, variables, signal)
    } catch (error) {
      // It may be at work still, and what it knows is not known any more: the next rendering begins anew.
      child.end()
      this.#child = undefined
      throw error
    }
    const rendered = renderedOf(answer)
    await betweenSteps(rendered.text)
    return rendered
  }
}

/** The process, and what it has been told. */
class Child {
  readonly #options: TemplateProcessOptions
  readonly #process: ChildProcess
  #ready = false
  #failure: KontrolError | undefined
  #waiting: { resolve: (answer: TemplateAnswer) => void; reject: (error: KontrolError) => void } | undefined
  #template: string | undefined
  #hosts: Lists<string> = new Map()
  #pods: Lists<Pod> = new Map()

  constructor(options: TemplateProcessOptions) {
    this.#options = options
    // A young generation that holds what a thousand pods make, and no more: it is never given back.
    const flags = [`--max-old-space-size=${options.memoryMb}`, '--max-semi-space-size=8']
    const child = (this.#process = fork(PROGRAM, [], {
      // It needs nothing of the environment, and what is secret there is not in its reach.
      env: {},
      execArgv: EXTENSION === '.ts' ? [...flags, '--import', 'tsx'] : flags,
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc']
    }))
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => (said = `${said}${String(chunk)}`.slice(-KEPT_OF_STDERR)))
    const channel = new TextChannel()
    child.on('message', (message: AnswerMessage) => {
      const answer = channel.take(message)
      if (answer !== undefined) this.#waiting?.resolve(answer)
    })
    child.on('error', (error) => this.#fail(gone(error.message)))
    child.on('close', (code, signal) => {
      if (this.isThere) this.#fail(this.#endOf(signal ?? `exit code ${code}`, said))
    })
    child.unref()
  }

  get isThere(): boolean {
    return this.#failure === undefined
  }

  /** @throws KontrolError, or what the signal was aborted with: then it may be at work still */
  async ask(
    source: string,
    { hosts, pods = new Map(), ...constants }: TemplateVariables,
    signal: AbortSignal | undefined
  ): Promise<TemplateAnswer> {
    if (!this.#ready) await this.#answer(START_SECONDS, signal)
    this.#ready = true
    if (source !== this.#template) this.#send({ template: source })
    this.#template = source
    await this.#tell('hosts', this.#hosts, hosts)
    this.#hosts = hosts
    const needed = mentionsPods(source) ? pods : new Map<string, readonly Pod[]>()
    await this.#tell('pods', this.#pods, needed)
    this.#pods = needed
    this.#send({ render: constants })
    return await this.#answer(this.#options.seconds ?? SECONDS, signal)
  }

  end(): void {
    this.#failure ??= gone('by us')
    this.#process.kill('SIGKILL')
  }

  /** A fleet that is new is told in turns of the event loop. */
  async #tell<T>(name: 'hosts' | 'pods', before: Lists<T>, now: Lists<T>): Promise<void> {
    let isFirst = true
    for (const changes of changesOf(before, now)) {
      if (!isFirst) await nextTurn()
      isFirst = false
      const json = stringifyJson(changes)
      this.#send(name === 'hosts' ? { hosts: json } : { pods: json })
    }
  }

  #send(request: TemplateRequest): void {
    // Where it does not arrive, its end says why.
    if (this.#process.connected) this.#process.send(request, () => {})
  }

  async #answer(seconds: number, signal: AbortSignal | undefined): Promise<TemplateAnswer> {
    const { clock } = this.#options
    let cancel: Cancel = () => {}
    let onAbort = (): void => {}
    const answer = new Promise<TemplateAnswer>((resolve, reject) => {
      this.#waiting = { resolve, reject }
      if (this.#failure !== undefined) reject(this.#failure)
      cancel = countDown(clock, seconds, () => reject(this.#ready ? tooLong(seconds) : gone('it does not start')))
      onAbort = () => reject(signal?.reason as Error)
      signal?.addEventListener('abort', onAbort, { once: true })
      if (signal?.aborted === true) onAbort()
    })
    return await answer.finally(() => {
      this.#waiting = undefined
      cancel()
      signal?.removeEventListener('abort', onAbort)
    })
  }

  #fail(error: KontrolError): void {
    this.#failure ??= error
    this.#waiting?.reject(error)
  }

  #endOf(how: string, said: string): KontrolError {
    const { memoryMb, logger } = this.#options
    const full = said.includes('heap out of memory')
    if (!full) logger.warn({ how, said }, 'the process that renders ended')
    return full ? tooLarge(memoryMb) : gone(how)
  }
}

/** One second after the other: while a process is stopped, or waits for its turn, none of them passes. */
function countDown(clock: Clock, seconds: number, onEnd: () => void): Cancel {
  let left = seconds
  const tick = (): void => {
    left -= 1
    if (left <= 0) onEnd()
    else cancel = clock.after(1_000, tick)
  }
  let cancel = clock.after(1_000, tick)
  return () => cancel()
}

const tooLong = (seconds: number): KontrolError =>
  new KontrolError('KTL_TEMPLATE_LIMIT', `The template needs more than ${seconds} seconds`, { hint: LESS })

const tooLarge = (megabytes: number): KontrolError =>
  new KontrolError('KTL_TEMPLATE_LIMIT', `The template needs more than ${megabytes} MB of memory`, { hint: LESS })

const LESS = 'Loop over less, or keep less in lists; docs/templates.md lists the limits.'

/** Not the template's fault, as far as can be seen: it is tried again. */
const gone = (how: string): KontrolError =>
  new KontrolError('KTL_UNEXPECTED', `The process that renders templates has ended: ${how}`, {
    hint: 'It is started again; look whether the container has enough memory and processes.'
  })
