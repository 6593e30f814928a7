import { counted } from './words.js'

/**
 * @typedef {{ pod: { app: string, ip: string, id: string }, reason: string }} PodEvent
 * @typedef {{ app: string, pods: readonly unknown[], reason: string }} PodsEvent
 * @typedef {{ state: string, running: boolean, outcome?: string }} StateEvent
 * @typedef {{ kind: string, record?: { name: string, type: string } }} DnsEvent
 */

/** @param {PodEvent} event */
const onePod = ({ pod: { app, ip, id }, reason }) => `${app} ${ip} ${id}: ${reason}`

/** @param {PodsEvent} event */
const manyPods = ({ app, pods, reason }) => `${app}: ${counted(pods.length, 'pod')} (${reason})`

/**
 * Each type with its words; nothing for what would only drown the rest.
 *
 * @type {Readonly<Record<string, (data: never) => string | undefined>>}
 */
const texts = {
  'pod-up': onePod,
  'pod-down': onePod,
  'pod-changed': (/** @type {Omit<PodEvent, 'reason'> & { fields: readonly string[] }} */ { pod, fields }) =>
    onePod({ pod, reason: `another ${fields.join(', ')}` }),
  'pods-held': manyPods,
  'pods-released': manyPods,
  leader: (/** @type {{ leading: boolean }} */ { leading }) =>
    leading ? 'this control tier leads' : 'another control tier leads',
  state: (/** @type {StateEvent} */ { state, running, outcome }) =>
    running ? undefined : `${state}: ${outcome ?? 'ended'}`,
  reconfigured: (/** @type {import('./rounds-view.js').Round} */ { outcome, error, cause }) =>
    `${outcome}${error === null ? '' : `, ${error.message}`}: ${cause}`,
  alarm: (/** @type {import('./control-tier.js').Problem} */ { code, message }) => `${code}: ${message}`,
  dns: (/** @type {DnsEvent} */ { kind, record }) => (record ? `${kind}: ${record.name} ${record.type}` : kind)
}

/** All that GET /api/v1/events may send. */
export const eventTypes = Object.keys(texts)

/**
 * @param {string} type
 * @param {unknown} data as docs/http-api.md has it
 */
export function eventText(type, data) {
  return texts[type]?.(/** @type {never} */ (data))
}
