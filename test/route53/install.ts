import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { unpackDebian } from '../support/neighbours/debian-root.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Folder of a Debian that has moto. */
    debian: string
  }
}

/** Debian 13 is the first release with moto's server; it is unpacked beside this machine's own. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const debian = await mkdtemp(join(tmpdir(), 'kh-moto-'))
  await unpackDebian('trixie', ['python3-moto', 'python3-flask', 'python3-flask-cors', 'python3-cffi-backend'], debian)
  await giveCertificates(debian)
  provide('debian', debian)
  return () => rm(debian, { recursive: true })
}

/** Python's requests, which moto imports, ends without a file of authorities; nothing was set up that would make it. */
async function giveCertificates(debian: string): Promise<void> {
  const folder = join(debian, 'usr/share/ca-certificates/mozilla')
  const [any = ''] = await readdir(folder)
  await copyFile(join(folder, any), join(debian, 'etc/ssl/certs/ca-certificates.crt'))
}
