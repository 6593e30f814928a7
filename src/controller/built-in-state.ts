import { hostsToJson } from '../model/json/hosts.ts'
import { hostsOf, type Snapshot } from '../model/snapshot.ts'

export interface BuiltInStateDeps {
  registry: { snapshot(): Snapshot }
  ownApp: string
}

/** What GET /state shows where no callback prints one: worked out when somebody asks, for as long as the pods stay. */
export class BuiltInState {
  readonly #deps: BuiltInStateDeps
  #shown: { snapshot: Snapshot; text: string } | undefined

  constructor(deps: BuiltInStateDeps) {
    this.#deps = deps
  }

  /** `{"hosts": {…}, "md5": "aa:bb:…"}`; undefined before the first pod. */
  text(): string | undefined {
    const { registry, ownApp } = this.#deps
    const snapshot = registry.snapshot()
    if (this.#shown === undefined && snapshot.apps.size === 0) return undefined
    if (this.#shown?.snapshot !== snapshot) {
      const hosts = hostsToJson(hostsOf(snapshot, ownApp))
      this.#shown = { snapshot, text: `{"hosts": ${hosts}, "md5": ${JSON.stringify(snapshot.digest)}}` }
    }
    return this.#shown.text
  }
}
