import { describe, expect, it, vi } from 'vitest'
import { Controller, type ControllerDeps, type MembershipEvent } from '../../../src/controller/controller.ts'
import { KontrolError } from '../../../src/errors.ts'
import type { Pod } from '../../../src/model/pod.ts'
import type { Backends } from '../../../src/model/snapshot.ts'
import { takeSnapshot } from '../../support/registry/take-snapshot.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { recordingLogger } from '../../support/test-logger.ts'
import { makePod as pod } from '../../support/registry/make-pod.ts'

const stop = async (): Promise<void> => {}
const NOT_RECOVERING = { until: undefined, ended: new Promise<void>(() => {}) }

function start(change: Partial<ControllerDeps> = {}) {
  const pods: Pod[] = []
  let listener: (event: MembershipEvent) => void = () => {}
  const clock = new FakeClock()
  const { logger, lines } = recordingLogger()
  const goto = vi.fn(async () => {})
  const want = vi.fn()
  const noteCause = vi.fn()
  const controller = new Controller({
    registry: {
      snapshot: () => takeSnapshot(pods),
      recovery: NOT_RECOVERING,
      subscribe: (subscriber) => {
        listener = subscriber
        return () => (listener = () => {})
      }
    },
    lifecycle: { goto, hostsAsInput: true, ending: () => false },
    callback: undefined,
    dns: { want },
    noteCause,
    ownApp: 'haproxy',
    damperMs: 1000,
    clock,
    logger,
    ...change
  })
  controller.start()
  const join = (one: Pod): void => {
    pods.push(one)
    listener({ type: 'pod-up', pod: one, reason: 'new' })
  }
  return {
    controller,
    clock,
    lines,
    goto,
    want,
    noteCause,
    join,
    tell: (event: MembershipEvent) => listener(event)
  }
}

