import { describe, expect, it } from 'vitest'
import { ConfigReader } from '../../../../src/haproxy/config/model.ts'
import { splitWords } from '../../../../src/haproxy/config/parser.ts'
import { hiddenClasses } from '../../../support/hidden-classes.ts'

describe('splitWords', () => {
  it.each([
    ['  bind   *:80\t# all', ['bind', '*:80']],
    ['# nothing', []],
    ['', []],
    ['log-format \'a # "b" c\'', ['log-format', 'a # "b" c']],
    ['stats realm "my \\"own\\" realm"', ['stats', 'realm', 'my "own" realm']],
    ['stats realm my\\ realm\\#1', ['stats', 'realm', 'my realm#1']],
    ['http-request set-header X "a"\'b\'c', ['http-request', 'set-header', 'X', 'abc']],
    ['acl empty str ""', ['acl', 'empty', 'str', '']],
    ['bind "${HOST}:80"', ['bind', '${HOST}:80']],
    ['mode http#comment', ['mode', 'http']],
    ["stats realm 'it'\\x27's'", ['stats', 'realm', "it's"]]
  ])('splits %j as HAProxy does', (line, words) => {
    expect(splitWords(line)).toEqual(words)
  })
})

describe('ConfigReader', () => {
  it('gathers lines into sections with their numbers, and servers into pools', async () => {
    const text = 'frontend web\n  bind *:80\n\n# about b\nbackend b\n  server s 1.2.3.4:80 check\n  balance source\n'

    const { sections, pools } = await new ConfigReader().read(text)

    expect(sections).toMatchObject([
      { kind: 'frontend', title: 'frontend web', number: 1, lines: [{ number: 2, words: ['bind', '*:80'] }] },
      { kind: 'backend', title: 'backend b', number: 5, lines: [{ number: 7, words: ['balance', 'source'] }] }
    ])
    expect([...pools.values()]).toMatchObject([
      { backend: 'b', servers: [{ name: 's', target: { address: '1.2.3.4', port: 80, options: 'check' } }] }
    ])
  })

  it('makes targets that share their hidden class, as there are thousands', async () => {
    const servers = Array.from({ length: 40 }, (_, n) => `  server s${n} 10.0.0.${n}:80 check weight ${n}\n`)

    const { pools } = await new ConfigReader().read(`backend b\n${servers.join('')}`)

    const targets = [...pools.values()].flatMap((pool) => pool.servers.map(({ target }) => target))
    expect(targets).toHaveLength(40)
    expect(hiddenClasses(targets)).toBeLessThan(5)
  })

  it('numbers the lines of each text anew, whatever it remembers of the one before', async () => {
    const reader = new ConfigReader()
    await reader.read('global\n  maxconn 10\nlisten b\n  bind *:80\n')

    const { sections } = await reader.read(
      '# one more\nglobal\n  maxconn 10\nlisten b\n  server s 1.2.3.4:80\n  bind *:80\n'
    )

    expect(sections).toMatchObject([
      { number: 2, lines: [{ number: 3 }] },
      { number: 4, lines: [{ number: 6, words: ['bind', '*:80'] }] }
    ])
  })
})
