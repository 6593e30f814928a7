import { describe, expect, it, onTestFinished } from 'vitest'
import { KontrolError, problemOf } from '../../../src/errors.ts'
import { Automaton } from '../../../src/lifecycle/automaton.ts'
import type { StateChange } from '../../../src/lifecycle/step-log.ts'
import { parseManifest } from '../../../src/lifecycle/manifest/manifest.ts'
import type { Action } from '../../../src/lifecycle/step-runner.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { silentLogger } from '../../support/test-logger.ts'
import { stepByHand, type StepByHand } from '../../support/haproxy/step-by-hand.ts'

const packaged = `
initial: idle
terminal: shutdown
states:
- { tag: render, action: render, force: true, on: { done: configure, failed: idle }, next: [render, configure] }
- { tag: configure, action: configure, force: true, on: { reload: restart, applied: idle, failed: idle } }
- { tag: restart, action: restart, force: true, on: { done: idle, failed: idle } }
- { tag: idle, next: ['*'] }
- { tag: dns, action: dns, on: { done: idle }, next: [render, dns] }
- { tag: shutdown, action: shutdown, force: true }
`

function machine(text: string, given: Record<string, Action> = {}) {
  const clock = new FakeClock()
  const { manifest } = parseManifest(text)
  const names = manifest.states.flatMap(({ action }) => action ?? [])
  const steps = Object.fromEntries(names.map((name) => [name, stepByHand()]))
  const actions = Object.fromEntries(names.map((name) => [name, given[name] ?? (steps[name] as StepByHand).action]))
  const automaton = new Automaton({ manifest, actions, socketPath: '/run/test.sock', logger: silentLogger(), clock })
  const changes: StateChange[] = []
  onTestFinished(automaton.subscribe((change) => changes.push(change)))
  automaton.start()
  /** The n-th run of the step, once it has started. */
  const run = (name: string, n = 0) => eventually(() => steps[name]?.started[n])
  const atRest = () => eventually(() => !automaton.status().running && automaton.status().queue.length === 0)
  return { automaton, clock, changes, run, atRest }
}

const refused = { code: 'KTL_TRANSITION_REFUSED', statusCode: 409 }

