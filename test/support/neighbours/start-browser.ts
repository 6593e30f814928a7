import { chromium, type BrowserContextOptions, type Page } from 'playwright-core'
import { eventually } from '../eventually.ts'

const ARGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync']
]

export interface RunningBrowser extends AsyncDisposable {
  open(url: string, options?: BrowserContextOptions): Promise<OpenPage>
}

/** A page in a profile of its own, and what the browser had to say against it. */
interface OpenPage extends AsyncDisposable {
  page: Page
  /** Errors of scripts and of the policy, and requests to anywhere but the origin of the page. */
  complaints: readonly string[]
}

/** Debian's Chromium, without a window, in a profile that goes away with it. */
export async function startBrowser(): Promise<RunningBrowser> {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGS })
  return {
    async open(url, options = {}) {
      const context = await browser.newContext(options)
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('pageerror', (error) => complaints.push(String(error)))
      page.on('console', (message) => {
        // An answer of 503 is one that the page is made for, and so is none at all.
        const expected = message.text().startsWith('Failed to load resource')
        if (message.type() === 'error' && !expected) complaints.push(message.text())
      })
      page.on('request', (request) => {
        if (new URL(request.url()).origin !== new URL(url).origin) complaints.push(`asked for ${request.url()}`)
      })
      await page.goto(url)
      return { page, complaints, [Symbol.asyncDispose]: () => context.close() }
    },
    [Symbol.asyncDispose]: () => browser.close()
  }
}

/** Waits until the page shows a text at a place. */
export async function shows(page: Page, selector: string, text: string, withinMs = 20_000): Promise<void> {
  await eventually(async () => {
    const found = await page.locator(selector).innerText()
    if (!found.includes(text)) throw new Error(`${selector} shows "${found}" and not "${text}"`)
    return true
  }, withinMs)
}
