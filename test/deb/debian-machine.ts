import { spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'undici'
import { command } from '../support/service/command.ts'
import { eventually } from '../support/eventually.ts'

const MINUTE = 60_000

/**
 * Mounts what a machine has, makes the folder its root and becomes its systemd. What belongs to the kernel can only be read:
 * there is one kernel for all.
 */
const BECOME_INIT = `
cd "$0"
mount --bind . .
cd "$0"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
pivot_root . mnt
umount -l mnt
exec env -i container=test PATH=/usr/sbin:/usr/bin setpriv --bounding-set=-sys_module,-sys_time,-syslog /sbin/init
`

/** A copy of a root folder of Debian, booted: systemd as process 1, in namespaces and a network of its own. */
export class DebianMachine implements AsyncDisposable {
  /** What it has as its root; gone at its end. */
  readonly folder: string
  readonly #cgroup: string
  readonly #boot: ChildProcess
  readonly #bridges: ChildProcess[] = []
  #init = ''

  /** @param addresses that the machine has beside its loopback */
  static async boot(debian: string, addresses: readonly string[]): Promise<DebianMachine> {
    const folder = await mkdtemp(join(tmpdir(), 'kh-machine-'))
    await command('cp', ['-a', `${debian}/.`, folder])
    // Nobody sits there to log in.
    await symlink('/dev/null', join(folder, 'etc/systemd/system/getty.target'))
    const cgroup = join(await cgroupMount(), `kontrol-${randomInt(1_000_000)}`)
    await mkdir(cgroup)
    const namespaces = '--mount --pid --net --uts --ipc --cgroup --fork --kill-child'
    const script = `echo 0 > ${cgroup}/cgroup.procs && exec unshare ${namespaces} sh -ec '${BECOME_INIT}' "$0"`
    const boot = spawn('sh', ['-c', script, folder], { stdio: ['ignore', 'ignore', 'inherit'] })
    const machine = new DebianMachine(folder, cgroup, boot)
    try {
      await machine.#up(addresses)
    } catch (error) {
      await machine[Symbol.asyncDispose]()
      throw error
    }
    return machine
  }

  private constructor(folder: string, cgroup: string, boot: ChildProcess) {
    this.folder = folder
    this.#cgroup = cgroup
    this.#boot = boot
  }

  /** Runs a program there; answers what it prints. */
  async run(program: string, ...args: string[]): Promise<string> {
    const parts = ['--mount', '--pid', '--net', '--uts', '--ipc', '--cgroup', '--root', '--wd']
    const plain = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'DEBIAN_FRONTEND=noninteractive']
    return await command('nsenter', ['--target', this.#init, ...parts, ...plain, program, ...args])
  }

  /** As `run`, by /bin/sh, whatever its exit code is. */
  async shell(script: string): Promise<string> {
    return await this.run('sh', '-c', `${script}\ntrue`)
  }

  /** Connections from this process to a port there. */
  async connect(ip: string, port: number): Promise<Pool> {
    const socketPath = join(this.folder, `to-${this.#bridges.length}.sock`)
    const words = [`UNIX-LISTEN:${socketPath},fork`, `TCP:${ip}:${port},connect-timeout=5`]
    this.#bridges.push(spawn('nsenter', this.#inNetwork('socat', ...words), { stdio: 'ignore' }))
    await eventually(() => existsSync(socketPath), MINUTE)
    return new Pool('http://machine', { socketPath, connections: 8, pipelining: 1 })
  }

  /** Ports on which somebody listens there. */
  async listeningPorts(): Promise<number[]> {
    const lines = await command('nsenter', this.#inNetwork('ss', '--no-header', '--listening', '--tcp', '--numeric'))
    return [...lines.matchAll(/^LISTEN +\d+ +\d+ +\S+:(\d+) /gm)].map(([, port]) => Number(port)).sort((a, b) => a - b)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const bridge of this.#bridges) bridge.kill()
    if (this.#boot.exitCode === null && this.#boot.signalCode === null) {
      const exited = once(this.#boot, 'exit')
      this.#boot.kill('SIGKILL')
      await exited
    }
    // The kernel ends the processes of the machine after its first one, and its groups can go then.
    await eventually(() => command('find', [this.#cgroup, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', '+']), MINUTE)
    await rm(this.folder, { recursive: true })
  }

  async #up(addresses: readonly string[]): Promise<void> {
    this.#init = await eventually(async () => {
      const children = await readFile(`/proc/${this.#boot.pid}/task/${this.#boot.pid}/children`, 'utf8')
      return children.trim() || undefined
    }, MINUTE)
    await command('nsenter', this.#inNetwork('ip', 'link', 'set', 'lo', 'up'))
    for (const address of addresses) {
      await command('nsenter', this.#inNetwork('ip', 'address', 'add', `${address}/32`, 'dev', 'lo'))
    }
    // "degraded" is said where a unit has failed that wants to touch the kernel.
    await eventually(async () => /running|degraded/.test(await this.shell('systemctl is-system-running')), 3 * MINUTE)
  }

  #inNetwork(...words: string[]): string[] {
    return ['--target', this.#init, '--net', ...words]
  }
}

/** Where the second version of control groups is mounted, alone or beside the first. */
async function cgroupMount(): Promise<string> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' '))
  const found = mounts.find(([, , type]) => type === 'cgroup2')?.[1]
  if (found === undefined) throw new Error('No cgroup2 file system is mounted: systemd cannot be run')
  return found
}
