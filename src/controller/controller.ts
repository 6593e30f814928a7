import { findKontrolError, messageOf } from '../errors.ts'
import { hostsToJson } from '../model/hosts-json.ts'
import type { Pod } from '../model/pod.ts'
import { groupHosts, type Snapshot } from '../model/snapshot.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { Damper } from './damper.ts'

/** What the registry tells. */
export type MembershipEvent =
  | { type: 'pod-up' | 'pod-down'; pod: Pod; reason: string }
  | { type: 'pod-changed'; pod: Pod; fields: readonly string[] }
  | { type: 'pods-held' | 'pods-released'; pods: readonly Pod[] }
  | { type: 'leader'; leading: boolean }

export interface ControllerDeps {
  registry: {
    snapshot(): Snapshot
    subscribe(listener: (event: MembershipEvent) => void): () => void
    saveCallbackState(state: string): Promise<void>
  }
  /** Absent when this process drives no HAProxy. */
  lifecycle: { goto(tag: string, input: string, options: { coalesce: boolean }): Promise<void> } | undefined
  /** The user's own callback; absent when there is none. */
  callback: { request(snapshot: Snapshot): void } | undefined
  /** Told the live proxies whenever they change. */
  dns: { want(proxies: readonly Pod[]): void } | undefined
  noteCause: (cause: string) => void
  ownApp: string
  damperMs: number
  clock: Clock
  logger: Logger
}

/** From "something changed" to "the machine must move": the only place that knows both ends. */
export class Controller {
  readonly #deps: ControllerDeps
  readonly #damper: Damper
  /** What changed since the last act: the backends re-render, the proxies only move the DNS record. */
  #changed = { backends: false, proxies: false }
  #unsubscribe: (() => void) | undefined

  constructor(deps: ControllerDeps) {
    this.#deps = deps
    this.#damper = new Damper({ windowMs: deps.damperMs, clock: deps.clock, act: () => this.#act() })
  }

  start(): void {
    const { registry, dns } = this.#deps
    this.#unsubscribe = registry.subscribe((event) => this.#onMembership(event))
    dns?.want(this.#proxies())
  }

  stop(): void {
    this.#unsubscribe?.()
    this.#damper.stop()
  }

  /** The template, or what it is rendered with, is another one now. */
  templateChanged(cause: string): void {
    this.#deps.noteCause(cause)
    this.#changed.backends = true
    this.#damper.push()
  }

  #onMembership(event: MembershipEvent): void {
    switch (event.type) {
      case 'pod-up':
      case 'pod-down':
        return this.#podMoved(event.pod, event.type, event.reason)
      case 'pod-changed':
        return this.#podMoved(event.pod, event.type, event.fields.join(', '))
      case 'leader':
        return this.#leaderChanged(event.leading)
      case 'pods-held':
      case 'pods-released':
        // They stay where they are: nothing has to move.
        return
    }
  }

  #podMoved(pod: Pod, type: string, reason: string): void {
    if (pod.app === this.#deps.ownApp) this.#changed.proxies = true
    else {
      this.#changed.backends = true
      this.#deps.noteCause(`${type} ${pod.app} ${pod.ip} (${reason})`)
    }
    this.#damper.push()
  }

  /** A new leader takes over what the old one may have left half done. */
  #leaderChanged(leading: boolean): void {
    if (!leading) return
    this.#changed.proxies = true
    this.#damper.push()
  }

  #act(): void {
    const { registry, callback, dns, ownApp } = this.#deps
    const { backends, proxies } = this.#changed
    this.#changed = { backends: false, proxies: false }
    const snapshot = registry.snapshot()
    if (backends) this.#reconfigure(hostsToJson(groupHosts(snapshot.pods, ownApp)))
    if (proxies) dns?.want(this.#proxies())
    if (callback !== undefined) callback.request(snapshot)
    else if (backends) this.#saveBuiltInState(snapshot)
  }

  #reconfigure(hosts: string): void {
    const { lifecycle, logger } = this.#deps
    lifecycle?.goto('render', hosts, { coalesce: true }).catch((error: unknown) => {
      const known = findKontrolError(error)
      logger.error({ code: known?.code, hint: known?.hint, message: messageOf(error) }, 'change not rendered')
    })
  }

  #saveBuiltInState(snapshot: Snapshot): void {
    const { registry, ownApp, logger } = this.#deps
    const hosts = hostsToJson(groupHosts(snapshot.pods, ownApp))
    const state = `{"hosts": ${hosts}, "md5": ${JSON.stringify(snapshot.digest)}}`
    registry.saveCallbackState(state).catch((error: unknown) => {
      logger.error({ err: error }, 'state not saved: a restart will show an older one')
    })
  }

  #proxies(): Pod[] {
    const { registry, ownApp } = this.#deps
    return registry.snapshot().pods.filter(({ app }) => app === ownApp)
  }
}
