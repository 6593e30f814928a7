import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { parseJson } from '../../../src/model/json/json.ts'
import type { Pod } from '../../../src/model/pod.ts'
import { LeftOutPods } from '../../../src/render/pods/left-out-pods.ts'
import { compileTemplate, type Rendered } from '../../../src/render/template.ts'
import { makePod } from '../../support/registry/make-pod.ts'
import { silentLogger } from '../../support/test-logger.ts'

const ATTACK = '8080\nlisten leak\n  bind :9999'

/** One pod that behaves, and one whose payload is given. */
function render(template: string, payload: unknown, change: Partial<Pod> = {}): Rendered {
  const good = makePod(0, {
    app: 'web',
    key: 'good',
    ip: '10.0.0.1',
    payload: { port: '80', zone: 'a', n: 1, t: 'ok' }
  })
  const bad = makePod(1, { app: 'web', key: 'bad', ip: '10.0.0.2', payload, ...change })
  return renderPods(template, [good, bad])
}

function renderPods(template: string, pods: readonly Pod[]): Rendered {
  return compileTemplate(template).render({
    hosts: new Map([['web', pods.map(({ ip }) => ip)]]),
    pods: new Map([['web', pods]])
  })
}

const each = (expression: string): string => `{% for p in pods.web %}[{{ ${expression} }}]{% endfor %}`