describe('an automaton', () => {
  it('begins with the initial state', async () => {
    const { automaton, changes, atRest } = machine(packaged)
    await atRest()

    expect(automaton.state).toBe('idle')
    expect(changes.map(({ state, running }) => [state, running])).toEqual([
      ['idle', true],
      ['idle', false]
    ])
  })

  it('stays usable in "idle" when there is no such initial state', async () => {
    const { automaton } = machine('initial: nowhere\nterminal: z\nstates: [{tag: a}, {tag: z}]\n')

    expect(automaton.state).toBe('idle')
    expect(await automaton.wait('a')).toEqual({ state: 'a', outcome: 'done' })
  })

  it('answers GOTO at the start, and WAIT at rest after all that "on" leads to', async () => {
    const { automaton, changes, run, atRest } = machine(packaged)
    await atRest()
    const seen: string[] = []
    const started = automaton.goto('render', '{"web":[]}').then(() => seen.push('started'))
    const render = await run('render')
    await started
    const waited = automaton.wait('dns').then((rest) => seen.push(`rested in ${rest.state} after ${rest.outcome}`))
    const first = automaton.status().queue.map(({ tag }) => tag)
    render.end('done')
    ;(await run('configure')).end('reload')
    expect(automaton.state).toBe('configure')
    ;(await run('restart')).end('done')
    ;(await run('dns')).end('done')
    await waited

    expect(first).toEqual(['dns'])
    expect(seen).toEqual(['started', 'rested in idle after done'])
    expect(changes.filter(({ running }) => running).map(({ state }) => state)).toEqual([
      'idle',
      'render',
      'configure',
      'restart',
      'idle',
      'dns',
      'idle'
    ])
  })

  it('hands the input to the state that was asked for, and not to those that follow by themselves', async () => {
    const { automaton, run, atRest } = machine(packaged)
    await atRest()
    automaton.set('N', '1')
    await automaton.goto('render', '{"web":[]}')
    const render = await run('render')
    render.end('done')
    const configure = await run('configure')

    expect([render.input, configure.input]).toEqual(['{"web":[]}', ''])
    expect(configure.variables).toEqual({ N: '1' })
  })

  it('rests where an outcome leads nowhere', async () => {
    const { automaton, run, atRest } = machine(packaged)
    await atRest()
    const waited = automaton.wait('configure', '{}')
    ;(await run('configure')).end('unheard-of')

    expect(await waited).toEqual({ state: 'configure', outcome: 'unheard-of' })
  })

  it('refuses at once what can never be allowed, and names what is', async () => {
    const { automaton, run } = machine(`
initial: stop
terminal: z
states:
- { tag: stop, action: stop, next: [st*] }
- { tag: start, action: start, next: [check] }
- { tag: check, next: [check] }
- { tag: z }
`)
    await run('stop')

    await expect(automaton.goto('nowhere')).rejects.toMatchObject(refused)
    await expect(automaton.wait('check')).rejects.toMatchObject({
      ...refused,
      message: '"check" cannot be asked for, the machine being in "stop"',
      hint: 'Ask for one of stop, start, z.'
    })
    void automaton.goto('start')
    await expect(automaton.goto('stop')).rejects.toMatchObject(refused)
    void automaton.goto('check')
    expect(automaton.status().queue.map(({ tag }) => tag)).toEqual(['start', 'check'])
  })

  it('refuses later what was allowed after an outcome that did not come', async () => {
    const { automaton, run } = machine(`
initial: a
terminal: z
states:
- { tag: a, action: a, force: true, on: { good: b } }
- { tag: b, next: [c] }
- { tag: c }
- { tag: z }
`)
    const asked = automaton.goto('c')
    ;(await run('a')).end('bad')

    await expect(asked).rejects.toMatchObject({ ...refused, hint: 'Ask for one of z.' })
    expect(automaton.state).toBe('a')
  })

  it('ends a step for a transition that has waited for a second, and moves nowhere by itself then', async () => {
    const { automaton, clock, run, atRest } = machine(packaged)
    await atRest()
    const killed = automaton.wait('dns')
    const dns = await run('dns')
    const next = automaton.goto('render')
    clock.advance(999)
    expect(dns.signal.aborted).toBe(false)
    clock.advance(1)
    expect(dns.signal.aborted).toBe(true)
    await next

    expect(await killed).toEqual({ state: 'dns', outcome: 'killed' })
    expect(automaton.status()).toMatchObject({ state: 'render', lastError: null })
  })

  it('leaves a forced step alone, and all the round that follows from it', async () => {
    const { automaton, clock, run, atRest } = machine(packaged)
    await atRest()
    await automaton.goto('render', '1')
    const next = automaton.goto('render', '2')
    clock.advance(60_000)
    ;(await run('render')).end('done')
    const configure = await run('configure')
    clock.advance(60_000)
    expect(configure.signal.aborted).toBe(false)
    configure.end('applied')
    await next

    expect((await run('render', 1)).input).toBe('2')
  })

  it('gives a step a quarter of a second at least, however long others have waited', async () => {
    const { automaton, clock, run } = machine(`
initial: a
terminal: z
states:
- { tag: a, action: a, force: true, next: ['*'] }
- { tag: b, action: b, next: ['*'] }
- { tag: z }
`)
    const a = await run('a')
    void automaton.goto('b')
    void automaton.goto('a')
    clock.advance(5_000)
    a.end('done')
    const b = await run('b')
    clock.advance(249)
    expect(b.signal.aborted).toBe(false)
    clock.advance(1)
    expect(b.signal.aborted).toBe(true)
  })

  it('lets a waiting transition into a round that goes on for ever', async () => {
    const { automaton, clock, run } = machine(`
initial: check
terminal: z
states:
- { tag: check, action: check, on: { done: check }, next: [stop] }
- { tag: stop }
- { tag: z }
`)
    ;(await run('check')).end('done')
    ;(await run('check', 1)).end('done')
    const last = await run('check', 2)
    const waited = automaton.wait('stop')
    clock.advance(1_000)

    expect(last.signal.aborted).toBe(true)
    expect(await waited).toEqual({ state: 'stop', outcome: 'done' })
  })

  it('keeps what is asked for before the start until the initial state is through', async () => {
    const { manifest } = parseManifest(
      'initial: a\nterminal: z\nstates: [{tag: a, next: [b]}, {tag: b}, {tag: c}, {tag: z}]\n'
    )
    const automaton = new Automaton({
      manifest,
      actions: {},
      socketPath: '/run/test.sock',
      logger: silentLogger(),
      clock: new FakeClock()
    })
    const asked = [automaton.wait('b'), automaton.wait('c')]
    automaton.start()

    await expect(asked[0]).resolves.toEqual({ state: 'b', outcome: 'done' })
    await expect(asked[1]).rejects.toMatchObject(refused)
    expect(automaton.status().history.map(({ tag }) => tag)).toEqual(['a', 'b'])
  })

  it('stops at once when it was never started', async () => {
    const { manifest } = parseManifest(packaged)
    const actions = {}
    const clock = new FakeClock()
    const automaton = new Automaton({ manifest, actions, socketPath: '/run/x.sock', logger: silentLogger(), clock })
    const asked = automaton.goto('render')
    await automaton.stop()

    await expect(asked).rejects.toMatchObject(refused)
    expect(automaton.status().history).toEqual([])
  })

  it('ends no step for a target that was refused', async () => {
    const { automaton, clock, run, atRest } = machine(packaged)
    await atRest()
    await automaton.goto('dns')
    const dns = await run('dns')
    await expect(automaton.goto('nowhere')).rejects.toMatchObject(refused)
    clock.advance(5_000)

    expect(dns.signal.aborted).toBe(false)
  })

  it('keeps the outcome of an action that ended well although it was asked to end', async () => {
    let finish = (): void => {}
    const dns: Action = () => new Promise((resolve) => (finish = () => resolve('done')))
    const { automaton, clock, atRest } = machine(packaged, { dns })
    await atRest()
    const waited = automaton.wait('dns')
    const next = automaton.goto('render')
    clock.advance(1_000)
    finish()

    expect(await waited).toEqual({ state: 'idle', outcome: 'done' })
    await next
  })

  it('tells who waits that a step failed, and why, although the machine came to rest', async () => {
    const error = new KontrolError('KTL_TEMPLATE_INVALID', 'Line 2: no end')
    const { automaton, atRest } = machine(packaged, { render: async () => ({ outcome: 'failed', error }) })
    await atRest()

    expect(await automaton.wait('render')).toEqual({ state: 'idle', outcome: 'failed', error: error.problem })
  })

  it('has the code of what nobody foresaw, as who told it has it', async () => {
    const error = new Error('ENOSPC: no space left on device, write')
    const { automaton, atRest } = machine(packaged, { render: async () => ({ outcome: 'failed', error }) })
    await atRest()

    await automaton.wait('render')
    expect(automaton.status().lastError).toMatchObject({ ...problemOf(error), state: 'render' })
  })

  it('lets the last input win where the caller says so, and answers all who asked', async () => {
    const { automaton, run, atRest } = machine(packaged)
    await atRest()
    await automaton.goto('render', '1')
    const asked = [
      automaton.goto('render', '2', { coalesce: true }),
      automaton.goto('render', '3', { coalesce: true }),
      automaton.wait('render', '4', { coalesce: true })
    ]
    expect(automaton.status().queue).toHaveLength(1)
    ;(await run('render')).end('failed')
    const second = await run('render', 1)
    second.end('failed')
    await Promise.all(asked)

    expect(second.input).toBe('4')
    expect(automaton.status().history.filter(({ tag }) => tag === 'render')).toHaveLength(2)
  })

  it('runs the same state as often as it is asked for otherwise', async () => {
    const { automaton, run, atRest } = machine(packaged)
    await atRest()
    const asked = ['1', '2', '3'].map((input) => automaton.wait('render', input))
    for (const n of [0, 1, 2]) (await run('render', n)).end('failed')

    await Promise.all(asked)
    expect(automaton.status().history.flatMap(({ tag, input }) => (tag === 'render' ? input : []))).toEqual([
      '1',
      '2',
      '3'
    ])
  })

  it('takes a hundred requests and no more', async () => {
    const { automaton, run, atRest } = machine(packaged)
    await atRest()
    await automaton.goto('dns')
    await run('dns')
    for (let n = 0; n < 100; n++) void automaton.goto('dns').catch(() => {})

    await expect(automaton.goto('dns')).rejects.toMatchObject({ code: 'KTL_QUEUE_FULL', retryable: true })
  })

  it('goes nowhere from the terminal state, and still answers', async () => {
    const { automaton, run, atRest } = machine(packaged)
    await atRest()
    await automaton.die()
    ;(await run('shutdown')).end('done')
    await atRest()

    await expect(automaton.die()).rejects.toMatchObject(refused)
    await expect(automaton.goto('render')).rejects.toMatchObject({ hint: 'Start the program anew: it is at its end.' })
    expect(automaton.state).toBe('shutdown')
  })

  it('stops by running the terminal state to its end, once, and drops what waits', async () => {
    const { automaton, clock, run, atRest } = machine(packaged)
    await atRest()
    await automaton.goto('dns')
    const dropped = automaton.goto('render')
    const stopped = [automaton.stop(), automaton.stop()]
    await expect(dropped).rejects.toMatchObject(refused)
    await expect(automaton.goto('render')).rejects.toMatchObject(refused)
    clock.advance(1_000)
    ;(await run('shutdown')).end('done')
    await Promise.all(stopped)

    expect(automaton.status().history.filter(({ tag }) => tag === 'shutdown')).toHaveLength(1)
  })

  it('waits for a terminal state that runs already when it is stopped', async () => {
    const { automaton, run, atRest } = machine(packaged)
    await atRest()
    await automaton.die()
    const stopped = automaton.stop()
    ;(await run('shutdown')).end('done')

    await stopped
    expect(automaton.status().history.at(-1)).toMatchObject({ tag: 'shutdown', outcome: 'done' })
  })

  it.each([
    ['an empty name', '', 'x'],
    ['a name with "="', 'a=b', 'x'],
    ['a zero byte', 'a', 'x\0'],
    ['more than an environment holds', 'a', 'x'.repeat(131_072)]
  ])('refuses to set a variable of %s', (_, name, value) => {
    const { automaton } = machine(packaged)

    expect(() => automaton.set(name, value)).toThrow(expect.objectContaining({ code: 'KTL_REQUEST_INVALID' }))
  })

  it('moves between tags that hold what a path of the machine would', async () => {
    const { automaton } = machine(`
initial: a.b
terminal: '#z'
states:
- { tag: a.b, next: ['%25/*'] }
- { tag: '%25/c', on: { done: .d } }
- { tag: .d }
- { tag: '#z' }
`)
    expect(await automaton.wait('%25/c')).toEqual({ state: '.d', outcome: 'done' })
    expect(await automaton.wait('#z')).toEqual({ state: '#z', outcome: 'done' })
  })

  it('goes on when a listener fails', async () => {
    const { automaton, atRest } = machine(packaged)
    automaton.subscribe(() => {
      throw new Error('listener')
    })
    await atRest()

    await expect(automaton.goto('render')).resolves.toBeUndefined()
  })

  it('may be asked from within a listener', async () => {
    const { automaton, run, atRest } = machine(packaged)
    const asked: Promise<unknown>[] = []
    automaton.subscribe(({ state, running }) => {
      if (state === 'idle' && !running && asked.length === 0) asked.push(automaton.goto('render', 'again'))
    })
    const render = await run('render')
    await Promise.all(asked)
    render.end('failed')
    await atRest()

    expect(render.input).toBe('again')
  })

  it('shows its states and what may be asked for from each', async () => {
    const { automaton, atRest } = machine(packaged)
    await atRest()

    expect(automaton.status().states.map(({ tag, kind, next }) => [tag, kind, next.length])).toEqual([
      ['render', 'action', 3],
      ['configure', 'action', 1],
      ['restart', 'action', 1],
      ['idle', 'none', 6],
      ['dns', 'action', 3],
      ['shutdown', 'action', 0]
    ])
  })
})

