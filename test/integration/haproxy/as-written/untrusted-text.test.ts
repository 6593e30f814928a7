import { describe, expect, it } from 'vitest'
import { compileTemplate } from '../../../../src/render/template.ts'
import { splitWords } from '../../../../src/haproxy/config/parser.ts'
import { startBareHaproxy } from '../../../support/haproxy/bare-haproxy.ts'
import { makePod } from '../../../support/registry/make-pod.ts'
import { ownAddress } from '../../../support/haproxy/start-haproxy.ts'

/** All that HAProxy gives a meaning to, in a few texts. */
const TEXTS = [
  'two words',
  '# no comment',
  '"weak" and \'strong\'',
  "it's",
  "'",
  'back\\slash \\n \\x41 \\',
  '$HOME ${HOME} "$HOME"',
  '{curly} [square] (round), a|b & c;',
  'naïve 日本\u00a0x',
  '-f /etc/passwd'
]

const TEMPLATE = (address: string): string => `defaults
  mode http
  timeout client 5s
frontend quoted
  bind ${address}:8080
{%- for p in pods.web %}
  http-request return status 200 content-type text/plain string {{ p.payload|haproxy_quote }} if { path /{{ loop.index0 }} }
  http-request return status 200 content-type text/plain lf-string {{ p.payload|haproxy_quote(log_format=true) }} if { path /f{{ loop.index0 }} }
{%- endfor %}
`

function render(address: string, texts: readonly string[]): string {
  const pods = texts.map((payload, n) => makePod(n, { payload }))
  const { text, leftOut } = compileTemplate(TEMPLATE(address)).render({
    hosts: new Map(),
    pods: new Map([['web', pods]])
  })
  expect(leftOut).toEqual([])
  return `${text}\n`
}

describe('haproxy_quote', () => {
  it('makes one word of any text, which HAProxy gives back as it was', async () => {
    const address = ownAddress()
    await using haproxy = await startBareHaproxy(render(address, TEXTS))
    const ask = async (path: string): Promise<string> => await (await fetch(`http://${address}:8080${path}`)).text()
    const plain: string[] = []
    const formats: string[] = []
    for (const index of TEXTS.keys()) {
      plain.push(await ask(`/${index}`))
      formats.push(await ask(`/f${index}`))
    }

    expect(plain).toEqual(TEXTS)
    expect(formats).toEqual(TEXTS)
    expect(await haproxy.say('show info')).toContain('Name: HAProxy')
  })

  it('makes of an expression in a log format what it says', async () => {
    const address = ownAddress()
    const secret = '%[env(HOME)] %{+Q}[env(HOME)] 100%'
    const pods = [makePod(0, { payload: secret })]
    const template = TEMPLATE(address).replace(/.* string .*\n/, '')
    const { text } = compileTemplate(template).render({ hosts: new Map(), pods: new Map([['web', pods]]) })
    await using haproxy = await startBareHaproxy(`${text}\n`)

    expect(await (await fetch(`http://${address}:8080/f0`)).text()).toBe(secret)
    expect(await haproxy.say('show info')).toContain('Name: HAProxy')
  })

  it('is read by us as HAProxy reads it', () => {
    const lines = render('127.0.0.1', TEXTS).split('\n')

    const words = lines.filter((line) => line.includes(' string ')).map((line) => splitWords(line)[7])
    expect(words).toEqual(TEXTS)
  })
})
