import { fromData } from '../../jinja/values/from-data.ts'
import { DictOfUntrustedKeys, UntrustedText } from '../../jinja/values/untrusted-text.ts'
import type { Dict, Value } from '../../jinja/values/value.ts'
import { isJsonNumber, membersOf } from '../../model/json/json.ts'
import type { Pod } from '../../model/pod.ts'
import { isPlainWord } from '../haproxy-words.ts'

/** Told which text of a pod a template was about to print. */
export type OnRefused = (pod: Pod, field: string) => void

/** Pods as templates see them: texts that would mean more than themselves in a configuration can be compared, not printed. */
export class PodValues {
  /** Looked through once for each pod: one that changes is another object. */
  readonly #suspect = new WeakMap<Pod, boolean>()

  /** Whether some text of a pod is not a plain word. */
  isSuspect(pod: Pod): boolean {
    const known = this.#suspect.get(pod)
    if (known !== undefined) return known
    const found = holdsSuspectText(pod)
    this.#suspect.set(pod, found)
    return found
  }

  of(pods: ReadonlyMap<string, readonly Pod[]>, onRefused: OnRefused): Value {
    return new Map(Array.from(pods, ([app, list]) => [app, list.map((pod) => this.#valueOf(pod, onRefused))]))
  }

  #valueOf(pod: Pod, onRefused: OnRefused): Value {
    const told = fieldsOf(pod)
    if (!this.isSuspect(pod)) return fromData(told, isJsonNumber)
    return guarded(told, '', (field) => {
      onRefused(pod, field)
    })
  }
}

/** In the order of the manual, wherever the pod comes from. Of no payload a template could not even ask for a part. */
function fieldsOf({ app, id, ip, key, role, seq, nonce, payload = null, firstSeen }: Pod): object {
  return { app, id, ip, key, role, seq, ...(nonce !== undefined && { nonce }), payload, firstSeen }
}

function holdsSuspectText(data: unknown): boolean {
  if (typeof data === 'string') return !isPlainWord(data)
  if (typeof data !== 'object' || data === null || isJsonNumber(data)) return false
  if (Array.isArray(data)) return data.some(holdsSuspectText)
  return membersOf(data).some(([name, member]) => !isPlainWord(name) || holdsSuspectText(member))
}

/** @param path of the data inside its pod */
function guarded(data: unknown, path: string, onUse: (field: string) => void): Value {
  if (typeof data === 'string' && !isPlainWord(data)) return new UntrustedText(data, () => onUse(path))
  if (typeof data !== 'object' || data === null || isJsonNumber(data)) return fromData(data, isJsonNumber)
  if (Array.isArray(data)) return data.map((item, index) => guarded(item, `${path}[${index}]`, onUse))
  return guardedDict(membersOf(data), path, onUse)
}

function guardedDict(
  members: readonly (readonly [name: string, value: unknown])[],
  path: string,
  onUse: (field: string) => void
): Dict {
  const dict = new DictOfUntrustedKeys()
  for (const [name, member] of members) {
    if (isPlainWord(name)) dict.set(name, guarded(member, path === '' ? name : `${path}.${name}`, onUse))
    else {
      const field = `${path}[${shown(name)}]`
      const key = new UntrustedText(name, () => onUse(`a name in ${path}: ${shown(name)}`))
      dict.add(name, key, guarded(member, field, onUse))
    }
  }
  return dict
}

const SHOWN_CHARACTERS = 60

/** A name as a message can hold it. */
function shown(name: string): string {
  return JSON.stringify(name.length > SHOWN_CHARACTERS ? `${name.slice(0, SHOWN_CHARACTERS)}…` : name)
}
