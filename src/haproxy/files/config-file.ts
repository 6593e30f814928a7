import { access, link, mkdir, rename, rm } from 'node:fs/promises'
import { findKontrolError, KontrolError } from '../../errors.ts'
import { writeFileAtomic } from '../../platform/files/atomic-file.ts'
import { readPlainFileIfThere, STATE_FILE_BYTES } from '../../platform/files/plain-file.ts'
import { maskValues } from '../../model/masking.ts'
import { secretsOf } from '../config/masked.ts'
import { haproxyEnvironment } from '../../platform/process/haproxy-environment.ts'
import { runSubprocess } from '../../platform/process/subprocess.ts'
import { asJudged, asLoaded, asWritten, earlyLines } from './as-loaded.ts'
import { baseConfig, judgedBaseConfig, peersConfig } from './base-config.ts'
import { isListenedOn } from '../process/listeners.ts'
import { fileArguments, renamedSockets, type HaproxyPaths } from './paths.ts'
import { TaskQueue } from '../../platform/queue.ts'

/** What a check may take. */
interface Effort {
  timeoutMs: number
  niceness?: number
}

/** HAProxy takes two seconds for ten thousand servers; what takes this long does not end. */
const PROMPT: Effort = { timeoutMs: 30_000 }
/** For a check that nobody waits for: traffic goes first while HAProxy reads ten thousand servers. */
export const PATIENT: Effort = { timeoutMs: 120_000, niceness: 5 }
/** A check has nothing to tidy up. */
const CHECK_GRACE_MS = 500
/** Of a check whose files were deleted under it. */
const RETRIES = 2

/** What stands in for the operator's file until there is one: HAProxy wants the file, and that it ends in LF. */
export const NO_CONFIG = '# No configuration yet.\n'

/**
 * The operator's configuration on disk: the candidate, the one HAProxy loads,
 * and the last good one. Each is only ever replaced as a whole. Callers know
 * texts as operators write them.
 *
 * base.cfg goes with the text, and is written before it: what is in between,
 * when we are killed, loads as well, but where the old text leans on its own
 * threads or names of keys. `restore()` puts both in their places.
 */
export class ConfigFile {
  readonly #paths: HaproxyPaths
  readonly #binary: string
  /** As last known: it stays known when somebody deletes the file. */
  #lastGood: string | undefined
  /** What HAProxy would begin with, and since when, as `performance.now()` counts. */
  #installed: { text: string; since: number } | undefined
  /** One check at a time: at ten thousand servers it takes a processor for seconds. */
  readonly #checks = new TaskQueue()
  #checking: AbortController | undefined
  #closed = false
  /** As base.cfg and peers.cfg have them. */
  #socketPaths: HaproxyPaths

  constructor(paths: HaproxyPaths, binary: string) {
    this.#paths = this.#socketPaths = paths
    this.#binary = binary
  }

  /** Makes the folder, base.cfg and peers.cfg, and makes them again when somebody has deleted them. */
  async prepare(): Promise<void> {
    await this.#prepareFor(this.#installed?.text ?? (await this.installed()) ?? '')
  }

