import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tempDir } from '../temp-dir.ts'
import { copyOf, instructionsOf, readDockerfile } from './dockerfile.ts'

const REPOSITORY = join(import.meta.dirname, '../../..')

/**
 * What comes from the machine, and not from an image: Node, and the packages of docker/packages.txt. The rest is done as
 * the Dockerfiles say.
 */
const PROLOGUE = `
set -eu
mkdir -p /opt/kontrol/docker
copy() {
  context=$1 to=$2; shift 2
  case $to in */) mkdir -p "$to" ;; esac
  for name; do
    for source in $context/$name; do
      if [ -d "$source" ]; then mkdir -p "$to"; cp -R "$source/." "$to"
      elif [ -e "$source" ]; then cp "$source" "$to"; fi
    done
  done
}
rm -f /usr/bin/python /usr/bin/kontrol /usr/bin/automaton /usr/local/bin/kontrol /usr/local/bin/automaton
rm -rf /home/kontrol /data
userdel kontrol 2>/dev/null || :
`

/** A root of its own: this machine's files, and what is written over them in memory. */
const rootScript = (root: string, build: string): string => `
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs ${root}
mkdir ${root}/upper ${root}/work ${root}/merged
mount -t overlay overlay -o lowerdir=/,upperdir=${root}/upper,workdir=${root}/work ${root}/merged
cd ${root}/merged
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs tmpfs tmp
mkdir -p .${REPOSITORY}
mount --bind ${REPOSITORY} .${REPOSITORY}
cp ${build} tmp/build
exec chroot . sh /tmp/build
`

/** Shell lines that do what the instructions say, and run the entry point at last. */
function buildScript({ image, command = [], env }: Omit<ImageHostOptions, 'network'>): string {
  const base = instructionsOf(readDockerfile(join(REPOSITORY, 'docker/Dockerfile')), 'kontrol-base')
  const own = image === undefined ? [] : (readDockerfile(image.dockerfile).at(-1)?.instructions ?? [])
  const lines = [
    ...base.map((instruction) => ({ ...instruction, context: REPOSITORY })),
    ...own.map((instruction) => ({ ...instruction, context: image?.context ?? '' }))
  ].flatMap(({ word, rest, context }) => {
    if (word === 'ENV') return [`export ${rest}`]
    if (word === 'WORKDIR') return [`mkdir -p ${rest}`, `cd ${rest}`]
    if (word === 'RUN') return [`( ${rest} )`]
    if (word === 'COPY') return copyLines(rest, context)
    return []
  })
  const entrypoint = base.findLast(({ word }) => word === 'ENTRYPOINT')?.rest ?? '[]'
  // A pod's own settings come after those of its image.
  const settings = Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)}`)
  return [
    PROLOGUE,
    ...lines,
    ...settings,
    `exec ${[...(JSON.parse(entrypoint) as string[]), ...command].map(quoted).join(' ')}`,
    ''
  ].join('\n')
}

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`

function copyLines(rest: string, context: string): string[] {
  const { from, sources, to } = copyOf(rest)
  if (from === 'node') return [`ln -sf ${process.execPath} /usr/local/bin/node`]
  // As large as they are, they are not copied: what the build made is where the build made it.
  if (from === 'build') return sources.map((path) => `ln -s ${path.replace('/build', REPOSITORY)} ${to}`)
  const copy = `copy ${context} ${to} ${sources.map((source) => `'${source}'`).join(' ')}`
  // The machine has the packages.
  return rest.includes('install-packages.sh') ? [copy, ': > /opt/kontrol/docker/install-packages.sh'] : [copy]
}

export interface ImageHost extends AsyncDisposable {
  /** What its process 1, and all that it runs, have printed. */
  output(): string
  /** The exit code of its process 1. */
  ended: Promise<number | null>
  /** Ends it as a power cut does: every process at once, and what it wrote is gone. */
  kill(): Promise<void>
}

interface ImageHostOptions {
  /** On kontrol-base; that itself when absent. */
  image?: { dockerfile: string; context: string }
  /** In place of supervisord. */
  command?: readonly string[]
  /** Words before a program that shall run in the network of the host. */
  network: readonly string[]
  env: Readonly<Record<string, string>>
}

/** Runs an image of the base's kind as a container would: processes, files and a network of its own. */
export async function startImageHost({ network, ...options }: ImageHostOptions): Promise<ImageHost> {
  const dir = await tempDir()
  await writeFile(dir.file('build'), buildScript(options))
  await writeFile(dir.file('root'), rootScript(dir.file('mnt'), dir.file('build')))
  const log = openSync(dir.file('log'), 'a')
  const [program = '', ...words] = [
    ...network,
    ...['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c'],
    `mkdir ${dir.file('mnt')} && exec sh ${dir.file('root')}`
  ]
  const env = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }
  const child = spawn(program, words, { env, stdio: ['ignore', log, log] })
  const exited = once(child, 'exit')
  closeSync(log)
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  return {
    ended: exited.then(([code]) => code as number | null),
    output: () => readFileSync(dir.file('log'), 'utf8'),
    kill,
    async [Symbol.asyncDispose]() {
      await kill()
      await dir[Symbol.asyncDispose]()
    }
  }
}
