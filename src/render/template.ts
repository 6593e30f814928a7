import { findKontrolError } from '../errors.ts'
import type { Limits } from '../jinja/limits.ts'
import { JinjaTemplate } from '../jinja/template.ts'
import { fromData } from '../jinja/values/from-data.ts'
import type { Value } from '../jinja/values/value.ts'
import { maskConfiguration, maskValues, secretsIn } from '../model/masking.ts'
import type { Pod } from '../model/pod.ts'
import type { Hosts } from '../model/snapshot.ts'
import { PodValues } from './pods/pod-values.ts'
import { haproxyFilters } from './template-filters.ts'
import { withoutPods, type Without } from './pods/without-pods.ts'

type PodsByApp = ReadonlyMap<string, readonly Pod[]>

/** What a template of the HAProxy configuration sees. */
export interface TemplateVariables {
  /** Addresses by app. */
  readonly hosts: Hosts
  /** The same pods in full, payload included. */
  readonly pods?: PodsByApp
  readonly namespace?: string
  /** Labels of the proxy's own pod. */
  readonly labels?: Readonly<Record<string, string>>
  /** Only what may be seen: KONTROL_* and NAMESPACE, without secrets. */
  readonly env?: Readonly<Record<string, string>>
}

/** A pod that is not in a configuration, as what it says of itself cannot be put there as it is. */
export interface LeftOutPod {
  readonly app: string
  readonly ip: string
  readonly key: string
  /** What would have been printed: a path into the pod. */
  readonly field?: string
  /** What goes wrong with it and not without it. */
  readonly failure?: string
}

export interface Rendered {
  readonly text: string
  readonly leftOut: readonly LeftOutPod[]
}

export interface Template {
  /**
   * The configuration, as Jinja2 would print it: a final newline of the
   * template's text is dropped. A pod whose text would change the meaning of the
   * configuration is left out of it.
   *
   * @throws KontrolError KTL_TEMPLATE_INVALID with the line, or KTL_TEMPLATE_LIMIT
   */
  render(variables: TemplateVariables): Rendered
}

/** Whether it may read what pods say of themselves; most templates are about addresses alone. */
export const mentionsPods = (source: string): boolean => source.includes('pods')

/** Renderings in which pods show one after the other; from then on all that could are left out at once. */
const MAX_RENDERINGS = 5

/**
 * Compiles a Jinja2 template of the HAProxy configuration, to be rendered as often as the hosts change.
 *
 * @param limits of each rendering, where they are tighter than those of all templates
 * @throws KontrolError KTL_TEMPLATE_INVALID with the line, column and text of what cannot be read
 */
export function compileTemplate(source: string, limits: Partial<Limits> = {}): Template {
  const shown = (text: string): string => maskValues(maskConfiguration(text), secretsIn(source))
  const template = new JinjaTemplate(source, { filters: haproxyFilters, limits, shown })
  const podValues = new PodValues()
  return {
    render: (variables) => {
      const leftOut = new Map<Pod, string>()
      for (let rendering = 1; ; rendering++) {
        const now = withoutPods(variables, leftOut)
        const result = renderOnce(template, podValues, now)
        if (typeof result === 'string') return { text: result, leftOut: Array.from(leftOut, described) }
        const refused = rendering < MAX_RENDERINGS ? result : suspectsOf(podValues, now)
        for (const [pod, field] of refused) leftOut.set(pod, field)
      }
    }
  }
}

/** The text, or the pods with which there is none. */
function renderOnce(template: JinjaTemplate, podValues: PodValues, variables: TemplateVariables): string | Without {
  const refused = new Map<Pod, string>()
  try {
    const text = template.render(valuesOf(variables, podValues, refused))
    return refused.size === 0 ? text : refused
  } catch (error) {
    // What a refused text made of the template from there on says nothing about the template.
    if (refused.size > 0) return refused
    const suspects = suspectsOf(podValues, variables)
    if (suspects.size === 0 || findKontrolError(error, 'KTL_TEMPLATE_LIMIT') !== undefined) throw error
    return suspects
  }
}

function valuesOf(
  { hosts, pods, namespace, labels, env }: TemplateVariables,
  podValues: PodValues,
  refused: Map<Pod, string>
): ReadonlyMap<string, () => Value> {
  const values = new Map<string, () => Value>([['hosts', () => fromData(hosts)]])
  if (namespace !== undefined) values.set('namespace', () => fromData(namespace))
  if (labels !== undefined) values.set('labels', () => fromData(labels))
  if (env !== undefined) values.set('env', () => fromData(env))
  if (pods === undefined) return values
  return values.set('pods', () =>
    podValues.of(pods, (pod, field) => {
      if (!refused.has(pod)) refused.set(pod, field)
    })
  )
}

function suspectsOf(podValues: PodValues, { pods = new Map() }: TemplateVariables): Without {
  const suspects = [...pods.values()].flat().filter((pod) => podValues.isSuspect(pod))
  return new Map(suspects.map((pod) => [pod, 'a text of it']))
}

const described = ([{ app, ip, key }, field]: [Pod, string]): LeftOutPod => ({ app, ip, key, field })
