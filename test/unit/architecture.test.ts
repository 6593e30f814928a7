import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { describe, expect, it } from 'vitest'

const src = join(import.meta.dirname, '../../src')

/**
 * Folder → folders it may import; all may import errors.ts, and each its own files.
 * Files in src itself: errors.ts, the configuration, and the entries of the two programs.
 * Drawn in docs/architecture.md: change both together.
 */
const mayImport: Record<string, readonly string[]> = {
  model: [],
  platform: [],
  jinja: [],
  access: ['model', 'platform'],

  registry: ['model', 'platform'],
  lifecycle: ['model', 'platform', 'access'],
  render: ['model', 'platform', 'jinja'],
  haproxy: ['model', 'platform'],
  dns: ['model', 'platform'],
  kubernetes: ['model', 'platform'],
  telemetry: ['model', 'platform', 'jinja'],

  controller: ['model', 'platform'],
  steps: ['model', 'platform', 'render', 'lifecycle'],
  http: ['model', 'platform', 'access'],
  zerorpc: ['model', 'platform', 'access'],
  slave: ['model', 'platform', 'access'],

  demo: ['model', 'platform', 'slave', 'haproxy'],
  cli: [
    'model',
    'platform',
    'slave',
    'render',
    'haproxy',
    'lifecycle',
    'kubernetes',
    'demo',
    'bootstrap',
    'access',
    'root'
  ],

  // The wiring knows every concrete class.
  bootstrap: [
    ...['model', 'platform', 'access', 'registry', 'render', 'lifecycle', 'haproxy', 'dns', 'kubernetes', 'telemetry'],
    ...['controller', 'steps', 'http', 'zerorpc', 'slave', 'root']
  ]
}

/** The first folder below src, or "root" for a file that lies in src itself. */
function folderOf(file: string): string {
  const parts = relative(src, file).split(sep)
  return parts.length === 1 ? 'root' : (parts[0] ?? '')
}

function forbiddenImports(file: string, text: string): string[] {
  const folder = folderOf(file)
  const allowed = mayImport[folder]
  if (allowed === undefined) return [`the folder ${folder} is not in the table`]
  const specifiers = [...text.matchAll(/(?:from|import) ?\(?'(\.[^']+)'/g)].map(([, specifier = '']) => specifier)
  return specifiers.filter((specifier) => {
    const target = join(dirname(file), specifier)
    if (target === join(src, 'errors.ts')) return false
    return folderOf(target) !== folder && !allowed.includes(folderOf(target))
  })
}

describe('imports follow the architecture', () => {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))

  it.each(files.filter((file) => file.includes(sep)))('%s', (file) => {
    const path = join(src, file)

    expect(forbiddenImports(path, readFileSync(path, 'utf8'))).toEqual([])
  })

  it.each([
    ['a stage that sees another', 'registry/registry.ts', "import { x } from '../haproxy/driver.ts'"],
    ['a stage that imports another when needed', 'dns/zones.ts', "await import('../registry/registry.ts')"],
    ['the vocabulary that sees a stage', 'model/pod.ts', "import type { x } from '../registry/store.ts'"],
    ['a stage that sees the wiring', 'haproxy/driver.ts', "import { x } from '../bootstrap/service.ts'"],
    ['an edge that sees a stage', 'http/server.ts', "export { x } from '../lifecycle/automaton.ts'"]
  ])('would refuse %s', (_case, file, text) => {
    expect(forbiddenImports(join(src, file), text)).toHaveLength(1)
  })
})

/** All files that are loaded with one: what is imported when needed, or as a type alone, is not. */
function loadedWith(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found
  found.add(file)
  const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*?from '(\.[^']+)'/gm)
  for (const [, specifier = ''] of imports) loadedWith(join(dirname(file), specifier), found)
  return found
}

describe('a slave alone', () => {
  it.each(['bootstrap/slave-alone.ts', 'main.ts', 'cli/commands/run.ts'])(
    'loads nothing of a control tier by %s',
    (entry) => {
      const folders = new Set([...loadedWith(join(src, entry))].map(folderOf))

      const ofControlTier = ['registry', 'lifecycle', 'haproxy', 'controller', 'jinja']
      expect(ofControlTier.filter((folder) => folders.has(folder))).toEqual([])
    }
  )

  it('would be told of what it must not load', () => {
    expect([...loadedWith(join(src, 'bootstrap/control-tier.ts'))].map(folderOf)).toContain('haproxy')
  })
})
