import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { command } from '../support/service/command.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The package, as `npm run package:deb` makes it. */
    packageFile: string
    /** Debian 12 and 13, set up, with all that the package asks for. */
    bookworm: string
    trixie: string
  }
}

/** Both releases at once: half of a minute is spent waiting for the archive. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'kh-deb-'))
  const away = async () => await rm(folder, { recursive: true })
  try {
    const made = [makePackage(folder), makeDebian('bookworm', folder), makeDebian('trixie', folder, 'nodejs')]
    const [packageFile = '', bookworm = '', trixie = ''] = await Promise.all(made)
    await giveNode(bookworm, folder)
    provide('packageFile', packageFile)
    provide('bookworm', bookworm)
    provide('trixie', trixie)
  } catch (error) {
    await away()
    throw error
  }
  return away
}

async function makePackage(folder: string): Promise<string> {
  await command('npm', ['run', '--silent', 'package:deb', '--', folder])
  const [name = ''] = (await readdir(folder)).filter((one) => one.endsWith('.deb'))
  return join(folder, name)
}

async function makeDebian(release: string, folder: string, ...more: string[]): Promise<string> {
  const root = join(folder, release)
  const include = ['curl', 'haproxy', 'systemd-sysv', ...more].join()
  await command('debootstrap', ['--variant=minbase', `--include=${include}`, release, root])
  return root
}

/** Debian 12 has Node 18 alone, so its users have a nodejs of another archive: here one of the Node that runs this test. */
async function giveNode(debian: string, folder: string): Promise<void> {
  const root = join(folder, 'nodejs')
  await mkdir(join(root, 'DEBIAN'), { recursive: true })
  await mkdir(join(root, 'usr/bin'), { recursive: true })
  await cp(process.execPath, join(root, 'usr/bin/node'))
  const architecture = (await command('dpkg', ['--print-architecture'])).trim()
  const fields = ['Package: nodejs', `Version: ${process.versions.node}-1`, `Architecture: ${architecture}`]
  const rest = [
    'Maintainer: root <root@localhost>',
    'Depends: libc6, libstdc++6',
    'Description: JavaScript runtime',
    ''
  ]
  await writeFile(join(root, 'DEBIAN/control'), [...fields, ...rest].join('\n'))
  await command('dpkg-deb', ['--root-owner-group', '-Znone', '--build', root, join(debian, 'nodejs.deb')])
  await command('chroot', [debian, 'dpkg', '-i', '/nodejs.deb'])
  await rm(join(debian, 'nodejs.deb'))
  await rm(root, { recursive: true })
}
