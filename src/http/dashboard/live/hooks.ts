import { createContext } from 'preact'
import { useContext, useEffect, useMemo, useState } from 'preact/hooks'
import type { Connection, ConnectionState } from './connection.ts'
import type { Problem } from './control-tier.ts'
import { Refresher } from './refresher.ts'

/** Each answer of "HAProxy is away" is a line in the log of the control tier, which somebody may be reading just now. */
const REFUSED_RETRY_MS = 30_000

export const ConnectionContext = createContext<Connection>(undefined as never)

export const useConnection = (): Connection => useContext(ConnectionContext)

export function useConnectionState(): ConnectionState {
  const connection = useConnection()
  const [state, setState] = useState(connection.state)
  useEffect(() => {
    const follow = (): void => setState(connection.state)
    // Effects run a frame after the drawing: what came in between is not missed.
    follow()
    return connection.subscribe(follow)
  }, [connection])
  return state
}

export interface Resource<T> {
  /** The last answer; undefined before there is one. */
  body: T | undefined
  /** Why there is none now. */
  problem: Problem | undefined
  /** This process has no such route: a slave alone has neither pods nor an HAProxy. */
  absent: boolean
}

export interface ResourceOptions<T> {
  /** Milliseconds between two questions when no event says that there is something new. */
  everyMs: number
  /** Names of events that say so. */
  events?: readonly string[]
  /** What becomes of a new answer, where it only adds to the former one. */
  merge?: (former: T | undefined, answer: T) => T
}

/**
 * Asks a route again and again while the page is seen and the control tier is there.
 *
 * @param path relative to the page, or how to make it from the last answer; nothing is asked without one
 */
export function useResource<T>(
  path: string | undefined | ((former: T | undefined) => string),
  { everyMs, events = [], merge = (_former, answer) => answer }: ResourceOptions<T>
): Resource<T> {
  const connection = useConnection()
  const [resource, setResource] = useState<Resource<T>>({ body: undefined, problem: undefined, absent: false })
  const key = typeof path === 'function' ? 'made anew' : path
  useEffect(() => {
    if (path === undefined) return undefined
    let latest: Resource<T> = { body: undefined, problem: undefined, absent: false }
    let ended = false
    const refresher = new Refresher(
      async () => {
        const wanted = typeof path === 'function' ? path(latest.body) : path
        const answer = await connection.tier.ask(wanted).catch(() => undefined)
        if (ended) return true
        if (answer === undefined) {
          connection.doubt()
          return false
        }
        if ('body' in answer) latest = { body: merge(latest.body, answer.body as T), problem: undefined, absent: false }
        else if ('problem' in answer) latest = { ...latest, problem: answer.problem }
        else latest = { body: undefined, problem: undefined, absent: true }
        setResource(latest)
        return true
      },
      () => (latest.problem === undefined ? everyMs : REFUSED_RETRY_MS)
    )
    let { active, codes } = activity(connection.state)
    const follow = (): void => {
      const now = activity(connection.state)
      if (now.active && !active) refresher.start()
      else if (!now.active && active) refresher.pause()
      else if (now.codes !== codes) refresher.soon()
      ;({ active, codes } = now)
    }
    if (active) refresher.start()
    const unsubscribe = connection.subscribe(follow)
    const ignore = connection.onEvent((type) => {
      if (events.includes(type)) refresher.soon()
    })
    return () => {
      ended = true
      refresher.pause()
      unsubscribe()
      ignore()
    }
  }, [connection, key])
  return resource
}

/** Whether there is anybody to ask and to show it to; the codes of what is wrong, and whether events come. */
function activity({ connected, visible, ready, listening }: ConnectionState): { active: boolean; codes: string } {
  const codes = [...(ready?.problems.map(({ code }) => code) ?? []), listening].join()
  return { active: connected && visible, codes }
}

/** The control tier's time, anew each second while the page is seen. */
export function useNow(): number {
  const { tier } = useConnection()
  const [now, setNow] = useState(() => tier.now())
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setNow(tier.now())
    }, 1000)
    return () => clearInterval(timer)
  }, [tier])
  return now
}

/** The query of the page's address, so that what one looks at can be sent to somebody else. */
export function useAddress(): [URLSearchParams, (change: Readonly<Record<string, string | undefined>>) => void] {
  const [text, setText] = useState(location.search)
  useEffect(() => {
    const follow = (): void => setText(location.search)
    // A fold can be opened in the frame in which it is drawn, before this runs.
    follow()
    addEventListener('popstate', follow)
    addEventListener('kontrol-address', follow)
    return () => {
      removeEventListener('popstate', follow)
      removeEventListener('kontrol-address', follow)
    }
  }, [])
  const parameters = useMemo(() => new URLSearchParams(text), [text])
  return [parameters, changeAddress]
}

/** Which folds of a kind are open, as the address of the page says: their keys hold no comma. */
export function useOpen(kind: string): { keys: readonly string[]; toggle: (key: string, open: boolean) => void } {
  const [address, change] = useAddress()
  return {
    keys: listed(address, kind),
    toggle(key, open) {
      // Of the address as it is now: several may be opened before anything is drawn again.
      const keys = listed(new URLSearchParams(location.search), kind)
      if (open === keys.includes(key)) return
      change({ [kind]: (open ? [...keys, key] : keys.filter((one) => one !== key)).join() })
    }
  }
}

const listed = (address: URLSearchParams, kind: string): string[] =>
  (address.get(kind) ?? '').split(',').filter(Boolean)

function changeAddress(change: Readonly<Record<string, string | undefined>>): void {
  const parameters = new URLSearchParams(location.search)
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined || value === '') parameters.delete(name)
    else parameters.set(name, value)
  }
  const query = parameters.toString()
  history.replaceState(null, '', (query === '' ? location.pathname : `?${query}`) + location.hash)
  dispatchEvent(new Event('kontrol-address'))
}
