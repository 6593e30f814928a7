import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { selfSigned } from '../support/certificates.ts'
import { renderJinja } from '../support/jinja/render-jinja.ts'
import type { Probe } from './client.ts'
import type { Oracle, Verdict } from './run.ts'

const folder = join(import.meta.dirname, 'corpus')

/** Whole configurations after what people run, as Jinja2 templates with a loop over `hosts.web`. */
export const CORPUS: readonly string[] = readdirSync(folder)
  .filter((name) => name.endsWith('.cfg.j2'))
  .map((name) => name.replace('.cfg.j2', ''))

/** Pods one after the other: what is there, one joins, one leaves, one takes the place of another, none is left, all come. */
const STEPS: readonly { name: string; pods: readonly number[] }[] = [
  { name: 'first', pods: [11, 12] },
  { name: 'join', pods: [11, 12, 13] },
  { name: 'leave', pods: [11, 13] },
  { name: 'swap', pods: [11, 14] },
  { name: 'last leaves', pods: [11] }
]

/** Files that templates name. */
const FILES: Readonly<Record<string, string>> = {
  'hosts.map': 'green.test green\nblue.test web\n',
  'blocked.acl': '127.251.3.0/24\n',
  'hello.lua':
    'core.register_service("hello", "http", function(applet)\n  applet:set_status(200)\n  applet:start_response()\n  applet:send("hello")\nend)\n',
  '503.http': 'HTTP/1.1 503 Sorry\r\ncontent-type: text/plain\r\ncontent-length: 5\r\nx-page: own\r\n\r\nsorry'
}

export async function writeCorpusFiles(to: string): Promise<void> {
  const { key, cert } = await selfSigned()
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(to, name), text)
  await writeFile(join(to, 'site.pem'), `${cert}${key}`)
  await writeFile(join(to, 'ca.pem'), cert)
  await writeFile(join(to, 'crt-list.txt'), `${join(to, 'site.pem')} [alpn h2,http/1.1] *.test\n`)
}

export interface CorpusStep extends Verdict {
  step: string
}

/** Why a pod that joined or left took a reload; empty when none did. */
export function reloadsOf(steps: readonly CorpusStep[]): string[] {
  const reloaded = steps.filter(({ step, outcome }) => step !== 'first' && outcome === 'reload')
  return [...new Set(reloaded.flatMap(({ reasons }) => reasons))]
}

/** Brings one configuration through all steps. */
export async function runCorpus(oracle: Oracle, name: string, files: string): Promise<CorpusStep[]> {
  const { prefix, bindPort, podPort } = oracle.place
  const template = readFileSync(join(folder, `${name}.cfg.j2`), 'utf8')
  const address = `${prefix}1.1`
  const steps: CorpusStep[] = []
  for (const { name: step, pods } of STEPS) {
    const text = renderJinja(template, {
      hosts: { web: pods.map((pod) => `${prefix}2.${pod}`) },
      ...{ address, folder: files, port: bindPort, tls_port: bindPort + 1, extra_port: bindPort + 2 },
      ...{ pod_port: podPort, agent_port: podPort + 1, sorry: `${prefix}2.99` }
    })
    steps.push({ step, ...(await oracle.compare(text, probes(address, bindPort))) })
  }
  return steps
}

function probes(host: string, port: number): Probe[] {
  const paths = ['/', '/api/x', '/write', '/adm', '/hello', '/closed', '/cgi-bin/x.pl', '/v1/a.css', '/haproxy-health']
  return [
    ...paths.map((path) => ({ host, port, path })),
    ...['api.test', 'green.test', 'wrong.test'].map((name) => ({ host, port, path: '/host', headers: { host: name } })),
    ...['/', '/adm'].map((path) => ({ host, port: port + 1, tls: true, path })),
    { host, port: port + 2, path: '/extra' },
    ...Array.from({ length: 12 }, (_, index) => ({
      ...{
        host,
        port,
        path: `/a${index}/b?user=u${index}`,
        headers: { 'x-user': `u${index}`, cookie: `SID=s${index}` }
      },
      from: `127.251.${index}.7`
    }))
  ]
}
