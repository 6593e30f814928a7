/**
 * What the page of 20,000 pods costs a browser: the longest task while it opens, is searched and is left alone, and the bytes of
 * an idle minute. Run: npm run build && npx tsx test/bench/page.ts
 */
import { cpus, totalmem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { shows, startBrowser } from '../support/neighbours/start-browser.ts'
import { startService } from '../support/service/start-service.ts'

const [PODS, APPS, AT_ONCE] = [20_000, 100, 50]
const IDLE_MS = 60_000

/** What the browser itself calls a long task, of 50 ms and more. */
const WATCH = `
  globalThis.tasks = []
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration)))
    .observe({ type: 'longtask', buffered: true })`

await using service = await startService({ template: '# nothing', env: { KONTROL_DRY_RUN: 'on', KONTROL_TTL: '3600' } })
for (let first = 0; first < PODS; first += AT_ONCE) {
  const some = Array.from({ length: AT_ONCE }, (_, index) => first + index)
  await Promise.all(
    some.map((pod) =>
      service.ping(`10.0.${pod >> 8}.${pod & 255}`, { app: `app-${pod % APPS}`, payload: { zone: 'a' } })
    )
  )
}
const browser = await startBrowser()
const open = await browser.open('about:blank')
const { page } = open
try {
  await page.addInitScript(WATCH)
  const session = await page.context().newCDPSession(page)
  let bytes = 0
  session.on('Network.dataReceived', ({ encodedDataLength }) => (bytes += encodedDataLength))
  session.on('Network.responseReceived', ({ response }) => (bytes += response.encodedDataLength))
  await session.send('Network.enable')

  /** Longest of the tasks since the last look, and how much has come. */
  const row = async (what: string): Promise<object> => {
    const tasks = await page.evaluate<number[]>('tasks.splice(0)')
    const figures = { 'longest task, ms': Math.round(Math.max(0, ...tasks)), 'kB received': Math.round(bytes / 1000) }
    bytes = 0
    return { what, ...figures }
  }

  await page.goto(service.url)
  await shows(page, '#apps', 'app-99')
  await sleep(2_000)
  const rows = [await row('opened')]
  await page.locator('#apps summary', { hasText: 'app-50' }).click()
  await shows(page, '#app-app-50', '10.0.')
  await sleep(2_000)
  rows.push(await row('an app of 200 pods opened'))
  await page.getByLabel('Search').pressSequentially('10.0.7', { delay: 100 })
  await shows(page, '#apps', 'of 200 pods')
  await sleep(2_000)
  rows.push(await row('searched for'))
  await page.goto(service.url)
  await shows(page, '#apps', 'app-99')
  await sleep(2_000)
  await row('opened again')
  await sleep(IDLE_MS)
  rows.push(await row('an idle minute'))
  console.log(`${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${PODS} pods`)
  console.table(rows)
} finally {
  await open[Symbol.asyncDispose]()
  await browser[Symbol.asyncDispose]()
}
