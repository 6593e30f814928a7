import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { haproxyPaths, masterSocketArgument } from '../../../../src/haproxy/files/paths.ts'
import { findMaster } from '../../../../src/haproxy/process/process-table.ts'
import { exchange } from '../../../../src/haproxy/socket/exchange.ts'
import { eventually } from '../../../support/eventually.ts'
import { tempDir } from '../../../support/temp-dir.ts'

/** HAProxy as the control tier starts it, in a mount namespace of its own, behind a script that mounts there. */
async function haproxyBehind(script: string) {
  const [data, elsewhere] = [await tempDir(), await tempDir()]
  const paths = haproxyPaths(data.path)
  const argument = masterSocketArgument(paths)
  const config = elsewhere.file('a.cfg')
  await writeFile(config, `global\n  stats socket ${elsewhere.file('admin.sock')}\n`)
  const words = ['--mount', 'sh', '-ec', `${script}\nmkdir -p "$0/haproxy"\nexec haproxy -W -db -S "$1" -f "$2"`]
  const child = spawn('unshare', [...words, data.path, argument, config], { stdio: 'ignore' })
  return {
    pid: child.pid,
    argument,
    /** Its master has forked the worker, so that it is itself by now. */
    up: async () => await eventually(async () => await exchange(elsewhere.file('admin.sock'), 'show info'), 60_000),
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
      await data[Symbol.asyncDispose]()
      await elsewhere[Symbol.asyncDispose]()
    }
  }
}

describe('a HAProxy with mounts of its own', () => {
  it('is ours when it shares the data folder, as that of an earlier start under systemd does', async () => {
    await using haproxy = await haproxyBehind('mount -t tmpfs tmpfs /mnt')
    await haproxy.up()

    expect((await findMaster(haproxy.argument))?.pid).toBe(haproxy.pid)
  })

  it('is none of ours when the same path is another folder there, as in a container', async () => {
    await using haproxy = await haproxyBehind('mount -t tmpfs tmpfs "$0"')
    await haproxy.up()

    expect(await findMaster(haproxy.argument)).toBeUndefined()
  })
})
