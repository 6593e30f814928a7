import { KontrolError, messageOf } from '../../errors.ts'
import { parseJson } from './json.ts'
import { parseKeepalive } from '../keepalive.ts'
import { podOf, type Pod } from '../pod.ts'

/**
 * Reads pods by app, as a template sees them, of what `kontrol pods --json` or
 * GET /api/v1/pods gives. A pod is checked as its keepalive is; its order and
 * its times may be left out.
 *
 * @throws KontrolError KTL_REQUEST_INVALID naming the pod
 */
export function parsePods(json: string): ReadonlyMap<string, readonly Pod[]> {
  const pods = listIn(json)
    .map(podFrom)
    .sort((one, other) => one.seq - other.seq)
  const apps = [...new Set(pods.map(({ app }) => app))].sort()
  return new Map(apps.map((app) => [app, pods.filter((pod) => pod.app === app)]))
}

function listIn(json: string): unknown[] {
  const whole = read(json)
  const list = typeof whole === 'object' && whole !== null && 'pods' in whole ? whole.pods : whole
  if (!Array.isArray(list)) throw invalid('expected a list of pods')
  return list
}

function read(json: string): unknown {
  try {
    return parseJson(json)
  } catch (cause) {
    throw invalid(`not JSON: ${messageOf(cause)}`)
  }
}

function podFrom(value: unknown, index: number): Pod {
  try {
    const { nonce, ...said } = value as Record<string, unknown>
    const pod = parseKeepalive({ ...said, ...(typeof nonce === 'string' && { nonce }) }, (problem) => {
      throw new Error(problem)
    })
    const { seq = index, firstSeen = 0 } = said
    return podOf(pod, {
      firstSeen: typeof firstSeen === 'string' ? Date.parse(firstSeen) : Number(firstSeen),
      seq: Number(seq)
    })
  } catch (error) {
    throw invalid(`number ${index + 1} of the list: ${messageOf(error)}`)
  }
}

function invalid(found: string): KontrolError {
  return new KontrolError('KTL_REQUEST_INVALID', `Invalid pods: ${found}`, {
    hint: 'Give a list of pods, each with "app", "id", "ip", "key" and "role", as "kontrol pods --json" prints it.'
  })
}
