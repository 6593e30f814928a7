import { cp, mkdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { command } from '../support/service/command.ts'
import type { ContainerHost } from './container-host.ts'

export const IMAGE = 'localhost/kontrol-haproxy'
const NODE = 'localhost/node'
const root = fileURLToPath(new URL('../../', import.meta.url))

/** As Debian's own base images have them: no documentation, no waiting for the disk. */
const dpkgSettings =
  'path-exclude /usr/share/doc/*\npath-exclude /usr/share/man/*\npath-exclude /usr/share/locale/*\nforce-unsafe-io\n'

/** A base image of a Debian release, which no registry is asked for. */
export async function makeBase(host: ContainerHost, release: 'trixie' | 'bookworm'): Promise<string> {
  const folder = join(host.folder, release)
  await command('debootstrap', ['--variant=minbase', release, folder, 'http://deb.debian.org/debian'])
  await writeFile(join(folder, 'etc/dpkg/dpkg.cfg.d/docker'), dpkgSettings)
  for (const rest of ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'var/lib/apt/lists', 'var/cache/apt']) {
    await rm(join(folder, rest), { recursive: true, force: true })
  }
  await mkdir(join(folder, 'var/cache/apt/archives/partial'), { recursive: true })
  await mkdir(join(folder, 'var/lib/apt/lists/partial'), { recursive: true })
  const name = `localhost/debian:${release}`
  await host.importFolder(folder, name)
  await rm(folder, { recursive: true })
  return name
}

/** What NODE_IMAGE stands for, laid out as the official images of Node are, from the Node that runs this test. */
export async function makeNodeImage(host: ContainerHost): Promise<void> {
  const folder = join(host.folder, 'node')
  const npm = await npmFolder()
  await mkdir(join(folder, 'usr/local/bin'), { recursive: true })
  await cp(process.execPath, join(folder, 'usr/local/bin/node'))
  await cp(npm, join(folder, 'usr/local/lib/node_modules/npm'), { recursive: true })
  for (const name of ['npm', 'npx']) {
    await symlink(`../lib/node_modules/npm/bin/${name}-cli.js`, join(folder, 'usr/local/bin', name))
  }
  await host.importFolder(folder, NODE)
  await rm(folder, { recursive: true })
}

/** `docker build -f docker/Dockerfile .`, as a user does it. */
export async function buildImage(
  host: ContainerHost,
  base: string,
  name = IMAGE,
  options: string[] = []
): Promise<void> {
  const volumes = await certificateVolumes(host)
  const bases = ['--build-arg', `BASE_IMAGE=${base}`, '--build-arg', `NODE_IMAGE=${NODE}`]
  await host.build([...bases, ...options, ...volumes, '--tag', name, '--file', join(root, 'docker/Dockerfile'), root])
}

/** A sample of `docker/samples`, as its README says. */
export async function buildSample(host: ContainerHost, sample: string, base: string): Promise<string> {
  const name = `localhost/${sample}`
  const folder = join(root, 'docker/samples')
  await host.build([
    '--build-arg',
    `BASE_IMAGE=${base}`,
    '--tag',
    name,
    '--file',
    join(folder, sample, 'Dockerfile'),
    folder
  ])
  return name
}

/** Where a proxy signs for the package registries, npm inside the build has to know its certificate, as it does outside. */
async function certificateVolumes(host: ContainerHost): Promise<string[]> {
  const bundle = process.env.NODE_EXTRA_CA_CERTS
  if (bundle === undefined) return []
  await writeFile(join(host.folder, 'npmrc'), 'cafile=/run/build-ca.crt\n')
  await writeFile(join(host.folder, 'ca.crt'), await readFile(bundle))
  const mounts = [`${host.folder}/npmrc:/root/.npmrc:ro`, `${host.folder}/ca.crt:/run/build-ca.crt:ro`]
  return mounts.flatMap((mount) => ['--volume', mount])
}

async function npmFolder(): Promise<string> {
  const which = await command('sh', ['-c', 'command -v npm'])
  return dirname(dirname(await realpath(which.trim())))
}
