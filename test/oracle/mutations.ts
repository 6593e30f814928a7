import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tempDir } from '../support/temp-dir.ts'

interface Mutation {
  file: string
  /** What stands there, once. */
  from: string
  to: string
}

/** What the oracle has to miss when it is taken out: each was once found wrong on a living HAProxy. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'ring-id': {
    file: 'src/haproxy/servers/commands.ts',
    from: 'id === undefined || target.id > 0 ? [] : [`id ${id}`]',
    to: '[] as string[]'
  },
  'check-ssl': {
    file: 'src/haproxy/servers/commands.ts',
    from: "said.includes('ssl') && !said.includes('check-ssl') ? ['check-ssl'] : []",
    to: '[] as string[]'
  },
  condition: {
    file: 'src/haproxy/config/model.ts',
    from: 'this.#conditions.takeDirective(keyword)',
    to: '{}'
  },
  'raw-text': {
    file: 'src/haproxy/config/model.ts',
    from: "readLine(raw).plain ? words.join(' ') : words.length === 0 ? '' : raw.trim()",
    to: "words.join(' ')"
  }
}

const ROOT = join(import.meta.dirname, '../..')

/**
 * Lets the oracle judge a copy of the sources from which one thing was taken.
 *
 * @returns the seed of the chain in which it found a difference, which may still be no work of the mutation
 */
export async function runMutation(name: string, args: readonly string[]): Promise<number | undefined> {
  const mutation = MUTATIONS[name]
  if (mutation === undefined) throw new Error(`--mutation is one of ${Object.keys(MUTATIONS).join(', ')}, all`)
  await using copy = await tempDir()
  for (const part of ['src', 'test', 'lifecycle', 'package.json', 'tsconfig.json']) {
    await cp(join(ROOT, part), copy.file(part), { recursive: true })
  }
  await symlink(join(ROOT, 'node_modules'), copy.file('node_modules'))
  const path = copy.file(mutation.file)
  const parts = (await readFile(path, 'utf8')).split(mutation.from)
  if (parts.length !== 2) throw new Error(`"${mutation.from}" stands ${parts.length - 1} times in ${mutation.file}`)
  await writeFile(path, parts.join(mutation.to))
  console.log(`mutation ${name}:`)
  const tsx = join(ROOT, 'node_modules/.bin/tsx')
  const child = spawn(tsx, ['test/oracle/main.ts', '--stop', ...args], {
    cwd: copy.path,
    stdio: ['ignore', 'pipe', 'inherit']
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    process.stdout.write(text)
  })
  const [code] = (await once(child, 'close')) as [number | null]
  const [before = ''] = said.split('\nit differs again')
  const seed = [...before.matchAll(/^pair \d+, seed (\d+), /gm)].at(-1)?.[1]
  return code === 1 && seed !== undefined ? Number(seed) : undefined
}
