import type { Pod } from '../model/pod.ts'
import { backendsOf, completeSnapshot, hostsOf, podsOf, type Hosts, type LivePods } from '../model/snapshot.ts'

/** Backends as this process knows them: its own registry's, or those that another master sent last. */
export interface HostsSource {
  /** @throws KontrolError KTL_REGISTRY_FILLING while some of them are missing */
  hosts(): Hosts
  /** The pods in full; none where only addresses were sent. */
  pods(): ReadonlyMap<string, readonly Pod[]>
  /** Keeps hosts that another master sent, so that a restart begins with them. */
  keep(json: string): Promise<void>
}

/** The backends of a master, which has them in its registry and need not keep what another one sends. */
export class RegistryHosts implements HostsSource {
  readonly #registry: LivePods
  readonly #ownApp: string

  constructor(registry: LivePods, ownApp: string) {
    this.#registry = registry
    this.#ownApp = ownApp
  }

  hosts(): Hosts {
    return hostsOf(completeSnapshot(this.#registry), this.#ownApp)
  }

  pods(): ReadonlyMap<string, readonly Pod[]> {
    return podsOf(backendsOf(this.#registry.snapshot(), this.#ownApp))
  }

  async keep(): Promise<void> {}
}
