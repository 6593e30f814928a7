import { chmod, cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { detectVersion } from '../../src/haproxy/process/version.ts'
import { command } from '../support/command.ts'

/** The Debian release that the image is built on. */
const RELEASE = 'trixie'

/** Brings the HAProxy of that release, with its own libraries, to the front of PATH; the machine's own stays as it is. */
export async function setup(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'kh3-'))
  const [debian, programs] = [join(folder, 'debian'), join(folder, 'bin')]
  await command('debootstrap', ['--variant=minbase', '--include=haproxy', '--download-only', RELEASE, debian])
  const archives = join(debian, 'var/cache/apt/archives')
  for (const archive of await readdir(archives)) {
    if (archive.endsWith('.deb')) await command('dpkg-deb', ['-x', join(archives, archive), debian])
  }
  await mkdir(programs)
  const haproxy = join(programs, 'haproxy')
  await cp(join(debian, 'usr/sbin/haproxy'), haproxy)
  await chmod(haproxy, 0o755)
  await useLibrariesOf(debian, haproxy)
  process.env.PATH = [programs, process.env.PATH].join(delimiter)
  const { text, major } = await detectVersion('haproxy')
  if (major < 3) throw new Error(`HAProxy ${text} is none of ${RELEASE}`)
  console.log(`HAProxy ${text}`)
  return async () => await rm(folder, { recursive: true })
}

/** It was linked against a newer C library than this machine may have, whose loader has to come along. */
async function useLibrariesOf(debian: string, program: string): Promise<void> {
  const interpreter = (await command('patchelf', ['--print-interpreter', program])).trim()
  const [libraries = ''] = (await readdir(join(debian, 'usr/lib'))).filter((name) => name.endsWith('-linux-gnu'))
  await command('patchelf', ['--set-interpreter', join(debian, 'usr', interpreter), program])
  await command('patchelf', ['--force-rpath', '--set-rpath', join(debian, 'usr/lib', libraries), program])
}
