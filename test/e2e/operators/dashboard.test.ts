import { readFileSync, writeFileSync } from 'node:fs'
import axe, { type AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { httpSample } from '../../support/haproxy/sample-template.ts'
import { startBackend } from '../../support/haproxy/start-backend.ts'
import { shows, startBrowser, type RunningBrowser } from '../../support/neighbours/start-browser.ts'
import { startService, type RunningService } from '../../support/service/start-service.ts'
import { tempDir, type TempDir } from '../../support/temp-dir.ts'

const PHONE = { width: 360, height: 740 }

let browser: RunningBrowser
beforeAll(async () => {
  browser = await startBrowser()
})
afterAll(() => browser[Symbol.asyncDispose]())

/** Opens all that can be opened. */
const openAll = (page: Page): Promise<void> =>
  page.evaluate("document.querySelectorAll('details:not([open]) > summary').forEach((summary) => summary.click())")

/** How much wider the page is than the window. */
const overflow = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')

/** What is wrong by the rules of WCAG 2.2 A and AA, and by good practice. */
async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<AxeResults>('axe.run()')
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
}

describe('the dashboard of a proxy', () => {
  let dir: TempDir
  let template: string
  let backend: Awaited<ReturnType<typeof startBackend>>
  let service: RunningService
  let ports: { proxy: number; stats: number; backend: number }

  beforeAll(async () => {
    dir = await tempDir()
    template = dir.file('template.j2')
    ports = { proxy: await freePort(), stats: await freePort(), backend: await freePort('0.0.0.0') }
    backend = await startBackend('127.0.0.2', ports.backend)
    writeFileSync(template, httpSample(ports))
    service = await startService({ env: { KONTROL_CONFIG_FILE: template, KONTROL_TTL: '600', KONTROL_DAMPER: '0.1' } })
    await service.ready()
    await service.ping(backend.ip)
  })

  afterAll(async () => {
    await service[Symbol.asyncDispose]()
    await backend[Symbol.asyncDispose]()
    await dir[Symbol.asyncDispose]()
  })

  it('says that all is well, and names the process and the version of HAProxy', async () => {
    await using open = await browser.open(service.url)
    const { version } = await service.json<{ version: string }>('/api/v1/haproxy')

    await shows(open.page, '#sentence', 'All is well.')
    await shows(open.page, 'header', `of the app haproxy, HAProxy ${version}`)
    await shows(open.page, '#dns-note', 'Not used')
    expect(open.complaints).toEqual([])
  })

  it('shows a pod that joins, its server and its round, and no more when it leaves, without a reload', async () => {
    await using open = await browser.open(service.url)
    const { page } = open
    await shows(page, '#apps', 'web 1 pod')
    await page.locator('#apps summary', { hasText: 'web' }).click()

    await service.ping('127.0.0.9', { id: 'newcomer' })

    await shows(page, '#apps', 'newcomer')
    await shows(page, '#backends', '2 servers')
    await shows(page, '#reconfigurations', 'pod-up web 127.0.0.9 (new)')
    await shows(page, '#events', 'web 127.0.0.9 newcomer: new')

    await service.ping('127.0.0.9', { id: 'newcomer', down: true })

    await eventually(async () => !(await page.locator('#apps').innerText()).includes('newcomer'))
    await shows(page, '#apps', 'web 1 pod')
    await shows(page, '#events', 'web 127.0.0.9 newcomer: down')
    expect(open.complaints).toEqual([])
  })

  it('shows what pods say as text, whatever it is', async () => {
    const payload = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    await service.ping('127.0.0.10', { app: 'sly', payload })
    await using open = await browser.open(service.url)
    await shows(open.page, '#apps', 'sly')
    await open.page.locator('#apps summary', { hasText: 'sly' }).click()

    await shows(open.page, '#apps', payload)

    expect(await open.page.locator('main img, main script').count()).toBe(0)
    expect(open.complaints).toEqual([])
    await service.ping('127.0.0.10', { app: 'sly', payload, down: true })
  })

  it('finds pods by what is typed, and shows 200 of many', async () => {
    const pods = Array.from({ length: 230 }, (_, index) => `10.7.0.${index}`)
    for (const ip of pods) await service.ping(ip, { app: 'many', id: `many-${ip}` })
    await using open = await browser.open(service.url)
    const { page } = open
    await shows(page, '#apps', 'many 230 pods')

    await page.locator('#apps summary', { hasText: 'many' }).click()

    await shows(page, '#apps', 'and 30 more pods')
    expect(await page.locator('#apps tbody tr').count()).toBe(200)

    await page.getByLabel('Search').fill('10.7.0.22')

    await shows(page, '#apps', 'many 11 of 230 pods')
    // They come with an answer of their own.
    await eventually(async () => (await page.locator('#apps tbody tr').count()) === 11)
    for (const ip of pods) await service.ping(ip, { app: 'many', id: `many-${ip}`, down: true })
  })

  it('shows what is wrong with a template and what to do, and that it was mended', async () => {
    await using open = await browser.open(service.url)
    const good = readFileSync(template, 'utf8')
    await shows(open.page, '#sentence', 'All is well.')

    writeFileSync(template, `${good}\nbackend broken\n  mod http\n`)

    await shows(open.page, '#sentence', 'Not ready: one thing is wrong.')
    await shows(open.page, '#findings', "unknown keyword 'mod'")
    await shows(open.page, '#findings', 'What to do: Correct the template at the lines named')
    await shows(open.page, '#reconfigurations', 'failed')
    expect(await open.page.title()).toMatch(/^Not ready, /)

    writeFileSync(template, good)

    await shows(open.page, '#sentence', 'All is well.')
    expect(open.complaints).toEqual([])
  })

  it('says that it is not connected when the control tier is killed, and recovers when it is back', async () => {
    await using open = await browser.open(service.url)
    await shows(open.page, '#sentence', 'All is well.')
    await shows(open.page, '#apps', 'web 1 pod')

    await service.kill('SIGKILL')

    await shows(open.page, '#sentence', 'Not connected to the control tier.')
    await shows(open.page, '#connection', 'last seen ')
    await shows(open.page, '#apps', 'web 1 pod')

    await service.start()
    await service.ready()

    await shows(open.page, '#sentence', 'All is well.')
    await shows(open.page, '#events', 'listens again')
    await service.ping('127.0.0.12', { app: 'late' })
    await shows(open.page, '#apps', 'late 1 pod')
    await shows(open.page, '#events', 'late 127.0.0.12')
    await service.ping('127.0.0.12', { app: 'late', down: true })
    expect(open.complaints).toEqual([])
  })

  it('is connected again soon after a control tier that stood still goes on', async () => {
    await using open = await browser.open(service.url)
    await shows(open.page, '#sentence', 'All is well.')
    process.kill(service.pid ?? 0, 'SIGSTOP')
    try {
      await shows(open.page, '#sentence', 'Not connected to the control tier.', 40_000)
    } finally {
      process.kill(service.pid ?? 0, 'SIGCONT')
    }

    await shows(open.page, '#sentence', 'All is well.')
    expect(open.complaints).toEqual([])
  })

  it('is worked with the keyboard, and what is open stays open and focused when it changes', async () => {
    await using open = await browser.open(service.url)
    const { page } = open
    await shows(page, '#apps', 'web 1 pod')

    await page.getByLabel('Search').focus()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await service.ping('127.0.0.13', { app: 'another' })
    await shows(page, '#apps', 'another 1 pod')

    const focused = page.locator('summary:focus')
    expect(await focused.innerText()).toMatch(/^web 1 pod/)
    expect(await page.locator('#apps details[open] table').count()).toBe(1)
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
    await service.ping('127.0.0.13', { app: 'another', down: true })
  })

  it.each([
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['forced', { forcedColors: 'active' }]
  ] as const)('is accessible with everything open, in %s colours', async (_colours, options) => {
    await using open = await browser.open(service.url, options)
    await shows(open.page, '#apps', 'web 1 pod')
    await shows(open.page, '#reconfigurations', 'pod-up')
    await openAll(open.page)
    await shows(open.page, '#configuration', 'server ')

    expect(await accessibilityProblems(open.page)).toEqual([])
  })

  it('fits a phone, with everything open', async () => {
    await using open = await browser.open(service.url, { viewport: PHONE })
    await shows(open.page, '#apps', 'web 1 pod')
    // With its answer come the folds of the configuration.
    await shows(open.page, '#reconfigurations', 'pod-up')
    await openAll(open.page)
    await shows(open.page, '#configuration', 'server ')

    expect(await overflow(open.page)).toBe(0)
  })

  it('shows what was opened in the moment in which it was drawn', async () => {
    await using open = await browser.open(service.url)
    // The browser tells of it some tasks later: here that comes at once, before the page has had a frame.
    await open.page.addInitScript(`
      addEventListener('toggle', (event) => event.isTrusted && event.stopImmediatePropagation(), true)
      new MutationObserver(() => {
        for (const fold of document.querySelectorAll('#configuration details:not([data-opened])')) {
          fold.dataset.opened = 'yes'
          fold.open = true
          fold.dispatchEvent(new Event('toggle'))
        }
      }).observe(document, { childList: true, subtree: true })`)
    await open.page.reload()

    await shows(open.page, '#configuration', 'server ')
    await shows(open.page, '#configuration', 'They are the same.')
    expect(new URL(open.page.url()).searchParams.get('config')?.split(',').sort()).toEqual([
      'candidate',
      'diff',
      'running'
    ])
  })

  it('shows what goes through HAProxy, and marks reconfigurations on its axis', async () => {
    await using open = await browser.open(service.url)
    const { page } = open
    await shows(page, '#frontends', 'proxy')

    await eventually(async () => {
      // A connection each: this frontend counts no requests, and what came before the first look has no rate.
      await (await fetch(`http://127.0.0.1:${ports.proxy}/`, { headers: { connection: 'close' } })).text()
      const { proxies } = await service.json<{ proxies: { name: string; requests: (number | null)[] }[] }>(
        '/api/v1/traffic'
      )
      const seen = proxies.find(({ name }) => name === 'proxy')?.requests.map((rate) => (rate ?? 0) > 0)
      return seen?.includes(true)
    }, 20_000)

    await shows(page, '#haproxy figcaption', 'requests a second')
    await page.locator('#backends summary', { hasText: 'http' }).click()
    await shows(page, '#backend-http', '127.0.0.2')
    expect(await page.locator('#backend-http canvas').count()).toBe(2)
    expect(new URL(page.url()).searchParams.get('proxy')).toBe('backend-http')
    expect(open.complaints).toEqual([])
  })

  it('takes a server out of service and back, once that is confirmed', async () => {
    await using open = await browser.open(`${service.url}/?proxy=backend-http`)
    const { page } = open
    await shows(page, '#backend-http', '127.0.0.2')

    await page.getByRole('button', { name: 'Maintenance' }).first().click()
    await page.getByRole('button', { name: 'Yes, maintenance' }).first().click()

    await shows(page, '#backend-http .scroll', 'MAINT')
    await shows(page, '#sentence', 'Clients get errors: the backend http has no server that takes requests.')
    expect((await fetch(`http://127.0.0.1:${ports.proxy}/`)).status).toBe(503)

    await page.getByRole('button', { name: 'Ready', exact: true }).first().click()
    await page.getByRole('button', { name: 'Yes, ready' }).first().click()

    await shows(page, '#sentence', 'All is well.')
    expect((await fetch(`http://127.0.0.1:${ports.proxy}/`)).status).toBe(200)
    expect(open.complaints).toEqual([])
  })

  it('says that clients get errors when the last pod of a backend has gone', async () => {
    await using open = await browser.open(service.url)
    await shows(open.page, '#sentence', 'All is well.')

    await service.ping(backend.ip, { down: true })

    await shows(open.page, '#sentence', 'Clients get errors: the backend http has no server')
    await shows(open.page, '#events', 'http has no server that takes requests')
    expect((await fetch(`http://127.0.0.1:${ports.proxy}/`)).status).toBe(503)
    await service.ping(backend.ip)
    await shows(open.page, '#sentence', 'All is well.')
  })

  it('renders again, compares what runs with what is wanted, and shows the way through the life cycle', async () => {
    await using open = await browser.open(`${service.url}/?config=diff`)
    const { page } = open
    await shows(page, '#configuration', 'They are the same.')
    expect(await page.locator('#lifecycle svg').getAttribute('aria-label')).toContain('Now in idle')

    await page.getByRole('button', { name: 'Render again' }).click()
    await page.getByRole('button', { name: 'Yes, render again' }).click()

    await shows(page, '#lifecycle .action >> nth=0', 'Done.')
    const good = readFileSync(template, 'utf8')
    writeFileSync(template, `${good}\nbackend broken\n  mod http\n`)
    await shows(page, '#configuration .sides', 'backend broken')
    await shows(page, '#sentence', 'Not ready: one thing is wrong.')
    writeFileSync(template, good)
    await shows(page, '#sentence', 'All is well.')
    expect(open.complaints).toEqual([])
  })

  it('leads to what it shows when there is no JavaScript', async () => {
    await using open = await browser.open(service.url, { javaScriptEnabled: false })

    const anchors = await open.page.locator('noscript a').all()
    const links = await Promise.all(anchors.map((anchor) => anchor.getAttribute('href')))

    expect(links).toContain('readyz')
    for (const link of links) expect((await service.get(`/${link}`)).status).toBe(200)
  })
})

describe('the dashboard of a process that is a slave and nothing else', () => {
  it('says so, and has no sections of what is not there', async () => {
    await using service = await startService({
      env: {
        KONTROL_MODE: 'slave',
        KONTROL_ANNOTATIONS: JSON.stringify({ 'kontrol.unity3d.com/master': '127.0.0.1:9' }),
        KONTROL_IP: '127.0.0.11'
      }
    })
    await using open = await browser.open(service.url)

    await shows(open.page, '#sentence', 'This process reports a pod')
    // Which has an answer of its own.
    await open.page.locator('main section:visible h2', { hasText: 'DNS' }).waitFor()

    const visible = await open.page.locator('main section:visible h2').allInnerTexts()
    expect(visible).toEqual(['Is all well?', 'DNS', 'Events'])
    expect(open.complaints).toEqual([])
  })
})
