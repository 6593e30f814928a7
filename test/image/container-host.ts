import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'undici'
import { runSubprocess } from '../../src/platform/process/subprocess.ts'
import { eventually } from '../support/eventually.ts'

/** Of the bridge that the containers hang on, in a network namespace that knows no other network. */
export const GATEWAY = '10.89.77.1'
const SUBNET = '10.89.77.0/24'
const NETWORK = 'kontrol'
/** Where podman keeps what it knows of its networks and locks: one place for root, whatever the storage. */
const RUN_FOLDERS = ['/run/containers', '/run/libpod', '/run/netns', '/run/netavark', '/dev/shm']

/**
 * A machine for containers inside this one: a mount namespace and a network
 * namespace of its own, with podman and its storage in a temporary folder.
 * Processes of the test reach into its network over unix sockets.
 */
export class ContainerHost implements AsyncDisposable {
  readonly folder: string
  readonly #keeper: ChildProcess
  readonly #bridges: ChildProcess[] = []
  #sockets = 0

  static async start(): Promise<ContainerHost> {
    const folder = await mkdtemp(join(tmpdir(), 'ki-'))
    await configure(folder)
    // One pair of namespaces for all commands: podman leaves mounts in it that later commands look for. The cgroup file
    // system is hidden where it would be mixed, of versions 1 and 2. What podman keeps outside its storage, such as the
    // addresses that it gave away, ends with the namespace: after a run that was killed they would be taken for ever.
    const own = RUN_FOLDERS.map((path) => `mkdir -p ${path} && mount -t tmpfs tmpfs ${path}`).join(' && ')
    const script = `umount /sys/fs/cgroup/unified 2>/dev/null; ${own} && ip link set lo up && echo ready && exec sleep infinity`
    const keeper = spawn('unshare', ['--mount', '--net', 'sh', '-c', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(keeper.stdout, 'data')
    const host = new ContainerHost(folder, keeper)
    await host.podman('network', 'create', '--subnet', SUBNET, '--gateway', GATEWAY, NETWORK)
    return host
  }

  private constructor(folder: string, keeper: ChildProcess) {
    this.folder = folder
    this.#keeper = keeper
  }

  /** Runs podman; answers what it prints. */
  async podman(...args: string[]): Promise<string> {
    return await this.#run(['--net'], 'podman', args)
  }

  /** Builds an image, with the network of this machine. */
  async build(args: string[]): Promise<void> {
    await this.#run([], 'buildah', ['bud', '--isolation', 'chroot', '--format', 'docker', ...args])
  }

  /** Makes an image of a folder. */
  async importFolder(folder: string, name: string): Promise<void> {
    await this.#run([], 'sh', ['-c', 'tar -C "$0" -c . | podman import - "$1"', folder, name])
  }

  async imageMegabytes(name: string): Promise<number> {
    return Number(await this.podman('image', 'inspect', '--format', '{{.Size}}', name)) / 1e6
  }

  /** Starts a container on the bridge. */
  async run(name: string, ip: string, image: string, options: string[], command: string[] = []): Promise<void> {
    const fixed = ['--detach', '--name', name, '--network', NETWORK, '--ip', ip, '--no-healthcheck', '--replace']
    // As Docker does by itself, and as the pod's manifest asks Kubernetes to.
    const sysctl = ['--sysctl', 'net.ipv4.ip_unprivileged_port_start=0']
    await this.podman('run', ...fixed, ...sysctl, ...options, image, ...command)
  }

  /** Starts what a Kubernetes manifest describes. */
  async play(manifest: string, ip: string): Promise<void> {
    const file = join(this.folder, 'manifest.yaml')
    await writeFile(file, manifest)
    await this.podman('play', 'kube', '--network', NETWORK, '--ip', ip, file)
  }

  async exec(name: string, ...command: string[]): Promise<string> {
    return await this.podman('exec', name, ...command)
  }

  /** Everything that the container wrote, one line an entry. */
  async logs(name: string): Promise<string[]> {
    return (await this.podman('logs', name)).split('\n')
  }

  /** Connections from this process to an address of the containers' network. */
  async connect(ip: string, port: number): Promise<Pool> {
    return new Pool('http://container', { socketPath: await this.wayTo(ip, port), connections: 8, pipelining: 1 })
  }

  /** Path of a unix socket each of whose connections is one to that address. */
  async wayTo(ip: string, port: number): Promise<string> {
    const socketPath = join(this.folder, `to-${(this.#sockets += 1)}.sock`)
    const listen = `UNIX-LISTEN:${socketPath},fork,backlog=512`
    await this.#bridge(['--net'], listen, `TCP:${ip}:${port},connect-timeout=5`, socketPath)
    return socketPath
  }

  /** Lets the containers reach a port of this process' loopback at a port of the gateway. */
  async offer(port: number, gatewayPort: number): Promise<void> {
    const socketPath = join(this.folder, `from-${(this.#sockets += 1)}.sock`)
    await this.#bridge(undefined, `UNIX-LISTEN:${socketPath},fork`, `TCP:127.0.0.1:${port}`, socketPath)
    const listen = `TCP-LISTEN:${gatewayPort},fork,reuseaddr`
    this.#bridges.push(this.#spawn(['--net'], 'socat', [listen, `UNIX-CONNECT:${socketPath}`]))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const bridge of this.#bridges) bridge.kill()
    await this.podman('rm', '--all', '--force', '--time', '0').catch(() => {})
    const exited = once(this.#keeper, 'exit')
    this.#keeper.kill('SIGKILL')
    await exited
    // podman tidies up behind a container in processes of its own, which write there for a moment yet.
    await rm(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 })
  }

  async #bridge(namespaces: string[] | undefined, from: string, to: string, socketPath: string): Promise<void> {
    this.#bridges.push(this.#spawn(namespaces, 'socat', [from, to]))
    await eventually(() => readFile(socketPath).catch(({ code }: NodeJS.ErrnoException) => code === 'ENXIO'))
  }

  #spawn(namespaces: string[] | undefined, command: string, args: string[]): ChildProcess {
    const [program = '', ...rest] =
      namespaces === undefined ? [command, ...args] : this.#inside(namespaces, command, args)
    return spawn(program, rest, { stdio: 'ignore' })
  }

