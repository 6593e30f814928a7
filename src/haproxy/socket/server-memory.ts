import { isoTime } from '../../model/iso-time.ts'
import { withServers } from './each-server.ts'
import type { ProxyStat } from './show-stat.ts'
import type { ProxyStatus, ServerStatus } from './status.ts'

/** Seconds that two answers about the same moment may lie apart: HAProxy tells whole ones, and when it told them is known no better. */
const SLACK = 2

interface Remembered {
  /** UP, DOWN, MAINT, …: without how many checks are still to go. */
  word: string
  /** Seconds since the epoch. */
  since: number
  check: string | undefined
}

/**
 * What was told of each server, so that whoever watches sees no change that was none.
 *
 * HAProxy counts the seconds of a state backwards from now: taken from the clock they would give another moment at every other
 * look. So a moment stays once it was told, until the state is another one or began clearly later. And while the next check is
 * under way HAProxy has forgotten the words of the last one, which are told until they are others.
 */
export class ServerMemory {
  #known: ReadonlyMap<string, Remembered> = new Map()

  /**
   * @param proxies all that there are: others are forgotten
   * @param now when HAProxy told, in milliseconds since the epoch
   */
  async told(proxies: readonly ProxyStat[], now: number): Promise<ProxyStatus[]> {
    const known = new Map<string, Remembered>()
    const told = await withServers(proxies, ({ stateSeconds, isBeingChecked, ...server }, proxy): ServerStatus => {
      if (stateSeconds === undefined) return server
      const key = `${proxy.name}/${server.name}`
      const found = {
        word: firstWord(server.status),
        since: Math.floor(now / 1000) - stateSeconds,
        check: server.check
      }
      const state = remembered(this.#known.get(key), found, isBeingChecked === true)
      known.set(key, state)
      return { since: isoTime(state.since * 1000), ...server, ...(state.check !== undefined && { check: state.check }) }
    })
    this.#known = known
    return told
  }
}

function remembered(former: Remembered | undefined, found: Remembered, isBeingChecked: boolean): Remembered {
  if (former?.word !== found.word || Math.abs(former.since - found.since) > SLACK) return found
  const isLike = codeOf(former.check) === codeOf(found.check)
  return { ...former, check: isBeingChecked && isLike ? former.check : found.check }
}

const firstWord = (status: string): string => status.split(' ', 1)[0] ?? ''

/** `L7STS` of `L7STS/503, Service Unavailable`: the number is not told while a check is under way. */
const codeOf = (check: string | undefined): string | undefined => check?.split(/[/,]/, 1)[0]