describe('Controller', () => {
  it('renders the hosts at once when a backend joins, and says why', () => {
    const { goto, noteCause, join } = start()

    join(pod(1))

    expect(goto).toHaveBeenCalledWith('render', '{"web": ["10.0.0.1"]}', { coalesce: true })
    expect(noteCause).toHaveBeenCalledWith('pod-up web 10.0.0.1 (new)')
  })

  it('gathers what follows into one more render', () => {
    const { goto, clock, join } = start()

    for (let seq = 1; seq <= 50; seq++) join(pod(seq))
    clock.advance(1000)

    expect(goto).toHaveBeenCalledTimes(2)
    expect(goto.mock.lastCall).toEqual(['render', expect.stringContaining('10.0.0.50'), { coalesce: true }])
  })

  it('moves the DNS record and not HAProxy when a proxy joins', () => {
    const { goto, want, join } = start()
    want.mockClear()

    join(pod(1, { app: 'haproxy', payload: { eip: '1.2.3.4' } }))

    expect(goto).not.toHaveBeenCalled()
    expect(want).toHaveBeenCalledWith([expect.objectContaining({ payload: { eip: '1.2.3.4' } })])
  })

  it('leaves DNS alone while backends come and go', () => {
    const { want, clock, join } = start()
    want.mockClear()

    for (let seq = 1; seq <= 100; seq++) {
      join(pod(seq))
      clock.advance(1000)
    }

    expect(want).not.toHaveBeenCalled()
  })

  it('acts on nothing while a lost registry fills, and then on all of it', async () => {
    const clock = new FakeClock()
    let fill = (): void => {}
    const ended = new Promise<void>((resolve) => (fill = resolve))
    const recovery: { until: number | undefined; ended: Promise<void> } = { until: 1, ended }
    const [goto, want] = [vi.fn(async () => {}), vi.fn()]
    let tell: (event: MembershipEvent) => void = () => {}
    const registry = {
      snapshot: () => takeSnapshot([pod(1), pod(2, { app: 'haproxy' })]),
      recovery,
      subscribe: (listener: typeof tell) => ((tell = listener), () => {})
    }
    start({ registry, clock, lifecycle: { goto, hostsAsInput: false, ending: () => false }, dns: { want } })

    tell({ type: 'pod-up', pod: pod(1), reason: 'new' })
    tell({ type: 'pod-up', pod: pod(2, { app: 'haproxy' }), reason: 'new' })
    clock.advance(20_000)
    expect(goto).not.toHaveBeenCalled()
    expect(want).not.toHaveBeenCalled()

    recovery.until = undefined
    fill()
    await vi.waitFor(() => expect(want).toHaveBeenCalledOnce())
    expect(goto).toHaveBeenCalledTimes(1)
    expect(want).toHaveBeenCalledExactlyOnceWith([pod(2, { app: 'haproxy' })])
  })

  it('looks at no pod for the built-in step, which takes those of the moment it runs', () => {
    const goto = vi.fn(async () => {})
    const snapshot = vi.fn(() => takeSnapshot([pod(1), pod(2, { app: 'haproxy' })]))
    let tell: (event: MembershipEvent) => void = () => {}
    const registry = {
      snapshot,
      recovery: NOT_RECOVERING,
      subscribe: (listener: typeof tell) => ((tell = listener), () => {})
    }
    start({ registry, lifecycle: { goto, hostsAsInput: false, ending: () => false }, dns: undefined })
    snapshot.mockClear()

    tell({ type: 'pod-up', pod: pod(1), reason: 'new' })

    expect(goto).toHaveBeenCalledWith('render', expect.any(Function), { coalesce: true })
    expect(snapshot).not.toHaveBeenCalled()
    const [, take] = goto.mock.lastCall as unknown as [string, () => Backends]
    expect([...take().keys()]).toEqual(['web'])
  })

  it("runs the user's callback for the pods of the moment it begins", () => {
    const request = vi.fn()
    const { clock, join } = start({ callback: { request, stop } })

    join(pod(1))
    clock.advance(1000)

    const [take] = request.mock.lastCall as [() => { pods: Pod[] }]
    expect(take().pods).toEqual([pod(1)])
  })

  it('takes a fleet that starts for one change: the callback waits for the damper, HAProxy does not', () => {
    const request = vi.fn()
    const { goto, clock, join } = start({ callback: { request, stop } })

    for (let seq = 1; seq <= 5; seq++) {
      join(pod(seq))
      clock.advance(150)
    }
    expect(goto).toHaveBeenCalledTimes(1)
    expect(request).not.toHaveBeenCalled()
    clock.advance(250)
    expect(request).toHaveBeenCalledTimes(1)

    // From then on as anything else.
    clock.advance(5000)
    join(pod(6))
    expect(request).toHaveBeenCalledTimes(2)
  })

  it('does not run the callback because a template changed', () => {
    const request = vi.fn()
    const { controller, clock } = start({ callback: { request, stop } })

    controller.templateChanged('edited')
    clock.advance(5000)

    expect(request).not.toHaveBeenCalled()
  })

  it('moves nothing when pods are held that never left', () => {
    const { goto, tell } = start()

    tell({ type: 'pods-held', app: 'web', pods: [pod(1), pod(2)], restored: 0 })

    expect(goto).not.toHaveBeenCalled()
  })

  it('renders those that are taken back when the others are held, and names that as the cause', () => {
    const { goto, noteCause, tell } = start()

    tell({ type: 'pods-held', app: 'web', pods: [pod(1), pod(2), pod(3)], restored: 1 })

    expect(goto).toHaveBeenCalledTimes(1)
    expect(noteCause).toHaveBeenCalledWith('pods-held web (3 silent at once, 1 of them taken back)', 'first')
  })

  it("runs the user's callback, which was told that they left, for those that are taken back", () => {
    const [request, stop] = [vi.fn(), vi.fn(async () => {})]
    const { clock, tell } = start({ callback: { request, stop } })
    clock.advance(60_000)
    request.mockClear()

    tell({ type: 'pods-held', app: 'web', pods: [pod(1), pod(2)], restored: 1 })
    clock.advance(60_000)

    expect(request).toHaveBeenCalledTimes(1)
  })

  it('moves the record for proxies that are taken back', () => {
    const { goto, want, tell } = start()
    want.mockClear()

    tell({ type: 'pods-held', app: 'haproxy', pods: [pod(1)], restored: 1 })

    expect(want).toHaveBeenCalledTimes(1)
    expect(goto).not.toHaveBeenCalled()
  })

  it('takes over the record and the callback when it becomes the leader', () => {
    const request = vi.fn()
    const { want, clock, tell } = start({ callback: { request, stop } })
    want.mockClear()

    tell({ type: 'leader', leading: true })
    clock.advance(1000)

    expect(want).toHaveBeenCalledTimes(1)
    expect(request).toHaveBeenCalledTimes(1)
  })

  it('tells of a change that the automaton refused', async () => {
    const refusal = new KontrolError('KTL_TRANSITION_REFUSED', 'not from here', { hint: 'Wait.' })
    const { lines, join } = start({
      lifecycle: { goto: () => Promise.reject(refusal), hostsAsInput: false, ending: () => false }
    })

    join(pod(1))
    await Promise.resolve()
    await Promise.resolve()

    expect(lines).toContainEqual(
      expect.objectContaining({ msg: 'change not rendered', code: 'KTL_TRANSITION_REFUSED' })
    )
  })

  it('asks nothing of a machine at its end, and finds nothing wrong with one that gets there meanwhile', async () => {
    let ending = true
    const goto = vi.fn(async () => {
      ending = true
      throw new KontrolError('KTL_TRANSITION_REFUSED', 'at its end')
    })
    const { lines, clock, join } = start({ lifecycle: { goto, hostsAsInput: false, ending: () => ending } })

    join(pod(1))
    expect(goto).not.toHaveBeenCalled()
    ending = false
    join(pod(2))
    clock.advance(1000)
    await Promise.resolve()
    await Promise.resolve()

    expect(goto).toHaveBeenCalledTimes(1)
    expect(lines).toEqual([])
  })

  it('does nothing any more once it was stopped', () => {
    const { controller, clock, goto, join } = start()
    join(pod(1))
    join(pod(2))

    void controller.stop()
    clock.advance(5000)
    join(pod(3))

    expect(goto).toHaveBeenCalledTimes(1)
  })
})
