import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../service/command.ts'

/** Unpacks packages of a Debian release, with all they need, into a folder: programs to run there, nothing set up. */
export async function unpackDebian(release: string, packages: readonly string[], folder: string): Promise<void> {
  const include = `--include=${packages.join()}`
  await command('debootstrap', ['--variant=minbase', include, '--download-only', release, folder])
  const archives = join(folder, 'var/cache/apt/archives')
  const files = (await readdir(archives)).filter((name) => name.endsWith('.deb'))
  // First what makes /lib and /bin links into /usr: later files must find them.
  const baseFirst = [...files].sort((a, b) => Number(b.startsWith('base-files_')) - Number(a.startsWith('base-files_')))
  for (const file of baseFirst) await command('dpkg-deb', ['-x', join(archives, file), folder])
}
