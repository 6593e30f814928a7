import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { runSubprocess } from '../../src/platform/process/subprocess.ts'
import { tempDir } from './temp-dir.ts'

export interface SmallDisk extends AsyncDisposable {
  path: string
  fill(): Promise<void>
  /** Room again. */
  free(): Promise<void>
  /** Nothing is written to it any more, as the kernel does it to a disk with faults. */
  protect(): Promise<void>
  allow(): Promise<void>
}

/** A file system of a megabyte, or of as much as is said. */
export async function smallDisk(size = '1m'): Promise<SmallDisk> {
  const dir = await tempDir()
  const path = dir.file('disk')
  await mkdir(path)
  let mounts = 1
  await succeed('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', path])
  return {
    path,
    async fill() {
      const { stderr } = await runSubprocess('dd', ['if=/dev/zero', `of=${join(path, 'filler')}`], { env: process.env })
      if (!stderr.includes('No space left')) throw new Error(stderr)
    },
    free: () => rm(join(path, 'filler')),
    async protect() {
      // As a mount over itself: a disk with files that are open for writing cannot be made read-only.
      await succeed('mount', ['--bind', path, path])
      await succeed('mount', ['-o', 'remount,bind,ro', path])
      mounts++
    },
    async allow() {
      await succeed('umount', ['-l', path])
      mounts--
    },
    async [Symbol.asyncDispose]() {
      for (; mounts > 0; mounts--) await succeed('umount', ['-l', path])
      await dir[Symbol.asyncDispose]()
    }
  }
}

async function succeed(command: string, args: string[]): Promise<void> {
  const { code, stderr } = await runSubprocess(command, args, { env: process.env })
  if (code !== 0) throw new Error(stderr)
}