  async #prepareFor(text: string): Promise<void> {
    await this.#put(this.#paths.base, baseConfig(this.#socketPaths, text))
    await this.#put(this.#paths.peers, peersConfig(this.#socketPaths))
  }

  /** Writes what is not there yet. */
  async #put(path: string, text: string): Promise<void> {
    if ((await readIfThere(path)) === text) return
    await mkdir(this.#paths.folder, { recursive: true })
    await writeFileAtomic(path, text)
  }

  /**
   * A worker takes over the sockets of the former one, without a name when somebody has deleted that, and knows them by
   * the words in which they are named: for as long as `task` takes, other words stand there where that is so, and the
   * next worker makes them anew.
   *
   * @param pid of HAProxy's master
   */
  async namingSocketsAnew<T>(pid: number, task: () => Promise<T>): Promise<T> {
    const { runtimeSocket, peersSocket } = this.#paths
    for (const path of [runtimeSocket, peersSocket]) {
      if (!(await exists(path)) && (await isListenedOn(path, pid))) this.#socketPaths = renamedSockets(this.#paths)
    }
    try {
      await this.prepare()
      return await task()
    } finally {
      this.#socketPaths = this.#paths
    }
  }

  /**
   * Writes the candidate and lets HAProxy judge it together with base.cfg and peers.cfg.
   *
   * @throws KontrolError KTL_HAPROXY_CONFIG_REJECTED in HAProxy's own words
   */
  async check(text: string, signal?: AbortSignal, effort = PROMPT): Promise<void> {
    await this.#checks.enqueue(async () => await this.#check(text, effort, signal))
  }

  /** Ends the check under way, which may hang, and begins none any more. */
  close(): void {
    this.#closed = true
    this.#checking?.abort()
  }

  async #check(text: string, effort: Effort, signal?: AbortSignal): Promise<void> {
    const checking = (this.#checking = new AbortController())
    const abort = (): void => checking.abort()
    if (this.#closed || signal?.aborted === true) abort()
    signal?.addEventListener('abort', abort)
    try {
      for (let more = RETRIES; ; more--) {
        checking.signal.throwIfAborted()
        await this.prepare()
        const { candidate, candidateBase, peers } = this.#paths
        await this.#put(candidateBase, judgedBaseConfig(this.#socketPaths, text))
        await writeFileAtomic(candidate, asJudged(text))
        try {
          return await this.#judge({ base: candidateBase, peers }, candidate, effort, checking.signal)
        } catch (error) {
          // A verdict on files that somebody deleted meanwhile is none on the text.
          if (more === 0 || (await this.#isThere(text))) throw error
        }
      }
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  async #isThere(text: string): Promise<boolean> {
    const { candidateBase, peers, candidate } = this.#paths
    const found = await Promise.all([candidateBase, peers, candidate].map(readIfThere))
    return found[0] !== undefined && found[1] !== undefined && found[2] === asJudged(text)
  }

  async #judge(
    ours: Pick<HaproxyPaths, 'base' | 'peers'>,
    path: string,
    effort = PROMPT,
    signal?: AbortSignal
  ): Promise<void> {
    // -W, as it is started: without it a `program` would be refused.
    const args = ['-W', '-c', ...fileArguments(ours, path)]
    const { code, stdout, stderr, timedOut } = await runSubprocess(this.#binary, args, {
      // As it would run: what is blank there is blank here.
      env: haproxyEnvironment(process.env),
      ...effort,
      graceMs: CHECK_GRACE_MS,
      ...(signal && { signal })
    })
    signal?.throwIfAborted()
    // The exit code alone counts: HAProxy says ALERT of things it goes on with.
    if (code === 0) return
    if (timedOut || code === null) {
      const how = timedOut ? `within ${effort.timeoutMs / 1000} s` : 'as its check was killed'
      throw new KontrolError('KTL_HAPROXY_UNREACHABLE', `HAProxy gave no verdict on the configuration ${how}`, {
        hint: 'Look what keeps "haproxy -c" from its end; it is tried again.'
      })
    }
    // HAProxy quotes the words that it does not like, and expands variables before.
    const text = (await readText(path)) ?? ''
    throw new KontrolError(
      'KTL_HAPROXY_CONFIG_REJECTED',
      `HAProxy refuses the configuration: ${maskValues(this.#words(stderr || stdout, text), await secretsOf(text))}`,
      { hint: 'Correct the template at the lines named; HAProxy goes on with what it runs.' }
    )
  }

  /** Makes a checked text the one that HAProxy loads. */
  async install(text: string): Promise<void> {
    await this.#prepareFor(text)
    await writeText(this.#paths.config, text)
    this.#noteInstalled(text)
  }

  /** The text that HAProxy has begun with, if it has begun after this moment or since, and nobody has replaced it since then. */
  async installedSince(moment: number): Promise<string | undefined> {
    if (this.#installed === undefined || this.#installed.since > moment) return undefined
    return await this.installed()
  }

  #noteInstalled(text: string): void {
    if (this.#installed?.text !== text) this.#installed = { text, since: performance.now() }
  }

  /** HAProxy has loaded it: kept as it is, while the file goes on to say what is changed at runtime. */
  async keepLoaded(): Promise<void> {
    await this.#share(this.#paths.config, this.#paths.loaded)
  }

  /** What the present worker loaded; undefined before the first one. */
  async loaded(): Promise<string | undefined> {
    return await readText(this.#paths.loaded)
  }

  /** The text serves: keeps it as the last good one. */
  async keep(text: string): Promise<void> {
    this.#lastGood = text
    await this.install(text)
    await this.#share(this.#paths.config, this.#paths.lastGood)
  }

  /**
   * Puts the last good text back, so that HAProxy begins with it whenever it starts; gives it back. Writes nothing
   * when all is in place, as a disk may take nothing at that moment.
   */
  async restore(): Promise<string> {
    await this.prepare()
    const { config, lastGood } = this.#paths
    const text = (this.#lastGood ??= (await readText(lastGood)) || (await this.#served()) || NO_CONFIG)
    const file = asLoaded(text)
    await this.#prepareFor(text)
    if ((await readIfThere(config)) !== file) {
      if ((await readIfThere(lastGood)) === file) await this.#share(lastGood, config)
      else await this.install(text)
    }
    this.#noteInstalled(text)
    if (text !== NO_CONFIG && (await readIfThere(lastGood)) !== file) await this.#share(config, lastGood)
    return text
  }

  /** Writes again what somebody deleted, as a HAProxy that dies must find it. */
  async putBack(): Promise<void> {
    const { config, lastGood } = this.#paths
    await this.prepare()
    if (this.#installed !== undefined && !(await exists(config))) await writeText(config, this.#installed.text)
    if (this.#lastGood !== undefined && this.#lastGood !== NO_CONFIG && !(await exists(lastGood))) {
      await writeText(lastGood, this.#lastGood)
    }
  }

  /** What HAProxy would begin with now. */
  async installed(): Promise<string | undefined> {
    return await readText(this.#paths.config)
  }

  /** Somebody deleted the last good file: what HAProxy was given to load is the next best. */
  async #served(): Promise<string | undefined> {
    for (const path of [this.#paths.config, this.#paths.loaded]) {
      const text = await readText(path)
      if (text === undefined || text === '' || text === NO_CONFIG) continue
      try {
        await this.#judge(this.#paths, path)
        return text
      } catch (error) {
        if (findKontrolError(error, 'KTL_HAPROXY_CONFIG_REJECTED') === undefined) throw error
      }
    }
    return undefined
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
  #words(output: string, text: string): string {
    const { base, candidate, candidateBase } = this.#paths
    const early = earlyLines(text).split('\n').length - 1
    const said = output
      .replaceAll(candidate, 'haproxy.cfg')
      .replaceAll(candidateBase, 'base.cfg')
      .replaceAll(base, 'base.cfg')
      .replace(/\bbase\.cfg:(\d+)/g, (words, line) => (Number(line) > early ? words : `haproxy.cfg:${line}`))
      .trim()
    return alertsOf(said) || said
  }
}

/** A missing last LF is fatal to HAProxy, and Jinja2 strips it. */
export const asFile = (text: string): string => (text.endsWith('\n') ? text : `${text}\n`)

/** The operator's text that is the file. */
async function readText(path: string): Promise<string | undefined> {
  const file = await readIfThere(path)
  return file === undefined ? undefined : asWritten(file)
}

async function writeText(path: string, text: string): Promise<void> {
  await writeFileAtomic(path, asLoaded(text))
}

const readIfThere = async (path: string): Promise<string | undefined> =>
  await readPlainFileIfThere(path, STATE_FILE_BYTES)

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false
  )
}

/** What HAProxy says as ALERT, without its prefix and the lines that only sum up, joined to one sentence. */
export function alertsOf(output: string): string {
  const alerts = [...output.matchAll(/^\[ALERT\]\s+\(\d+\) : (?:config : )?(.*)$/gm)].map(([, words = '']) => words)
  const telling = alerts.filter((words) => !/^(?:Error\(s\) found in|Fatal errors found)/.test(words))
  return (telling.length > 0 ? telling : alerts).join('; ')
}
