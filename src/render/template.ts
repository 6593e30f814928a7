import { JinjaTemplate } from '../jinja/template.ts'
import { fromData } from '../jinja/values/from-data.ts'
import { isJsonNumber } from '../model/json.ts'
import type { Pod } from '../model/pod.ts'
import type { Hosts } from '../model/snapshot.ts'
import { haproxyFilters } from './template-filters.ts'

/** What a template of the HAProxy configuration sees. */
interface TemplateVariables {
  /** Addresses by app. */
  readonly hosts: Hosts
  /** The same pods in full, payload included. */
  readonly pods?: ReadonlyMap<string, readonly Pod[]>
  readonly namespace?: string
  /** Labels of the proxy's own pod. */
  readonly labels?: Readonly<Record<string, string>>
  /** Only what may be seen: KONTROL_* and NAMESPACE, without secrets. */
  readonly env?: Readonly<Record<string, string>>
}

export interface Template {
  /**
   * The configuration, as Jinja2 would print it: a final newline of the
   * template's text is dropped.
   *
   * @throws KontrolError KTL_TEMPLATE_INVALID with the line, or KTL_TEMPLATE_LIMIT
   */
  render(variables: TemplateVariables): string
}

/**
 * Compiles a Jinja2 template of the HAProxy configuration, to be rendered as often as the hosts change.
 *
 * @throws KontrolError KTL_TEMPLATE_INVALID with the line, column and text of what cannot be read
 */
export function compileTemplate(source: string): Template {
  const template = new JinjaTemplate(source, { filters: haproxyFilters })
  return {
    render: ({ hosts, pods, namespace, labels, env }) => {
      const given = { hosts, pods, namespace, labels, env }
      const present = Object.entries(given).filter(([, data]) => data !== undefined)
      return template.render(new Map(present.map(([name, data]) => [name, () => fromData(data, isJsonNumber)])))
    }
  }
}