  async #run(namespaces: string[], command: string, args: string[]): Promise<string> {
    const [program = '', ...rest] = this.#inside(namespaces, command, args)
    const env = { ...process.env, ...environment(this.folder) }
    const { code, stdout, stderr } = await runSubprocess(program, rest, { env, maxOutputBytes: 16 * 1024 * 1024 })
    if (code !== 0)
      throw new Error(`${command} ${args.join(' ')}: ${code}\n${stdout.slice(-4000)}\n${stderr.slice(-8000)}`)
    return args[0] === 'logs' ? stdout + stderr : stdout.trimEnd()
  }

  #inside(namespaces: string[], command: string, args: string[]): string[] {
    return ['nsenter', '--target', String(this.#keeper.pid), '--mount', ...namespaces, command, ...args]
  }
}

const environment = (folder: string) => ({
  CONTAINERS_CONF: join(folder, 'containers.conf'),
  CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf')
})

async function configure(folder: string): Promise<void> {
  await mkdir(join(folder, 'networks'))
  await writeFile(
    join(folder, 'containers.conf'),
    `
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=1000:1000"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
network_config_dir = "${folder}/networks"
`
  )
  const hasOverlay = (await readFile('/proc/filesystems', 'utf8')).includes('\toverlay\n')
  await writeFile(
    join(folder, 'storage.conf'),
    `
[storage]
driver = "${hasOverlay ? 'overlay' : 'vfs'}"
graphroot = "${folder}/storage"
runroot = "${folder}/run"
`
  )
}
