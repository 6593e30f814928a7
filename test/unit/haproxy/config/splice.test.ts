import { describe, expect, it } from 'vitest'
import { ConfigReader } from '../../../../src/haproxy/config/model.ts'
import { withServersOf } from '../../../../src/haproxy/config/splice.ts'

const read = (text: string) => ({ text, model: new ConfigReader().read(text) })
const spliced = (running: string, wanted: string): string => withServersOf(read(running), read(wanted))

const HEAD = '# by hand\ndefaults\n  mode http\nfrontend f\n  bind :80\n'
const web = (...servers: string[]): string => `backend web # of pods\n  balance roundrobin\n${servers.join('\n')}\n`

describe('withServersOf', () => {
  it('takes servers where all else is the same, and nothing else', () => {
    const running = `${HEAD}${web('  server a 10.0.0.1:80 check')}`
    const wanted = `${HEAD.replace(':80', ':81')}${web('  server a 10.0.0.2:80 check', '  server b 10.0.0.3:80 check')}`

    expect(spliced(running, wanted)).toBe(
      `${HEAD}${web('  server a 10.0.0.2:80 check', '  server b 10.0.0.3:80 check')}`
    )
  })

  it('takes them from sections in another order, and gives the last one back when nothing stands before the first', () => {
    const [one, two] = ['backend one\n  server a 10.0.0.1:80\n', 'backend two\n  server a 10.0.0.1:80\n']

    expect(spliced(one + two, two.replace('.1', '.2') + one.replace('.1', '.3'))).toBe(
      one.replace('.1', '.3') + two.replace('.1', '.2')
    )
  })

  it('leaves a backend alone whose lines are edited, or whose servers get other options', () => {
    const running = `${HEAD}${web('  server a 10.0.0.1:80')}`

    expect(spliced(running, `${HEAD}${web('  server a 10.0.0.1:80', '  option httpchk')}`)).toBe(running)
    expect(spliced(running, `${HEAD}${web('  server a 10.0.0.1:80 ssl verify none')}`)).toBe(running)
    expect(spliced(running, HEAD)).toBe(running)
  })

  it('takes the first servers and leaves none when none is wanted', () => {
    const [full, empty] = [`${HEAD}${web('  server a 10.0.0.1:80 check')}`, `${HEAD}${web()}`]

    expect(spliced(empty, full)).toBe(full)
    expect(spliced(full, empty)).toBe(empty)
  })
})