describe('text of a pod that would change the meaning of the configuration', () => {
  it('leaves its pod out of hosts and pods, and names pod and field', () => {
    const { text, leftOut } = render(
      '{{ hosts.web }} {% for p in pods.web %}server {{ p.key }} {{ p.ip }}:{{ p.payload.port }}\n{% endfor %}',
      { port: ATTACK }
    )

    expect(text).toBe("['10.0.0.1'] server good 10.0.0.1:80\n")
    expect(leftOut).toEqual([{ app: 'web', ip: '10.0.0.2', key: 'bad', field: 'payload.port' }])
  })

  it('is named wherever it stands', () => {
    const deep = { a: [{ 'k\n': { b: 'x y' } }] }
    const fields = [
      render(each("p.nonce|default('')"), {}, { nonce: 'n\nlisten x' }),
      render(each('p.payload.a'), deep),
      render("{% for p in pods.web %}{% for i in p.payload.a or [] %}{{ i['k\\n'].b }}{% endfor %}{% endfor %}", deep)
    ].map(({ leftOut }) => leftOut.map(({ field }) => field))

    expect(fields).toEqual([
      ['nonce'],
      [String.raw`a name in payload.a[0]: "k\n"`],
      [String.raw`payload.a[0]["k\n"].b`]
    ])
  })

  it.each([
    'a b',
    'a\tb',
    'a\0',
    '"a',
    "'a",
    'a\\',
    '#',
    '$HOME',
    '%[env(X)]',
    '%{+Q}[env(X)]',
    '%(n)[x]',
    'a%',
    '\u0085'
  ])('is %j', (port) => {
    expect(render(each('p.payload.port'), { port }).text).toBe('[80]')
  })

  it.each(['8080', 'eu-west-1a', 'a/b?c=d&e', 'a,b;c', '(x)', '{x}', 'é', '日本', '100%25', 'A=b', '', '<a>|`!@^*~'])(
    'is not %j',
    (port) => {
      expect(render(each('p.payload.port'), { port })).toEqual({ text: `[80][${port}]`, leftOut: [] })
    }
  )

  it('is no number, no constant, and nothing within a plain payload that is printed as a whole', () => {
    const payload = parseJson('{"n":12345678901234567890,"f":1.0,"x":NaN,"t":true,"z":null,"l":["a"]}')

    expect(render(each('p.payload'), payload).text).toContain(
      "[{'n': 12345678901234567890, 'f': 1.0, 'x': nan, 't': True, 'z': None, 'l': ['a']}]"
    )
  })

  // Whatever way a text may take to the output.
  it.each([
    'p.payload.t',
    "p.payload.t ~ ''",
    "'' ~ p.payload.t",
    "p.payload.t + 'x'",
    "'x' + p.payload.t",
    'p.payload.t * 2',
    "'%s' % p.payload.t",
    "'%s-%s' % ('a', p.payload.t)",
    "'%(t)s' % p.payload",
    "'{}'.format(p.payload.t)",
    "'{:>9}'.format(p.payload.t)",
    "'{0[t]}'.format(p.payload)",
    "'{t!r}'.format_map(p.payload)",
    "'%s'|format(p.payload.t)",
    'p.payload.t|upper',
    'p.payload.t|lower|title|capitalize',
    "p.payload.t|replace(' ', '_')",
    "'a'|replace('a', p.payload.t)",
    'p.payload.t|trim',
    'p.payload.t|string',
    'p.payload.t|safe',
    'p.payload.t|e',
    'p.payload.t|forceescape',
    'p.payload.t|tojson',
    'p.payload|tojson',
    'p.payload|xmlattr',
    'p.payload.t|urlencode',
    'p.payload|urlencode',
    'p.payload.t|indent',
    'p.payload.t|wordwrap(3)',
    'p.payload.t|truncate(3, leeway=0)',
    'p.payload.t|truncate',
    'p.payload.t|center(30)',
    'p.payload.t|first',
    'p.payload.t|last',
    'p.payload.t|list',
    'p.payload.t|reverse',
    "p.payload.t|join(',')",
    "[p.payload.t]|join(',')",
    "['a', 'b']|join(p.payload.t)",
    "pods.web|map(attribute='payload.t', default='')|join(',')",
    "[p.payload.t]|map('upper')|join",
    '[p.payload.t]|sort|first',
    '[p.payload.t]|unique|first',
    '[p.payload.t]|max',
    "[p]|groupby('payload.t')|first|first",
    'p.payload.t[0]',
    'p.payload.t[:3]',
    'p.payload.t[::-1]',
    'p.payload.t.upper()',
    'p.payload.t.split()[0]',
    "p.payload.t.replace(' ', '')",
    "p.payload.t.partition(' ')[2]",
    "','.join([p.payload.t])",
    "p.payload.t.join(['a', 'b'])",
    'p.payload.t.format(1)',
    "'a'.replace('a', p.payload.t)",
    "'x'.ljust(9, p.payload.t[0])",
    'p.payload',
    'p.payload.items()|list',
    'p.payload.values()|list',
    '[p.payload.t]',
    '(p.payload.t, 1)',
    '{1: p.payload.t}',
    '{p.payload.t: 1}',
    'p.payload|dictsort',
    'p.payload.t if true',
    "p.payload.t or 'x'",
    "p.payload.t|default('x')",
    'namespace(a=p.payload.t).a',
    'dict(a=p.payload.t).a',
    'p.payload.copy().t',
    'cycler(p.payload.t).next()',
    'p',
    'pods'
  ])('does not get out by {{ %s }}', (expression) => {
    const { text, leftOut } = render(each(expression), { t: 'xq xq' })

    expect(text).not.toContain('xq')
    expect(leftOut.map(({ key }) => key)).toEqual(['bad'])
  })

  it.each([
    '{% set x = p.payload.t %}{{ x }}',
    '{% set ns = namespace(x="") %}{% set ns.x = p.payload.t %}{{ ns.x }}',
    '{% set x %}{{ p.payload.t }}{% endset %}{{ x }}',
    '{% macro m(x) %}{{ x }}{% endmacro %}{{ m(p.payload.t) }}',
    '{% macro m() %}{{ varargs[0] }}{{ kwargs }}{% endmacro %}{{ m(p.payload.t, y=p.payload.t) }}',
    '{% filter upper %}{{ p.payload.t }}{% endfilter %}',
    '{% for c in p.payload.t %}{{ c }}{% endfor %}',
    '{% for k, v in p.payload.items() %}{{ v }}{% endfor %}',
    '{% for k, v in p.payload|dictsort %}{{ v }}{% endfor %}',
    '{% with x = p.payload.t %}{{ x }}{% endwith %}',
    '{% autoescape true %}{{ p.payload.t }}{% endautoescape %}',
    '{% autoescape true %}{{ "<" ~ p.payload.t }}{% endautoescape %}',
    '{% set l = [] %}{% set _ = l.append(p.payload.t) %}{{ l[0] }}',
    '{% set d = {} %}{% set _ = d.update({"k": p.payload.t}) %}{{ d.k }}'
  ])('does not get out by %s', (statement) => {
    const { text, leftOut } = render(`{% for p in pods.web %}${statement}{% endfor %}`, { t: 'xq xq' })

    expect(text).not.toContain('xq')
    expect(leftOut.map(({ key }) => key)).toEqual(['bad'])
  })

  it.each([
    ["p.payload.zone == 'a b'", '[False][True]'],
    ["'a b' == p.payload.zone", '[False][True]'],
    ["p.payload.zone != 'a b'", '[True][False]'],
    ["p.payload.zone in ['x', 'a b']", '[False][True]'],
    ["p.payload.zone in 'xa by'", '[True][True]'],
    ["' ' in p.payload.zone", '[False][True]'],
    ["p.payload.zone is eq 'a b'", '[False][True]'],
    ["p.payload.zone < 'a c'", '[True][True]'],
    ["p.payload.zone > 'a'", '[False][True]'],
    ['p.payload.zone == p.payload.zone', '[True][True]'],
    ["{'a': 1, 'a b': 2}[p.payload.zone]", '[1][2]'],
    ["{'a': 1}.get(p.payload.zone, 0)", '[1][0]'],
    ["'yes' if p.payload.zone else 'no'", '[yes][yes]'],
    ['p.payload.zone is string', '[True][True]'],
    ['p.payload.zone is defined', '[True][True]'],
    ['p.payload.zone|length', '[1][3]'],
    ["p.payload.zone.startswith('a ')", '[False][True]'],
    ["p.payload.zone.count(' ')", '[0][1]'],
    ['p.payload.zone.isalpha()', '[True][False]'],
    ["p.payload.pad|default('7')|int", '[7][42]'],
    ["p.payload.pad|default('7')|float", '[7.0][42.0]'],
    ["p.payload['k k']|default('none')", '[none][v]'],
    ["'k k' in p.payload", '[False][True]'],
    ['p.payload|length', '[4][3]'],
    ["pods.web|selectattr('payload.zone', 'equalto', 'a b')|map(attribute='key')|join", '[bad][bad]'],
    ["pods.web|rejectattr('payload.zone', 'equalto', 'a b')|map(attribute='key')|join", '[good][good]'],
    ["pods.web|groupby('payload.zone')|map('last')|map('length')|list", '[[1, 1]][[1, 1]]'],
    ["pods.web|sort(attribute='payload.zone', reverse=true)|map(attribute='key')|join(',')", '[bad,good][bad,good]'],
    ["pods.web|map(attribute='payload.zone')|unique|list|length", '[2][2]']
  ])('may be asked about by {{ %s }}', (expression, expected) => {
    const { text, leftOut } = render(each(expression), { zone: 'a b', pad: ' 42 ', 'k k': 'v' })

    expect(text).toBe(expected)
    expect(leftOut).toEqual([])
  })

  it('comes out of haproxy_quote as one word, and of short_hash as digits', () => {
    const zone = "it's $5 #1 \\"
    const hash = createHash('sha256').update(zone).digest('hex').slice(0, 8)
    const { text, leftOut } = render(
      '{% for p in pods.web %}{{ p.payload.zone|haproxy_quote }} {{ p.payload.zone|short_hash }} {{ p.payload.zone|haproxy_quote(log_format=true) }}\n{% endfor %}',
      { zone }
    )

    const word = String.raw`'it'\x27's $5 #1 \'`
    expect(text).toBe(`a ca978112 a\n${word} ${hash} ${word}\n`)
    expect(leftOut).toEqual([])
  })

  it('is refused by haproxy_quote where no quotes help', () => {
    const refused = ['a\nb', 'a\0', '%[env(X)]', 'x%'].map(
      (zone) => render(each('p.payload.zone|haproxy_quote'), { zone }).leftOut.length
    )

    expect(refused).toEqual([1, 1, 1, 1])
    expect(render(each('p.payload.zone|haproxy_quote(log_format=true)'), { zone: '%[env(X)]' }).text).toBe(
      '[a][%%[env(X)]]'
    )
  })

  it('makes no fault of the template stand for the pod that caused it', () => {
    const { text, leftOut } = render(each("'%d' % p.payload.n"), { n: 'a b' })

    expect(text).toBe('[1]')
    expect(leftOut).toEqual([{ app: 'web', ip: '10.0.0.2', key: 'bad', field: 'a text of it' }])
  })

  it('hides no fault that the template has by itself', () => {
    expect(() => render('{{ nope.x }}', { t: 'a b' })).toThrow(/'nope' is undefined/)
  })

  it('takes out as many as there are, though they show one after the other', () => {
    const pods = Array.from({ length: 40 }, (_, n) =>
      makePod(n, { app: 'web', key: `k${n}`, ip: `10.0.0.${n}`, payload: { t: n < 30 ? 'a b' : 'ok' } })
    )
    const { text, leftOut } = renderPods('{{ (pods.web|first).payload.t }} {{ hosts.web|length }}', pods)

    expect(text).toBe('ok 10')
    expect(leftOut).toHaveLength(30)
  })

  it('leaves the other pod at the same address in', () => {
    const pods = ['a b', 'ok'].map((t, n) => makePod(n, { app: 'web', key: `k${n}`, ip: '10.0.0.1', payload: { t } }))

    expect(renderPods(`{{ hosts.web }}${each('p.payload.t')}`, pods).text).toBe("['10.0.0.1'][ok]")
  })

  it('leaves an app out that has no other pod', () => {
    const pods = [makePod(0, { app: 'web', key: 'k', ip: '10.0.0.1', payload: 'a b' })]

    expect(renderPods(`{{ hosts }}{% for p in pods.web %}{{ p.payload }}{% endfor %}`, pods).text).toBe('{}')
  })
})

describe('LeftOutPods', () => {
  const pod = { app: 'web', ip: '10.0.0.2', key: 'bad', field: 'payload.port' }

  it('raises one alarm for a pod, however often it is left out, and another when it comes back bad', () => {
    const alarms: string[] = []
    const told = new LeftOutPods({ logger: silentLogger(), onAlarm: ({ message }) => alarms.push(message) })

    for (const pods of [[pod], [pod], [], [], [pod]]) told.update(pods)

    expect(alarms).toHaveLength(2)
    expect(alarms[0]).toBe(
      'Pod bad of web at 10.0.0.2 is left out: payload.port would change the meaning of the configuration'
    )
    expect(told.count).toBe(1)
  })

  it('does not raise ten thousand at once', () => {
    const alarms: string[] = []
    const told = new LeftOutPods({ logger: silentLogger(), onAlarm: ({ message }) => alarms.push(message) })

    told.update(Array.from({ length: 10_000 }, (_, n) => ({ ...pod, key: `k${n}` })))

    expect(told.count).toBe(10_000)
    expect(alarms).toHaveLength(10)
  })
})
