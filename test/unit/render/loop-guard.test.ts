import { describe, expect, it } from 'vitest'
import type { Problem } from '../../../src/errors.ts'
import { canonicalAddress, OwnServers } from '../../../src/haproxy/config/own-servers.ts'
import type { Pod } from '../../../src/model/pod.ts'
import { addressesOf, appPodsOf, podsOf, type Backends } from '../../../src/model/snapshot.ts'
import { LoopGuard } from '../../../src/render/pods/loop-guard.ts'
import { Renderer } from '../../../src/render/renderer.ts'
import { compileTemplate } from '../../../src/render/template.ts'
import { makePod } from '../../support/registry/make-pod.ts'
import { recordingLogger } from '../../support/test-logger.ts'

const TEMPLATE = `frontend f
  bind :80
  bind 127.0.0.1:8081
backend web
{% for ip in hosts.web %}  server w{{ loop.index }} {{ ip }}:80
{% endfor %}backend db
{% for pod in pods.db %}  server d{{ loop.index }} {{ pod.ip }}:{{ pod.payload.port }}
{% endfor %}`
const CHAIN = 'backend chain\n  server chain 127.0.0.1:8081\n'

const backends = (pods: Pod[]): Backends =>
  new Map(['db', 'web'].map((app) => [app, appPodsOf(pods.filter((pod) => pod.app === app))]))

function guarded(template: string, known: Backends = backends([])) {
  const told: Problem[] = []
  const { logger, lines } = recordingLogger()
  const ownServers = new OwnServers(8000)
  const guard = new LoopGuard({
    makeRenderer: (filtered) =>
      new Renderer({
        source: () => template,
        compile: compileTemplate,
        known: filtered,
        constants: { namespace: 'default', labels: {}, env: {} }
      }),
    known: { hosts: () => addressesOf(known), pods: () => podsOf(known) },
    ownServers: (text) => ownServers.of(text, (address) => ['127.0.0.1', '10.0.0.9', '2001:db8::9'].includes(address)),
    canonical: canonicalAddress,
    logger,
    onAlarm: (problem) => void told.push(problem)
  })
  const servers = async (input: string | Backends): Promise<string[]> => {
    const { text, loops } = await guard.render(input)
    guard.tell(loops)
    return [...text.matchAll(/server \S+ (\S+)/g)].map(([, target = '']) => target)
  }
  return { servers, told, lines }
}

const web = (seq: number, ip: string): Pod => makePod(seq, { ip })
const db = (seq: number, ip: string, port: number): Pod => makePod(seq, { app: 'db', ip, payload: { port } })

describe('a pod at an address on which HAProxy listens', () => {
  it('is left out and told once, and the others are served', async () => {
    const { servers, told, lines } = guarded(TEMPLATE)
    const pods = [web(0, '10.0.0.1'), web(1, '10.0.0.9'), web(2, '::ffff:10.0.0.9'), db(3, '10.0.0.2', 80)]

    expect(await servers(backends(pods))).toEqual(['10.0.0.1:80', '10.0.0.2:80'])
    expect(await servers(backends(pods))).toEqual(['10.0.0.1:80', '10.0.0.2:80'])
    expect(told).toEqual([expect.objectContaining({ code: 'KTL_POD_IS_PROXY' })])
    expect(told[0]?.message).toContain('10.0.0.9')
    expect(await servers(backends(pods.slice(0, 1)))).toEqual(['10.0.0.1:80'])
    expect(lines.map(({ msg }) => msg)).toEqual(['pod left out', 'pods no longer left out'])
  })

  it('stays where HAProxy does not listen on its port', async () => {
    const { servers, told } = guarded(TEMPLATE)

    expect(await servers(backends([db(0, '10.0.0.9', 5432), db(1, '127.0.0.1', 81)]))).toEqual([
      '10.0.0.9:5432',
      '127.0.0.1:81'
    ])
    expect(told).toEqual([])
  })

  it('does not take with it a server by which the template itself chains frontends', async () => {
    const { servers, told } = guarded(TEMPLATE + CHAIN)

    expect(await servers(backends([]))).toEqual(['127.0.0.1:8081'])
    expect(await servers(backends([db(0, '127.0.0.1', 81)]))).toEqual(['127.0.0.1:81', '127.0.0.1:8081'])
    expect(told).toEqual([])
    expect(await servers(backends([web(0, '10.0.0.9'), db(1, '127.0.0.1', 81)]))).toEqual([
      '127.0.0.1:81',
      '127.0.0.1:8081'
    ])
    expect(told).toHaveLength(1)
  })

  it('is left out beside a server of the template at the same address, and at the same port', async () => {
    const { servers, told } = guarded(TEMPLATE + CHAIN)

    expect(await servers(backends([db(0, '127.0.0.1', 80), db(1, '10.0.0.2', 80)]))).toEqual([
      '10.0.0.2:80',
      '127.0.0.1:8081'
    ])
    expect(await servers(backends([db(0, '127.0.0.1', 8081)]))).toEqual(['127.0.0.1:8081'])
    expect(told).toHaveLength(1)
  })

  it('is left out where its address and its payload together are another one', async () => {
    const { servers, told } = guarded(TEMPLATE + CHAIN)
    const glued = makePod(0, { app: 'db', ip: '2001:db8::0', payload: { port: '9:80' } })
    const numbered = makePod(1, { app: 'db', ip: '10.0.0.9', payload: { port: '80x' } })

    expect(await servers(backends([glued, numbered, db(2, '10.0.0.2', 80), db(3, '2001:db8::1', 80)]))).toEqual([
      '10.0.0.2:80',
      '2001:db8::1:80',
      '127.0.0.1:8081'
    ])
    expect(told.map(({ message }) => message.slice(0, 31))).toEqual([
      expect.stringContaining('2001:db8::') as string,
      expect.stringContaining('10.0.0.9') as string
    ])
  })

  it('does not take with it a server that the template has only beside pods', async () => {
    const { servers, told } = guarded(`${TEMPLATE}{% if pods.db %}${CHAIN}{% endif %}`)

    expect(await servers(backends([db(0, '10.0.0.2', 80)]))).toEqual(['10.0.0.2:80', '127.0.0.1:8081'])
    expect(told).toEqual([])
  })

  it('is left out of hosts that another master sends, and of those that are known', async () => {
    const { servers } = guarded(TEMPLATE, backends([web(0, '10.0.0.1'), web(1, '10.0.0.9')]))

    expect(await servers('')).toEqual(['10.0.0.1:80'])
    expect(await servers('{"web": ["10.0.0.9", "10.0.0.3"]}')).toEqual(['10.0.0.3:80'])
  })
})
