import { setTimeout as sleep } from 'node:timers/promises'
import { shows, startBrowser } from '../../support/neighbours/start-browser.ts'
import { announce } from '../../support/load/known-pods.ts'
import { startService } from '../../support/service/start-service.ts'
import type { Options, Table } from '../table.ts'

const [WHOLE, QUICK] = [
  { pods: 20_000, idleSeconds: 20 },
  { pods: 200, idleSeconds: 1 }
]
const APPS = 100

/** What the browser itself calls a long task, of 50 ms and more. */
const WATCH = `
  globalThis.tasks = []
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ type: 'longtask', buffered: true })`

/** What the page of a large fleet costs a browser. */
export async function page({ quick }: Options): Promise<Table[]> {
  const { pods, idleSeconds } = quick ? QUICK : WHOLE
  await using service = await startService({
    template: '# nothing',
    env: { KONTROL_DRY_RUN: 'on', KONTROL_TTL: '3600' }
  })
  await announce(service.url, pods, APPS)
  await using browser = await startBrowser()
  await using open = await browser.open('about:blank')
  const { page: tab } = open
  await tab.addInitScript(WATCH)
  const session = await tab.context().newCDPSession(tab)
  let bytes = 0
  session.on('Network.dataReceived', ({ encodedDataLength }) => (bytes += encodedDataLength))
  session.on('Network.responseReceived', ({ response }) => (bytes += response.encodedDataLength))
  await session.send('Network.enable')

  /** Longest of the tasks since the last look, and how much has come. */
  const row = async (what: string): Promise<(string | number)[]> => {
    const tasks = await tab.evaluate<number[]>('tasks.splice(0)')
    const cells = [what, Math.round(Math.max(0, ...tasks)) || 'none', Math.round(bytes / 1000)]
    bytes = 0
    return cells
  }
  const last = `app-${APPS - 1}`
  await tab.goto(service.url)
  await shows(tab, '#apps', last)
  await sleep(2_000)
  const rows = [await row('opened')]
  await tab.locator('#apps summary', { hasText: 'app-50' }).click()
  await shows(tab, '#app-app-50', '10.0.')
  await sleep(2_000)
  rows.push(await row(`an app of ${pods / APPS} pods opened`))
  await tab.getByLabel('Search').pressSequentially('10.0.0.1', { delay: 100 })
  await shows(tab, '#apps', `of ${pods / APPS} pods`)
  await sleep(2_000)
  rows.push(await row('searched for'))
  await tab.goto(service.url)
  await shows(tab, '#apps', last)
  await sleep(2_000)
  await row('opened again')
  await sleep(idleSeconds * 1_000)
  rows.push(await row(`${idleSeconds} s left alone`))
  return [
    {
      title: `The page of ${pods.toLocaleString('en-US')} pods`,
      text: `What it costs a browser (Chromium, on the same machine): the longest task, of those of 50 ms and more, and what
was received.`,
      columns: ['what', 'longest task, ms', 'kB received'],
      rows
    }
  ]
}
