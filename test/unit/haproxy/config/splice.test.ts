import { describe, expect, it } from 'vitest'
import { ConfigReader } from '../../../../src/haproxy/config/model.ts'
import { withServersOf } from '../../../../src/haproxy/config/splice.ts'

const read = async (text: string) => ({ text, model: await new ConfigReader().read(text) })
const spliced = async (running: string, wanted: string): Promise<string> =>
  await withServersOf(await read(running), await read(wanted))

const HEAD = '# by hand\ndefaults\n  mode http\nfrontend f\n  bind :80\n'
const web = (...servers: string[]): string => `backend web # of pods\n  balance roundrobin\n${servers.join('\n')}\n`

describe('withServersOf', () => {
  it('takes servers where all else is the same, and nothing else', async () => {
    const running = `${HEAD}${web('  server a 10.0.0.1:80 check')}`
    const wanted = `${HEAD.replace(':80', ':81')}${web('  server a 10.0.0.2:80 check', '  server b 10.0.0.3:80 check')}`

    expect(await spliced(running, wanted)).toBe(
      `${HEAD}${web('  server a 10.0.0.2:80 check', '  server b 10.0.0.3:80 check')}`
    )
  })

  it('takes them from sections in another order, and gives the last one back when nothing stands before the first', async () => {
    const [one, two] = ['backend one\n  server a 10.0.0.1:80\n', 'backend two\n  server a 10.0.0.1:80\n']

    expect(await spliced(one + two, two.replace('.1', '.2') + one.replace('.1', '.3'))).toBe(
      one.replace('.1', '.3') + two.replace('.1', '.2')
    )
  })

  it('leaves a backend alone whose lines are edited, or whose servers get other options', async () => {
    const running = `${HEAD}${web('  server a 10.0.0.1:80')}`

    expect(await spliced(running, `${HEAD}${web('  server a 10.0.0.1:80', '  option httpchk')}`)).toBe(running)
    expect(await spliced(running, `${HEAD}${web('  server a 10.0.0.1:80 ssl verify none')}`)).toBe(running)
    expect(await spliced(running, HEAD)).toBe(running)
  })

  it('takes the first servers and leaves none when none is wanted', async () => {
    const [full, empty] = [`${HEAD}${web('  server a 10.0.0.1:80 check')}`, `${HEAD}${web()}`]

    expect(await spliced(empty, full)).toBe(full)
    expect(await spliced(full, empty)).toBe(empty)
  })
})
