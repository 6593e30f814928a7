import { link, readFile, rename, rm } from 'node:fs/promises'
import { KontrolError } from '../../errors.ts'
import { writeFileAtomic } from '../../platform/atomic-file.ts'
import { runSubprocess } from '../../platform/subprocess.ts'
import { fileArguments, type HaproxyPaths } from './paths.ts'
import { TaskQueue } from '../../platform/queue.ts'

/** HAProxy takes two seconds for ten thousand servers; what takes this long does not end. */
const CHECK_TIMEOUT_MS = 60_000

/** What stands in for the operator's file until there is one: HAProxy wants the file, and that it ends in LF. */
const NO_CONFIG = '# No configuration yet.\n'

/**
 * The operator's configuration on disk: the candidate, the one HAProxy loads,
 * and the last good one. Each is only ever replaced as a whole.
 */
export class ConfigFile {
  readonly #paths: HaproxyPaths
  readonly #binary: string
  /** One check at a time: at ten thousand servers it takes a processor for seconds. */
  readonly #checks = new TaskQueue()

  constructor(paths: HaproxyPaths, binary: string) {
    this.#paths = paths
    this.#binary = binary
  }

  /**
   * Writes the candidate and lets HAProxy judge it together with base.cfg and peers.cfg.
   *
   * @throws KontrolError KTL_HAPROXY_CONFIG_REJECTED in HAProxy's own words
   */
  async check(text: string, signal?: AbortSignal): Promise<void> {
    await this.#checks.enqueue(async () => await this.#check(text, signal))
  }

  async #check(text: string, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const { candidate } = this.#paths
    await writeFileAtomic(candidate, text)
    // -W, as it is started: without it a `program` would be refused.
    const args = ['-W', '-c', ...fileArguments(this.#paths, candidate)]
    const { code, stdout, stderr, timedOut } = await runSubprocess(this.#binary, args, {
      timeoutMs: CHECK_TIMEOUT_MS,
      ...(signal && { signal })
    })
    signal?.throwIfAborted()
    // The exit code alone counts: HAProxy says ALERT of things it goes on with.
    if (code === 0) return
    const words = timedOut ? `no verdict within ${CHECK_TIMEOUT_MS / 1000} s` : this.#words(stderr || stdout)
    throw new KontrolError('KTL_HAPROXY_CONFIG_REJECTED', `HAProxy refuses the configuration: ${words}`, {
      hint: 'Correct the template at the lines named; HAProxy goes on with what it runs.'
    })
  }

  /** Makes a checked text the one that HAProxy loads. */
  async install(text: string): Promise<void> {
    await writeFileAtomic(this.#paths.config, text)
  }

  /** HAProxy has loaded it: kept as it is, while the file goes on to say what is changed at runtime. */
  async keepLoaded(): Promise<void> {
    await this.#share(this.#paths.config, this.#paths.loaded)
  }

  /** What the present worker loaded; undefined before the first one. */
  async loaded(): Promise<string | undefined> {
    return await readIfThere(this.#paths.loaded)
  }

  /** The loaded file serves: keeps it as the last good one. */
  async keep(): Promise<void> {
    await this.#share(this.#paths.config, this.#paths.lastGood)
  }

  /** Puts the last good file back, so that HAProxy begins with it whenever it starts; gives back its text. */
  async restore(): Promise<string> {
    const text = await this.lastGood()
    if (text === undefined) await writeFileAtomic(this.#paths.config, NO_CONFIG)
    else await this.#share(this.#paths.lastGood, this.#paths.config)
    return text ?? NO_CONFIG
  }

  /** Undefined before the first configuration that served. */
  async lastGood(): Promise<string | undefined> {
    return await readIfThere(this.#paths.lastGood)
  }

  /** A second name for the same file, in one step; both are replaced and never written to, so they cannot drift. */
  async #share(from: string, to: string): Promise<void> {
    const temporary = `${to}.new`
    await rm(temporary, { force: true })
    await link(from, temporary)
    await rename(temporary, to)
    // rename() leaves the old name alone when both are the same file already.
    await rm(temporary, { force: true })
  }

  /**
   * Drops what an operator does not need. 2.6.12 says:
   *
   *     [NOTICE]   (13391) : haproxy version is 2.6.12-1+deb12u4
   *     [ALERT]    (13391) : config : parsing [haproxy.cfg:6] : unknown keyword 'foo' in 'frontend' section
   *     [ALERT]    (13391) : config : Fatal errors found in configuration.
   */
  #words(output: string): string {
    const said = output.replaceAll(this.#paths.candidate, 'haproxy.cfg').replaceAll(this.#paths.base, 'base.cfg').trim()
    return alertsOf(said) || said
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** What HAProxy says as ALERT, without its prefix and the lines that only sum up, joined to one sentence. */
export function alertsOf(output: string): string {
  const alerts = [...output.matchAll(/^\[ALERT\]\s+\(\d+\) : (?:config : )?(.*)$/gm)].map(([, words = '']) => words)
  const telling = alerts.filter((words) => !/^(?:Error\(s\) found in|Fatal errors found)/.test(words))
  return (telling.length > 0 ? telling : alerts).join('; ')
}
