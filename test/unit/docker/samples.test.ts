import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCommand } from '../../../src/cli/command.ts'
import { lifecycle } from '../../../src/cli/commands/look/lifecycle.ts'
import { envTable } from '../../../src/environment.ts'
import { copyOf, readDockerfile } from '../../support/kontrol/dockerfile.ts'

const docker = join(import.meta.dirname, '../../../docker')
const folder = join(docker, 'samples')
const known = new Set(Object.values(envTable).map(({ name }) => name))

/** Those of a stage that another one is copied from. */
const stagesOf = (image: string) => readDockerfile(join(folder, image, 'Dockerfile'))

/** Files that the image has in /home/kontrol, by their path there. */
function contentOf(image: string): Map<string, string> {
  const copies = stagesOf(image)
    .flatMap(({ instructions }) => instructions)
    .filter(({ word }) => word === 'COPY')
    .map(({ rest }) => copyOf(rest))
    .filter(({ from }) => from === undefined)
  const files = copies.flatMap(({ sources }) => sources).flatMap((source) => filesIn(join(folder, source)))
  return new Map(files)
}

const filesIn = (path: string): [string, string][] =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const file = join(entry.parentPath, entry.name)
      return [file.slice(path.length + 1), readFileSync(file, 'utf8')]
    })

async function check(file: string, shell: string) {
  const said: string[] = []
  const code = await runCommand('lifecycle', lifecycle, ['check', file], {
    stdout: (line) => said.push(line),
    stderr: (line) => said.push(line),
    env: { KONTROL_SHELL: shell },
    signal: new AbortController().signal,
    columns: () => undefined
  })
  return { code, said: said.join('\n') }
}

describe('the base image', () => {
  it('has the tools and modules of the original, of Debian', () => {
    const lines = readFileSync(join(docker, 'packages.txt'), 'utf8')
      .split('\n')
      .map((line) => line.split(/\s+/))
    const packages = lines
      .filter(([, purposes = '']) => /\b(kontrol-base|image)(,|$)/.test(purposes))
      .map(([name]) => name)

    expect(packages).toEqual(
      expect.arrayContaining(['python3', 'python3-jinja2', 'python3-zmq', 'python3-msgpack', 'supervisor', 'busybox'])
    )
    expect(packages).toEqual(expect.arrayContaining(['jq', 'curl', 'netcat-openbsd', 'bc', 'procps', 'socat']))
  })
})

describe.each(['zookeeper', 'kafka', 'redis'])('the sample image %s', (image) => {
  it.each(['busybox ash', '/bin/sh'])('has a manifest without a problem under %s', async (shell) => {
    const { code, said } = await check(join(folder, image, 'lifecycle.yml'), shell)

    expect(code).toBe(0)
    expect(said).toMatch(/ states, no problem$/)
  })

  it('is made on the base image, of files that exist', () => {
    const own = stagesOf(image).at(-1)
    const content = contentOf(image)

    expect(own?.from).toBe('${BASE_IMAGE}')
    expect(readFileSync(join(folder, image, 'Dockerfile'), 'utf8')).toContain('ARG BASE_IMAGE=kontrol-base\n')
    expect(readDockerfile(join(docker, 'Dockerfile')).map(({ name }) => name)).toContain('kontrol-base')
    expect([...content.keys()]).toEqual(
      expect.arrayContaining(['lifecycle.yml', 'callback.py', 'tell.py', `supervisor/${image}.conf`])
    )
  })

  it('names only files of its own in /home/kontrol, but for those that its manifest writes', () => {
    const content = contentOf(image)
    const manifest = content.get('lifecycle.yml') ?? ''
    const texts = [...content.values(), readFileSync(join(folder, image, 'Dockerfile'), 'utf8')]
    const named = texts.flatMap((text) =>
      [...text.matchAll(/\/home\/kontrol\/([\w./-]+\w)/g)].map(([, path = '']) => path)
    )
    const written = [...manifest.matchAll(/(?:> |mkdir -p )\/home\/kontrol\/([\w./-]+\w)/g)].map(
      ([, path = '']) => path
    )

    expect(named).not.toEqual([])
    expect(named.filter((path) => !content.has(path) && !written.includes(path))).toEqual([])
  })

  it('sets only variables that there are', () => {
    const env = stagesOf(image).flatMap(({ instructions }) => instructions.filter(({ word }) => word === 'ENV'))
    const names = env.flatMap(({ rest }) => [...rest.matchAll(/(KONTROL_\w+)=/g)].map(([, name = '']) => name))

    expect(names).toEqual(expect.arrayContaining(['KONTROL_MODE', 'KONTROL_AUTOMATON', 'KONTROL_CALLBACK']))
    expect(names.filter((name) => !known.has(name))).toEqual([])
  })

  it('tells its automaton only what its manifest has', () => {
    const content = contentOf(image)
    const tags = [...(content.get('lifecycle.yml') ?? '').matchAll(/^ *- tag: (\S+)$/gm)].map(([, tag = '']) => tag)
    const callback = content.get('callback.py') ?? ''
    const told = [...callback.matchAll(/['"]WAIT (\w+)/g)].map(([, tag = '']) => tag)

    expect(told.filter((tag) => !tags.includes(tag))).toEqual([])
    expect(existsSync(join(folder, 'README.md'))).toBe(true)
  })
})
