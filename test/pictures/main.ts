/**
 * Makes the pictures in docs/images from the real page: a control tier, an HAProxy and web servers with traffic, a template that
 * was broken and mended, and a pod that joins. Takes two minutes, as the page shows the minutes before. Run: npm run pictures
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startBackend } from '../support/haproxy/start-backend.ts'
import { startLoad } from '../support/load/steady-load.ts'
import { shows, startBrowser } from '../support/neighbours/start-browser.ts'
import { startService } from '../support/service/start-service.ts'
import { tempDir } from '../support/temp-dir.ts'

const IMAGES = join(import.meta.dirname, '../../docs/images')
const WIDTHS = [360, 768, 1280, 2560]
const [FIRST_MS, BETWEEN_MS] = [40_000, 25_000]
const PROXY = '127.0.0.41'
const WEB = ['127.0.0.42', '127.0.0.43', '127.0.0.44', '127.0.0.45']
const API = ['127.0.0.51', '127.0.0.52']
const NEWCOMER = '127.0.0.46'

const templateOf = (port: number): string => `defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s

frontend proxy
  bind ${PROXY}:8080
  use_backend api if { path_beg /api }
  default_backend web
{% for app in ['web', 'api'] %}
backend {{ app }}
  balance leastconn
  option httpchk GET /health
{%- for ip in hosts[app] %}
  server {{ app }}-{{ loop.index }} {{ ip }}:${port} check
{%- endfor %}
{% endfor %}`

await mkdir(IMAGES, { recursive: true })
await using dir = await tempDir()
const port = await freePort('0.0.0.0')
const template = dir.file('haproxy.cfg.j2')
writeFileSync(template, templateOf(port))
const backends = await Promise.all([...WEB, ...API, NEWCOMER].map((ip) => startBackend(ip, port)))
await using service = await startService({
  env: { KONTROL_CONFIG_FILE: template, KONTROL_TTL: '600', KONTROL_ID: 'haproxy-1' }
})
await service.ready()
const report = async (app: string, ip: string): Promise<unknown> =>
  await service.ping(ip, { app, id: `${app}-${ip.split('.').at(-1)}`, payload: { zone: 'a' } })
for (const ip of WEB.slice(0, 3)) await report('web', ip)
for (const ip of API) await report('api', ip)
await eventually(async () => (await fetch(`http://${PROXY}:8080/`)).ok && (await fetch(`http://${PROXY}:8080/api`)).ok)

const loads = [startLoad(PROXY, 8080, { pauseMs: 8 })]
await sleep(FIRST_MS)
await report('web', WEB[3] ?? '')
await sleep(BETWEEN_MS)
loads.push(startLoad(PROXY, 8080, { pauseMs: 8 }))
await sleep(BETWEEN_MS)
const good = readFileSync(template, 'utf8')
writeFileSync(template, good.replace('balance leastconn', 'balance lestconn'))
await eventually(async () => (await service.get('/readyz')).status === 503)
const browser = await startBrowser()
try {
  await pictureOfWrongTemplate()
  writeFileSync(template, good)
  await service.ready()
  await sleep(BETWEEN_MS)
  await picturesOfThePage()
  await pictureOfAJoin()
} finally {
  await browser[Symbol.asyncDispose]()
  for (const load of loads) await load[Symbol.asyncDispose]()
  for (const backend of backends) await backend[Symbol.asyncDispose]()
}

async function pictureOfWrongTemplate(): Promise<void> {
  await using open = await browser.open(service.url, { viewport: { width: 1280, height: 560 } })
  await shows(open.page, '#findings', 'What to do')
  await drawn(open.page)
  await open.page.screenshot({ path: join(IMAGES, 'wrong-template.png') })
}

/** As an operator finds it, at each width, and once in the dark. */
async function picturesOfThePage(): Promise<void> {
  const looks = [
    ...WIDTHS.map((width) => ({ name: `page-${width}`, width, colorScheme: 'light' as const })),
    { name: 'page-dark', width: 1280, colorScheme: 'dark' as const }
  ]
  for (const { name, width, colorScheme } of looks) {
    const viewport = { width, height: Math.min(1250, Math.max(900, width)) }
    await using open = await browser.open(`${service.url}/?proxy=backend-web`, { viewport, colorScheme })
    await shows(open.page, '#sentence', 'All is well.')
    await shows(open.page, '#backend-web', WEB[3] ?? '')
    await drawn(open.page)
    await open.page.screenshot({ path: join(IMAGES, `${name}.png`) })
  }
}

/** Three moments, one below the other. */
async function pictureOfAJoin(): Promise<void> {
  await using open = await browser.open(`${service.url}/?app=web`, { viewport: { width: 1000, height: 1000 } })
  const { page } = open
  await shows(page, '#apps', WEB[3] ?? '')
  const moments = [{ words: 'Four pods of the app web, each with its server', picture: await part(page) }]
  const [sent] = [performance.now(), await report('web', NEWCOMER)]
  const haproxy = async (): Promise<string> => (await service.get(`/api/v1/haproxy?ip=${NEWCOMER}`)).body
  await eventually(async () => (await haproxy()).includes('"status":"UP'))
  const ms = Math.round(performance.now() - sent)
  await shows(page, '#apps', NEWCOMER)
  await shows(page, '#reconfigurations', NEWCOMER)
  await drawn(page)
  moments.push(
    { words: `A keepalive of web-46 later (${ms} ms): its server is UP`, picture: await part(page) },
    {
      words: 'What was done, and why: without a reload',
      picture: await newestReconfiguration(page)
    }
  )
  const figures = moments.map(
    ({ words, picture }) =>
      `<figure><figcaption>${words}</figcaption><img src="data:image/png;base64,${picture.toString('base64')}"></figure>`
  )
  // The page's own policy lets nobody write into it.
  await using sheet = await browser.open('about:blank', { viewport: { width: 1000, height: 700 } })
  await sheet.page.setContent(
    `<style>figure{margin:1rem}figcaption{font:600 16px system-ui,'DejaVu Sans',sans-serif;margin-bottom:.4rem}</style>${figures.join('')}`
  )
  await sheet.page.screenshot({ path: join(IMAGES, 'join.png'), fullPage: true })
}

async function newestReconfiguration(page: Page): Promise<Buffer> {
  await page.evaluate(
    "document.querySelectorAll('#reconfigurations tbody tr:nth-child(n + 2)').forEach((row) => row.remove())"
  )
  return await page.locator('#reconfigurations').screenshot()
}

async function part(page: Page): Promise<Buffer> {
  return await page.locator('#pods').screenshot()
}

/** Charts are drawn a frame after their figures came. */
async function drawn(page: Page): Promise<void> {
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
}
