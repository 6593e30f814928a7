import { rename, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import {
  bearerOf,
  Credentials,
  grantsOfNames,
  namesOf,
  readSecrets,
  type SecretSources
} from '../../../src/access/credentials.ts'
import { tempDir } from '../../support/temp-dir.ts'

const sources = (change: Partial<Record<keyof SecretSources, { inline?: string; file?: string }>>): SecretSources => {
  const source = (name: string, { inline, file }: { inline?: string; file?: string } = {}) => ({ name, inline, file })
  return {
    operate: source('KONTROL_TOKEN', change.operate),
    ping: source('KONTROL_PING_TOKEN', change.ping),
    read: source('KONTROL_READ_TOKEN', change.read)
  }
}

function made(change: Parameters<typeof sources>[0]) {
  const problems: string[] = []
  const from = sources(change)
  const secrets = readSecrets(from, problems)
  return { problems, credentials: new Credentials(from, secrets, (found) => problems.push(...found)) }
}

describe('secrets', () => {
  it('may be several of each kind, inline and in a file', async () => {
    await using dir = await tempDir()
    await writeFile(dir.file('t'), 'third\r\n\nfourth\n')

    const { credentials, problems } = made({
      operate: { inline: 'first, second', file: dir.file('t') },
      ping: { inline: 'common,web=only-web,haproxy=moves-dns==' },
      read: { inline: 'look' }
    })

    expect(problems).toEqual([])
    for (const token of ['first', 'second', 'third', 'fourth']) {
      expect(credentials.grantsOf(token)).toMatchObject({ operate: true, read: false })
    }
    expect(credentials.grantsOf('common')).toMatchObject({ pingOthers: true, pingApps: [], operate: false })
    expect(credentials.grantsOf('only-web')).toMatchObject({ pingOthers: false, pingApps: ['web'] })
    expect(credentials.grantsOf('moves-dns==')).toMatchObject({ pingApps: ['haproxy'] })
    expect(credentials.grantsOf('look')).toMatchObject({ read: true, operate: false })
    for (const token of ['', 'web=only-web', 'firs', undefined]) {
      expect(credentials.grantsOf(token)).toMatchObject({ operate: false, read: false, pingOthers: false })
    }
  })

  it('are known again on their connection for as long as they are in force, and no others are', async () => {
    await using dir = await tempDir()
    await writeFile(dir.file('t'), 'old')
    const { credentials } = made({ operate: { file: dir.file('t') }, read: { inline: 'look' } })
    const [one, other] = [{}, {}]

    for (let again = 0; again < 2; again++) {
      expect(credentials.grantsOf('old', one).operate).toBe(true)
      expect(credentials.grantsOf('old', other).operate).toBe(true)
      expect(credentials.grantsOf('look', other)).toMatchObject({ operate: false, read: true })
      expect(credentials.grantsOf('guess', one).operate).toBe(false)
      expect(credentials.grantsOf(undefined, one).operate).toBe(false)
    }
    expect(credentials.grantsOf('old', one).operate).toBe(true)
    await writeFile(dir.file('t'), 'new')
    credentials.reload()
    expect(credentials.grantsOf('old', one).operate).toBe(false)
    expect(credentials.grantsOf('new', one).operate).toBe(true)
  })

  it('that are the same for two roles grant both', () => {
    const { credentials } = made({ operate: { inline: 'same' }, read: { inline: 'same' }, ping: { inline: 'a=x,b=x' } })

    expect(credentials.grantsOf('same')).toMatchObject({ operate: true, read: true })
    expect(credentials.grantsOf('x').pingApps).toEqual(['a', 'b'])
  })

  it('in base64 may end in "="', () => {
    expect(made({ ping: { inline: 'c2VjcmV0=' } }).credentials.grantsOf('c2VjcmV0=')).toMatchObject({
      pingOthers: true
    })
  })

  it.each([
    [{ operate: { inline: ',' } }, 'KONTROL_TOKEN holds no secret'],
    [{ operate: { inline: '   ' } }, 'KONTROL_TOKEN holds no secret'],
    [{ operate: { inline: '' } }, 'KONTROL_TOKEN holds no secret'],
    [{ operate: { inline: 'two words' } }, 'KONTROL_TOKEN holds a secret that cannot stand in a header'],
    [{ read: { inline: 'schlüssel' } }, 'KONTROL_READ_TOKEN holds a secret that cannot stand in a header'],
    [{ ping: { inline: 'web app=x' } }, 'KONTROL_PING_TOKEN holds "<app>=<secret>"'],
    [{ ping: { file: '/nowhere' } }, 'KONTROL_PING_TOKEN_FILE must name a readable file']
  ])('as %j are a problem', (change, words) => {
    const { problems } = made(change)

    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(words)
    expect(problems[0]).not.toContain('schlüssel')
  })

  it('in an empty file are a problem at the start, and keep those before in force later', async () => {
    await using dir = await tempDir()
    const file = dir.file('t')
    await writeFile(file, '\n \n')
    expect(made({ operate: { file } }).problems[0]).toContain('KONTROL_TOKEN_FILE holds no secret')

    await writeFile(file, 'old')
    const { credentials, problems } = made({ operate: { file } })
    await writeFile(file, '')
    credentials.reload()
    expect(problems).toHaveLength(1)
    expect(credentials.grantsOf('old').operate).toBe(true)

    await writeFile(dir.file('next'), 'new')
    await rename(dir.file('next'), file)
    credentials.reload()
    expect(credentials.grantsOf('old').operate).toBe(false)
    expect(credentials.grantsOf('new').operate).toBe(true)
  })
})

it('takes a token from a header', () => {
  expect(bearerOf('Bearer abc')).toBe('abc')
  expect(bearerOf('bearer  abc')).toBe('abc')
  for (const header of [undefined, '', 'abc', 'Basic abc', 'Bearer', 'Bearer a b']) {
    expect(bearerOf(header)).toBeUndefined()
  }
})

it('reads what a certificate grants from its names', () => {
  const names = namesOf({ subject: { CN: 'web' }, subjectaltname: 'DNS:operator, IP Address:10.0.0.1, DNS:web.svc' })

  expect(names).toEqual(['web', 'operator', 'web.svc'])
  expect(grantsOfNames(names)).toMatchObject({ operate: true })
  expect(grantsOfNames(['web', 'api'])).toMatchObject({ operate: false, pingApps: ['web', 'api'], pingOthers: false })
  expect(namesOf({})).toEqual([])
})
