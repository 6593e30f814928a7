import { KontrolError } from '../errors.ts'

/** What HAProxy is given. It needs minutes for more, and a line that it takes has 64 words. */
const textLimits = { characters: 6 * 1024 * 1024, lines: 200_000, lineLength: 16 * 1024 } as const

/** @throws KontrolError KTL_TEMPLATE_LIMIT when a configuration is larger than any that is applied */
export function refuseLargeText(text: string): void {
  if (text.length > textLimits.characters) throw tooLarge('more than 6 MiB')
  let lines = 0
  for (let from = 0; from <= text.length;) {
    if (++lines > textLimits.lines) throw tooLarge(`more than ${textLimits.lines.toLocaleString('en-US')} lines`)
    const end = text.indexOf('\n', from)
    const to = end === -1 ? text.length : end
    if (to - from > textLimits.lineLength) throw tooLarge(`more than 16 KiB in its line ${lines}`)
    from = to + 1
  }
}

const tooLarge = (what: string): KontrolError =>
  new KontrolError('KTL_TEMPLATE_LIMIT', `The configuration that comes of the template has ${what}`, {
    hint: 'Put long lists into files that HAProxy reads (acl -f, maps, crt-list); docs/templates.md lists the limits.'
  })
