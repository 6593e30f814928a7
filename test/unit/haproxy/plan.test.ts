import { describe, expect, it } from 'vitest'
import { planChange } from '../../../src/haproxy/plan.ts'

const running = 'frontend web\n  bind *:80\nbackend a\n  server s 1.2.3.4:80\n'

describe('planChange', () => {
  it.each([
    ['equal texts', running, []],
    ['other blanks and comments', `# note\n${running.replaceAll('  ', '\t')}`, []],
    ['a changed line', running.replace('*:80', '*:81'), ['frontend web changed']],
    ['a new section', `${running}backend b\n`, ['backend b is new']],
    ['a section that is gone', 'frontend web\n  bind *:80\n', ['backend a is gone']],
    ['another order', 'backend a\n  server s 1.2.3.4:80\nfrontend web\n  bind *:80\n', ['sections changed places']]
  ])('sees %s', (_name, wanted, reasons) => {
    expect(planChange(running, wanted)).toEqual(reasons.length === 0 ? { kind: 'none' } : { kind: 'reload', reasons })
  })

  it('reloads what it does not know', () => {
    expect(planChange(undefined, running)).toEqual({ kind: 'reload', reasons: ['what HAProxy runs is not known'] })
  })
})
