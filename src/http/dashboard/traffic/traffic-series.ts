import type { Figures, Traffic, TrafficSeries } from '../answers.ts'

/** A quarter of an hour of figures, one each 5 s. */
export const KEPT = 180

/** Adds what is new, and drops what is older than a quarter of an hour. */
export function addTraffic(former: Traffic | undefined, answer: Traffic): Traffic {
  if (former === undefined || former.at.length === 0) return answer
  const at = [...former.at, ...answer.at].slice(-KEPT)
  const keys = new Map([...former.proxies, ...answer.proxies].map((series) => [keyOf(series), series]))
  const proxies = [...keys].map(([key, series]) => {
    const [before, after] = [former, answer].map(({ proxies }) => proxies.find((one) => keyOf(one) === key))
    const joined = Object.fromEntries(
      FIGURES.map((name) => [
        name,
        [...(before?.[name] ?? gap(former.at.length)), ...(after?.[name] ?? gap(answer.at.length))].slice(-KEPT)
      ])
    ) as Record<Figures, (number | null)[]>
    return { ...series, ...joined }
  })
  return {
    at,
    proxies: proxies.filter(({ sessions }) => sessions.some((value) => value !== null)),
    leftOut: answer.leftOut
  }
}

const FIGURES = ['requests', 'errors4xx', 'errors5xx', 'sessions', 'queue', 'latency', 'latencyMax', 'usable'] as const

const keyOf = ({ side, name }: TrafficSeries): string => `${side} ${name}`
const gap = (length: number): null[] => Array.from({ length }, () => null)
