import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HttpBackend } from './http-backend.ts'

const samples = join(import.meta.dirname, '../../../lifecycle/samples')

/** The sample of the original README, on other ports. */
export function httpSample({ proxy, stats, backend }: { proxy: number; stats: number; backend: number }): string {
  return readSample('http.cfg.j2')
    .replace('*:80', `127.0.0.1:${proxy}`)
    .replace(':1936', `127.0.0.1:${stats}`)
    .replace('{{ip}}:80', `{{ip}}:${backend}`)
}

export const readSample = (name: 'http.cfg.j2' | 'zookeeper.cfg.j2'): string =>
  readFileSync(join(samples, name), 'utf8')

/** A frontend at port 8080 of an address, before the pods of web; another `maxconn` takes a reload. */
export const webTemplate = (address: string, port: number, maxconn: number): string => `
frontend proxy
  bind ${address}:8080
  mode http
  maxconn ${maxconn}
  default_backend web
backend web
  mode http
{%- for ip in hosts.web %}
  server s{{ loop.index }} {{ ip }}:${port}
{%- endfor %}
`

/** A frontend at port 8080 of an address, before pods by their number, as rendered. */
export const webProxy = (address: string, pods: readonly HttpBackend[], extra = ''): string => `
frontend proxy
  bind ${address}:8080
  ${extra}
  mode http
  default_backend web
backend web
  mode http
${pods.map(({ host, port }, index) => `  server s${index} ${host}:${port}`).join('\n')}
`