describe('the last error of an automaton', () => {
  const broken = new KontrolError('KTL_TEMPLATE_INVALID', 'line 3: unexpected end', { hint: 'Repair the annotation.' })

  async function failedRender() {
    const parts = machine(packaged)
    await parts.atRest()
    void parts.automaton.goto('render')
    ;(await parts.run('render')).fail(broken)
    await parts.atRest()
    return parts
  }

  it('says what failed, where and when', async () => {
    const { automaton, clock } = await failedRender()

    expect(automaton.status()).toMatchObject({
      state: 'idle',
      lastError: {
        code: 'KTL_TEMPLATE_INVALID',
        message: 'line 3: unexpected end',
        hint: 'Repair the annotation.',
        at: new Date(clock.now()).toISOString(),
        state: 'render'
      }
    })
    expect(automaton.status().history.at(-2)).toMatchObject({
      tag: 'render',
      outcome: 'failed',
      error: { code: broken.code }
    })
  })

  it('heals when the same state ends well', async () => {
    const { automaton, run } = await failedRender()
    void automaton.goto('render')
    ;(await run('render', 1)).end('done')
    await run('configure')

    expect(automaton.status().lastError).toBeNull()
  })

  it('is not healed by another round that has nothing to do with it', async () => {
    const { automaton, run, atRest } = await failedRender()
    void automaton.goto('dns')
    ;(await run('dns')).end('done')
    await atRest()

    expect(automaton.status().lastError).toMatchObject({ state: 'render' })
  })

  it('of a restart heals with a clean round that needs no restart', async () => {
    const { automaton, run, atRest } = machine(packaged)
    await atRest()
    void automaton.goto('configure', '{}')
    ;(await run('configure')).end('reload')
    ;(await run('restart')).fail(new Error('the new worker does not serve'))
    await atRest()
    const before = automaton.status().lastError
    void automaton.goto('render')
    ;(await run('render')).end('done')
    ;(await run('configure', 1)).end('applied')
    await atRest()

    expect(before).toMatchObject({
      code: 'KTL_STEP_FAILED',
      message: 'The step of "restart" failed: the new worker does not serve'
    })
    expect(automaton.status().lastError).toBeNull()
  })

  it('stands when the next round fails elsewhere', async () => {
    const { automaton, run, atRest } = await failedRender()
    void automaton.goto('render')
    ;(await run('render', 1)).end('done')
    ;(await run('configure')).end('failed')
    await atRest()

    expect(automaton.status().lastError).toMatchObject({
      state: 'configure',
      message: 'The step of "configure" failed'
    })
  })

  it('keeps the last hundred steps, with their input cut', async () => {
    const { automaton } = machine('initial: a\nterminal: z\nstates: [{tag: a, next: [a]}, {tag: z}]\n')
    for (let n = 0; n < 120; n++) await automaton.wait('a', 'x'.repeat(1_000))

    expect(automaton.status().history).toHaveLength(100)
    expect(automaton.status().history.at(-1)?.input).toBe(`${'x'.repeat(200)}…`)
  })
})
