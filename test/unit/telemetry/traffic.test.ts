import { describe, expect, it } from 'vitest'
import { Traffic } from '../../../src/telemetry/traffic.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const HEADER = '# pxname,svname,qcur,scur,stot,act,bck,hrsp_4xx,hrsp_5xx,req_tot,ttime,ttime_max,mode,'

/** As HAProxy 2.6.12 answers `show stat -1 3 -1`, with the columns that matter here. */
const stat = (requests: number, errors = 0): string =>
  [
    HEADER,
    `front,FRONTEND,,2,${requests},,,0,${errors},${requests},,,http,`,
    `back,BACKEND,3,1,${requests},2,1,1,${errors},,12,40,http,`,
    ''
  ].join('\n')

async function watched(answers: (string | Error)[]): Promise<Traffic> {
  const clock = new FakeClock()
  const left = [...answers]
  const traffic = new Traffic({
    clock,
    ask: async () => {
      const answer = left.shift() ?? ''
      if (answer instanceof Error) throw answer
      return answer
    }
  })
  traffic.start()
  for (let polls = 0; polls < answers.length; polls++) {
    if (polls > 0) clock.advance(5_000)
    await new Promise(setImmediate)
  }
  await traffic.stop()
  return traffic
}

describe('what went through HAProxy', () => {
  it('is told as rates of counters, and gauges as they are', async () => {
    const traffic = await watched([stat(100), stat(150, 5)])

    const { at, proxies } = traffic.since()

    expect(at).toHaveLength(1)
    expect(proxies).toEqual([
      expect.objectContaining({ name: 'front', side: 'frontend', requests: [10], errors5xx: [1], usable: [null] }),
      expect.objectContaining({ name: 'back', side: 'backend', requests: [10], queue: [3], latency: [12], usable: [3] })
    ])
  })

  it('counts from zero after a reload', async () => {
    const traffic = await watched([stat(100), stat(20)])

    expect(traffic.since().proxies[0]?.requests).toEqual([4])
  })

  it('has a gap while HAProxy is away, and no rate over it', async () => {
    const traffic = await watched([stat(100), new Error('away'), stat(200), stat(210)])

    expect(traffic.since().proxies[0]?.requests).toEqual([null, null, 2])
    expect(traffic.since().proxies[0]?.sessions).toEqual([null, 2, 2])
  })

  it('tells only what was seen after a moment', async () => {
    const traffic = await watched([stat(0), stat(5), stat(10)])
    const { at } = traffic.since()

    expect(traffic.since(at[0])).toMatchObject({ at: [at[1]], proxies: [{ requests: [1] }, {}] })
    expect(traffic.since(at[1])).toEqual({ at: [], proxies: [], leftOut: 0 })
  })

  it('remembers a quarter of an hour', async () => {
    const traffic = await watched(Array.from({ length: 200 }, (_, n) => stat(n)))

    expect(traffic.since().at).toHaveLength(180)
  })
})
