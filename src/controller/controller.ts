import { findKontrolError, messageOf } from '../errors.ts'
import { hostsToJson } from '../model/json/hosts.ts'
import type { Pod } from '../model/pod.ts'
import { backendsOf, completeSnapshot, hostsOf, type Backends, type Snapshot } from '../model/snapshot.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { Damper } from './damper.ts'

/** What the registry tells. */
export type MembershipEvent =
  | { type: 'pod-up' | 'pod-down'; pod: Pod; reason: string }
  | { type: 'pod-changed'; pod: Pod; fields: readonly string[] }
  | { type: 'pods-held'; app: string; pods: readonly Pod[]; restored: number }
  | { type: 'pods-released'; pods: readonly Pod[] }
  | { type: 'key-shared' }
  | { type: 'leader'; leading: boolean }

export interface RenderRequests {
  /** @param input backends are taken when the state is entered, not while it waits for its turn */
  goto(tag: string, input: string | (() => Backends), options: { coalesce: boolean }): Promise<void>
  /** A script that renders gets the hosts as text; the built-in step gets the backends of the moment it runs. */
  hostsAsInput: boolean
  /** Whether the machine is at its end, or on the way there: nothing is rendered any more. */
  ending: () => boolean
}

export interface ControllerDeps {
  registry: {
    snapshot(): Snapshot
    /** While `until` is there, pods are missing, and nothing must be acted on. */
    readonly recovery: { readonly until: number | undefined; readonly ended: Promise<void> }
    subscribe(listener: (event: MembershipEvent) => void): () => void
  }
  /** Absent when this process drives no HAProxy. */
  lifecycle: RenderRequests | undefined
  /** The user's own callback; absent when there is none. */
  callback: { request(take: () => Snapshot): void; stop(): Promise<void> } | undefined
  /** Told the live proxies whenever they change. */
  dns: { want(proxies: readonly Pod[]): void } | undefined
  /** What is said `first` stands before what was noted earlier. */
  noteCause: (cause: string, place?: 'first') => void
  ownApp: string
  damperMs: number
  clock: Clock
  logger: Logger
}

/** From "something changed" to "the machine must move": the only place that knows both ends. */
export class Controller {
  readonly #deps: ControllerDeps
  readonly #damper: Damper
  /** Of the callback alone: HAProxy and DNS do not wait for a fleet to be complete. */
  readonly #callbackDamper: Damper
  /** What changed since the last act: the backends re-render, the proxies only move the DNS record. */
  #changed = { backends: false, proxies: false }
  #unsubscribe: (() => void) | undefined

  constructor(deps: ControllerDeps) {
    this.#deps = deps
    const { damperMs: windowMs, clock } = deps
    this.#damper = new Damper({ windowMs, clock, act: () => this.#act() })
    this.#callbackDamper = new Damper({ windowMs, clock, firstWaits: true, act: () => this.#runCallback() })
  }

  start(): void {
    const { registry, dns } = this.#deps
    this.#unsubscribe = registry.subscribe((event) => this.#onMembership(event))
    if (registry.recovery.until === undefined) dns?.want(this.#proxies())
    else void registry.recovery.ended.then(() => this.#recovered())
    // What changed while no master was there, or was left undone by the one before this.
    if (registry.snapshot().apps.size > 0) this.#callbackDamper.push()
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.()
    this.#damper.stop()
    this.#callbackDamper.stop()
    await this.#deps.callback?.stop()
  }

  /** The template, or what it is rendered with, is another one now. */
  templateChanged(cause: string): void {
    this.#deps.noteCause(cause)
    this.#changed.backends = true
    this.#damper.push()
  }

  #recovered(): void {
    this.#changed.proxies = true
    this.templateChanged('the registry has filled again')
    this.#callbackDamper.push()
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
        return this.#podsHeld(event)
      case 'pods-released':
      case 'key-shared':
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
    this.#callbackDamper.push()
  }

  /** Those that had left before their silence was known to be that of most of them come back. */
  #podsHeld({ app, pods, restored }: { app: string; pods: readonly Pod[]; restored: number }): void {
    if (restored === 0) return
    if (app === this.#deps.ownApp) this.#changed.proxies = true
    else {
      this.#changed.backends = true
      this.#deps.noteCause(`pods-held ${app} (${pods.length} silent at once, ${restored} of them taken back)`, 'first')
    }
    this.#damper.push()
    this.#callbackDamper.push()
  }

  /** A new leader takes over what the old one may have left half done. */
  #leaderChanged(leading: boolean): void {
    if (!leading) return
    this.#changed.proxies = true
    this.#damper.push()
    this.#callbackDamper.push()
  }

  /** Runs within the first keepalive of a pod, before its answer: all pods are looked at only where a script renders, and for DNS. */
  #act(): void {
    const { registry, dns } = this.#deps
    if (registry.recovery.until !== undefined) return
    const { backends, proxies } = this.#changed
    this.#changed = { backends: false, proxies: false }
    if (backends) this.#reconfigure()
    if (proxies) dns?.want(this.#proxies())
  }

  #runCallback(): void {
    const { registry, callback } = this.#deps
    if (registry.recovery.until === undefined) callback?.request(() => registry.snapshot())
  }

  #reconfigure(): void {
    const { lifecycle, logger } = this.#deps
    if (lifecycle === undefined || lifecycle.ending()) return
    lifecycle
      .goto('render', lifecycle.hostsAsInput ? this.#hosts() : () => this.#backends(), { coalesce: true })
      .catch((error: unknown) => {
        if (lifecycle.ending()) return
        const known = findKontrolError(error)
        logger.error({ code: known?.code, hint: known?.hint, message: messageOf(error) }, 'change not rendered')
      })
  }

  /** @throws KontrolError KTL_REGISTRY_FILLING */
  #backends(): Backends {
    const { registry, ownApp } = this.#deps
    return backendsOf(completeSnapshot(registry), ownApp)
  }

  #hosts(): string {
    const { registry, ownApp } = this.#deps
    return hostsToJson(hostsOf(registry.snapshot(), ownApp))
  }

  #proxies(): readonly Pod[] {
    const { registry, ownApp } = this.#deps
    return registry.snapshot().apps.get(ownApp)?.pods ?? []
  }
}
