import { describe, expect, it } from 'vitest'
import { asJudged, asLoaded, asWritten, earlyLines } from '../../../src/haproxy/files/as-loaded.ts'
import { SeededRandom } from '../../support/seeded-random.ts'

describe('A text as HAProxy loads it', () => {
  it.each([
    ['defaults', 'defaults\tfrom kontrol-haproxy'],
    ['  defaults  # all', '  defaults\tfrom kontrol-haproxy  # all'],
    ['defaults web', 'defaults web\tfrom kontrol-haproxy'],
    ['defaults "of the web"#x', 'defaults "of the web"\tfrom kontrol-haproxy#x'],
    ['defaults of\\ all', 'defaults of\\ all\tfrom kontrol-haproxy'],
    // Its own one takes ours over.
    ['defaults web from all', 'defaults web from all'],
    ['defaults from all', 'defaults from all'],
    // Copied from our file.
    ['defaults\tfrom kontrol-haproxy', 'defaults\t\tfrom kontrol-haproxy'],
    ['# defaults', '# defaults'],
    ['acl defaults path /', 'acl defaults path /'],
    ['default-server check', 'default-server check'],
    ['frontend defaults', 'frontend defaults']
  ])('has our defaults behind the words of %j', (line, loaded) => {
    expect(asLoaded(`${line}\n  mode http\n`)).toBe(`${loaded}\n  mode http\n`)
    expect(asWritten(`${loaded}\n  mode http\n`)).toBe(`${line}\n  mode http\n`)
  })

  it('leaves to base.cfg what HAProxy takes only at the very beginning, each on its line', () => {
    const text =
      '# ours\nglobal\n  maxconn 5 # small\n  nbthread 2\n\nglobal\n  thread-groups 1\ndefaults\n  nbthread 9\n'

    expect(asLoaded(text).split('\n')).toEqual([
      ...['# ours', 'global', '  maxconn 5 # small', '#kontrol-haproxy:   nbthread 2', '', 'global'],
      ...['#kontrol-haproxy:   thread-groups 1', 'defaults\tfrom kontrol-haproxy', '  nbthread 9', '']
    ])
    expect(earlyLines(text)).toBe('\nglobal\n\n  nbthread 2\n\nglobal\n  thread-groups 1\n')
  })

  it('has them decided where they are by what decides about them', () => {
    const text =
      'global\n  setenv N 2\n.if defined(N)\n  nbthread "$N"\n  maxconn 9\n.else\n  nbthread 1\n.endif\n  log stdout local0\n'

    expect(earlyLines(`${text}frontend f\n`)).toBe(
      'global\n  setenv N 2\n.if defined(N)\n  nbthread "$N"\n\n.else\n  nbthread 1\n.endif\n'
    )
  })

  it('is led past sections within an .if, which may not be there', () => {
    const text =
      '.if defined(CANARY)\nglobal\n  nbthread 4\nlisten canary\n  bind :81\ndefaults\n.endif\nglobal\n  nbthread 2\nfrontend f\n'

    expect(earlyLines(text)).toBe('.if defined(CANARY)\nglobal\n  nbthread 4\n\n\n\n.endif\nglobal\n  nbthread 2\n')
    expect(asLoaded(text)).toBe(
      text
        .replaceAll('  nbthread', '#kontrol-haproxy:   nbthread')
        .replace('defaults', 'defaults\tfrom kontrol-haproxy')
    )
  })

  it('refuses warnings when it is checked, and not when HAProxy begins', () => {
    const text = 'global\n  zero-warning # none\n#kontrol-haproxy: zero-warning\nfrontend f\nglobal\n  zero-warning\n'

    expect(asLoaded(text).match(/^\s*zero-warning/gm)).toBeNull()
    expect(asJudged(text).match(/^\s*zero-warning/gm)).toHaveLength(2)
    for (const file of [asLoaded(text), asJudged(text)]) expect(asWritten(file)).toBe(text)
  })

  it('keeps what a reload goes by when a text resets the environment', () => {
    const text = 'global\n  resetenv\n  resetenv PATH # of all\n  nbthread 2\n'
    const kept = '\tHAPROXY_LOCALPEER HAPROXY_MWORKER HAPROXY_MWORKER_REEXEC HAPROXY_PROCESSES'

    expect(earlyLines(text)).toBe(`global\n  resetenv${kept}\n  resetenv${kept} PATH # of all\n  nbthread 2\n`)
    expect(asLoaded(text)).toContain(`  resetenv${kept} PATH # of all\n`)
    expect(asWritten(asLoaded(text))).toBe(text)
  })

  it('is not looked for in a line of megabytes, which leads back all the same', () => {
    const text = `defaults\tfrom kontrol-haproxy ${'"a'.repeat(3_000_000)}\n`

    expect(asLoaded(text)).toBe(text.replace('\t', '\t\t'))
    expect(asWritten(asLoaded(text))).toBe(text)
  })

  it('is the same text where neither is needed', () => {
    const text = 'frontend f\n  bind :80\nbackend b\n  server a 10.0.0.1:80\n'

    expect(asLoaded(text)).toBe(text)
    expect(earlyLines(text)).toBe('')
  })

  it('leads back to what was written, whatever that is', () => {
    const pieces = [
      ...['defaults', 'defaults a', ' from b', '\tfrom kontrol-haproxy', ' from kontrol-haproxy', '#kontrol-haproxy: '],
      ...[
        'global',
        '  nbthread 2',
        '  zero-warning',
        'resetenv',
        '\tHAPROXY_LOCALPEER HAPROXY_MWORKER HAPROXY_MWORKER_REEXEC HAPROXY_PROCESSES',
        '.if defined(A)',
        '.endif',
        'frontend f',
        "'",
        '"',
        '\\',
        '#',
        ' ',
        '\t',
        '\r',
        '\u2028',
        '\n',
        '\n',
        '\n',
        '\n'
      ]
    ]
    for (let seed = 1; seed <= 3_000; seed++) {
      const random = new SeededRandom(seed)
      const text = random.some(1, 14, () => random.pick(pieces)).join('')
      expect(asWritten(asLoaded(text)), `seed ${seed}`).toBe(text)
      expect(asWritten(asJudged(text)), `seed ${seed}`).toBe(text)
      expect(asLoaded(text).split('\n')).toHaveLength(text.split('\n').length)
    }
  })
})
