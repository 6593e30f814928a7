import { levelOf } from './haproxy-view.js'
import { counted, grouped } from './words.js'

/**
 * The last bodies, of those routes that this process has.
 *
 * @typedef {object} Latest
 * @property {import('./control-tier.js').Readiness} [ready]
 * @property {{ pods: import('./pods-view.js').Pod[] } | undefined} [pods]
 * @property {import('./haproxy-view.js').Haproxy | undefined} [haproxy]
 * @property {{ reconfigurations: import('./rounds-view.js').Round[] } | undefined} [rounds]
 * @property {import('./lifecycle-view.js').Lifecycle | undefined} [lifecycle]
 * @property {import('./dns-view.js').Dns | undefined} [dns]
 *
 * @typedef {import('./control-tier.js').Problem} Problem
 */

/**
 * What does not make a process unready, and yet an operator should know.
 *
 * @param {Latest} latest
 * @returns {Problem[]}
 */
export function noticesOf({ pods, haproxy, dns }) {
  return [...heldPods(pods?.pods ?? []), ...downServers(haproxy), ...dnsErrors(dns)]
}

/**
 * @param {readonly import('./pods-view.js').Pod[]} pods
 * @returns {Problem[]}
 */
function heldPods(pods) {
  const held = pods.filter((pod) => pod.held)
  if (held.length === 0) return []
  const apps = [...new Set(held.map(({ app }) => app))]
  return [
    {
      code: 'pods-held',
      message: `${counted(held.length, 'pod')} of ${listed(apps)} ${held.length === 1 ? 'is' : 'are'} held, having fallen silent together.`,
      hint: "HAProxy's own checks decide meanwhile. Look at the network between the pods and this control tier."
    }
  ]
}

/**
 * @param {import('./haproxy-view.js').Haproxy | undefined} haproxy
 * @returns {Problem[]}
 */
function downServers(haproxy) {
  const { all, down } = countServers(haproxy)
  if (down === 0 || haproxy === undefined) return []
  const names = haproxy.proxies.flatMap((proxy) =>
    proxy.servers.filter(isDown).map(({ name }) => `${proxy.name}/${name}`)
  )
  return [
    {
      code: 'servers-down',
      message: `${grouped(down)} of ${counted(all, 'server')} ${down === 1 ? 'is' : 'are'} down for HAProxy: ${listed(names)}.`,
      hint: 'The checks of HAProxy fail although the pods report themselves. Look at these pods.'
    }
  ]
}

/** @param {import('./haproxy-view.js').Haproxy | undefined} haproxy */
export function countServers(haproxy) {
  const servers = haproxy?.proxies.flatMap((proxy) => proxy.servers) ?? []
  return { all: servers.length, down: servers.filter(isDown).length }
}

/** @param {{ status: string }} server */
const isDown = ({ status }) => levelOf(status) === 'bad'

/**
 * @param {import('./dns-view.js').Dns | undefined} dns
 * @returns {Problem[]}
 */
function dnsErrors(dns) {
  return (dns?.records ?? []).flatMap(({ name, type, lastError }) =>
    lastError === undefined ? [] : { ...lastError, message: `DNS record ${name} ${type}: ${lastError.message}` }
  )
}

/** @param {readonly string[]} names */
function listed(names) {
  const more = names.length - 3
  return names.slice(0, 3).join(', ') + (more > 0 ? ` and ${grouped(more)} more` : '')
}
