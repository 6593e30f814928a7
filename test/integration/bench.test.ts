import { execFile, execFileSync } from 'node:child_process'
import { mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { tempDir, type TempDir } from '../support/temp-dir.ts'

const root = join(import.meta.dirname, '../..')

interface Run {
  code: number
  stdout: string
  stderr: string
  /** The page that it wrote. */
  page: string
}

/** `npm run bench -- --quick` with some of its questions. */
async function bench(out: string, questions: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const args = ['--import', 'tsx', join(root, 'test/bench/main.ts'), '--quick', '--out', out, ...questions]
  const ended = await new Promise<Omit<Run, 'page'>>((resolve) => {
    const options = { cwd: root, env: { ...process.env, ...env } }
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
  return { ...ended, page: await readFile(out, 'utf8') }
}

/** Cells of the rows of the table below a heading. */
function rowsOf(page: string, heading: string): string[][] {
  const [, section = ''] = page.split(`## ${heading}\n`)
  const lines = section.split('\n## ')[0]?.match(/^\|.*\|$/gm) ?? []
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
  )
}

describe('npm run bench', () => {
  let dir: TempDir
  beforeEach(async () => {
    dir = await tempDir()
    return async () => await dir[Symbol.asyncDispose]()
  })

  it('writes a page of what the questions were answered with, machine and versions first', async () => {
    const { code, stdout, page } = await bench(dir.file('page.md'), ['ping', 'render-process'])

    expect(code).toBe(0)
    expect(page).toMatch(/^# Performance\n/)
    const today = new Date().toISOString().slice(0, 10)
    expect(page).toContain(`Measured on ${today}: `)
    expect(page).toContain(`Node ${process.versions.node}, HAProxy `)
    const registry = rowsOf(page, 'The registry alone')
    expect(registry.map(([pods]) => pods)).toEqual(['10', '100'])
    expect(registry.every(([, ns = '']) => /^[\d.,]+ \([\d.,]+ to [\d.,]+\)$/.test(ns))).toBe(true)
    expect(rowsOf(page, 'A template in a process of its own').map(([reads]) => reads)).toEqual(['`hosts`', '`pods`'])
    // What is printed is what is written.
    const [, printed = ''] = stdout.split('## The registry alone')
    expect(page).toContain(printed.slice(0, printed.indexOf('`npm run bench -- ping`')))
    execFileSync(
      process.execPath,
      [join(root, 'node_modules/prettier/bin/prettier.cjs'), '--check', dir.file('page.md')],
      {
        cwd: root,
        stdio: 'ignore'
      }
    )
  })

  it('tells which question has no valid run, goes on with the others, and fails', async () => {
    // Neither Python nor anything else but what the page says the versions of.
    await mkdir(dir.file('bin'))
    for (const name of ['haproxy', 'etcd']) {
      const path = execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()
      await symlink(path, dir.file(`bin/${name}`))
    }
    const { code, stderr, page } = await bench(dir.file('page.md'), ['render', 'ping'], { PATH: dir.file('bin') })

    expect(code).toBe(1)
    expect(stderr).toContain('bench: render is not valid: spawnSync python3 ENOENT')
    expect(page).toContain('**No valid run**: spawnSync python3 ENOENT')
    expect(rowsOf(page, 'The registry alone')).toHaveLength(2)
  })
})
