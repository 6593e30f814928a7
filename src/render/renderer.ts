import { parseHosts } from '../model/hosts-json.ts'
import type { Pod } from '../model/pod.ts'
import type { Hosts } from '../model/snapshot.ts'

interface TemplateVariables {
  hosts: Hosts
  pods: ReadonlyMap<string, readonly Pod[]>
  namespace: string
  labels: Readonly<Record<string, string>>
  env: Readonly<Record<string, string>>
}

export interface Template {
  render(variables: TemplateVariables): string
}

export interface RendererDeps {
  /** Text of the template now; throws KTL_TEMPLATE_MISSING when there is none. */
  source: () => string
  compile: (source: string) => Template
  /** Backends as they are known now. */
  inventory: { hosts(): Hosts; pods(): ReadonlyMap<string, readonly Pod[]> }
  /** What stays the same while the process lives. */
  constants: Pick<TemplateVariables, 'namespace' | 'labels' | 'env'>
}

/** Template and hosts to configuration text. Keeps the compiled template until its text changes. */
export class Renderer {
  readonly #deps: RendererDeps
  #compiled: { source: string; template: Template } | undefined

  constructor(deps: RendererDeps) {
    this.#deps = deps
  }

  /** @param input hosts as JSON; empty for those that are known now */
  render(input: string): string {
    const { source, compile, inventory, constants } = this.#deps
    const text = source()
    if (this.#compiled?.source !== text) this.#compiled = { source: text, template: compile(text) }
    const hosts = input === '' ? inventory.hosts() : parseHosts(input)
    return this.#compiled.template.render({ hosts, pods: inventory.pods(), ...constants })
  }
}
