import { chmod, cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { detectVersion, type HaproxyVersion } from '../../src/haproxy/process/version.ts'
import { command } from '../support/service/command.ts'
import { unpackDebian } from '../support/neighbours/debian-root.ts'

/** Debian releases by the HAProxy that they ship. */
const RELEASES: Readonly<Record<string, string>> = { '2.6': 'bookworm', '3.0': 'trixie', '3.2': 'testing' }

/**
 * Brings the HAProxy that HAPROXY_VERSION names, with its own libraries, to the
 * front of PATH; the machine's own stays as it is, and is taken when it has that version.
 */
export async function setup(): Promise<() => Promise<void>> {
  const wanted = process.env.HAPROXY_VERSION ?? '3.0'
  const release = RELEASES[wanted]
  if (release === undefined) throw new Error(`HAPROXY_VERSION is one of ${Object.keys(RELEASES).join(', ')}`)
  const own = await detectVersion('haproxy')
  if (isOf(own, wanted)) {
    console.log(`HAProxy ${own.text}, the machine's own`)
    return async () => {}
  }
  const folder = await mkdtemp(join(tmpdir(), 'kh-haproxy-'))
  const programs = await unpack(release, folder)
  process.env.PATH = [programs, process.env.PATH].join(delimiter)
  const found = await detectVersion('haproxy')
  if (!isOf(found, wanted)) throw new Error(`Debian ${release} has HAProxy ${found.text}, not ${wanted}`)
  console.log(`HAProxy ${found.text} of Debian ${release}`)
  return async () => await rm(folder, { recursive: true })
}

const isOf = ({ major, minor }: HaproxyVersion, wanted: string): boolean => `${major}.${minor}` === wanted

async function unpack(release: string, folder: string): Promise<string> {
  const [debian, programs] = [join(folder, 'debian'), join(folder, 'bin')]
  await unpackDebian(release, ['haproxy'], debian)
  await mkdir(programs)
  const haproxy = join(programs, 'haproxy')
  await cp(join(debian, 'usr/sbin/haproxy'), haproxy)
  await chmod(haproxy, 0o755)
  await useLibrariesOf(debian, haproxy)
  return programs
}

/** It was linked against a newer C library than this machine may have, whose loader has to come along. */
async function useLibrariesOf(debian: string, program: string): Promise<void> {
  const interpreter = (await command('patchelf', ['--print-interpreter', program])).trim()
  const [libraries = ''] = (await readdir(join(debian, 'usr/lib'))).filter((name) => name.endsWith('-linux-gnu'))
  await command('patchelf', ['--set-interpreter', join(debian, 'usr', interpreter), program])
  await command('patchelf', ['--force-rpath', '--set-rpath', join(debian, 'usr/lib', libraries), program])
}
