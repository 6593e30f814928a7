import { describe, expect, it, vi } from 'vitest'
import { KontrolError } from '../../../src/errors.ts'
import { Automaton } from '../../../src/lifecycle/automaton.ts'
import { parseManifest } from '../../../src/lifecycle/manifest/manifest.ts'
import type { ActionContext } from '../../../src/lifecycle/step-runner.ts'
import { appPodsOf, type Hosts } from '../../../src/model/snapshot.ts'
import { configureStep, type ConfigureOutcome } from '../../../src/steps/configure.ts'
import { exposeViaRoute53Step } from '../../../src/steps/expose-via-route53.ts'
import { ReconfigurationLog } from '../../../src/steps/reconfiguration-log.ts'
import { renderStep } from '../../../src/steps/render.ts'
import { FaultyPods } from '../../../src/render/pods/faulty-pods.ts'
import { Renderer, type RendererDeps } from '../../../src/render/renderer.ts'
import { restartStep } from '../../../src/steps/restart.ts'
import { setupStep } from '../../../src/steps/setup.ts'
import { shutdownStep } from '../../../src/steps/shutdown.ts'
import { eventually } from '../../support/eventually.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { makePod } from '../../support/registry/make-pod.ts'
import { recordingLogger, silentLogger } from '../../support/test-logger.ts'

const context = (input: ActionContext['input'] = '', handed?: string): ActionContext => ({
  input,
  handed,
  variables: {},
  signal: new AbortController().signal
})

/** Renders as "<source>: <apps>", which shows what went in. */
function renderer({ source = (): string => 'v1', hosts = new Map([['known', ['10.0.0.1']]]) } = {}) {
  const compile = vi.fn((text: string) => ({
    render: ({ hosts: given }: { hosts: Hosts }) => ({
      text: `${text}: ${[...given].map(([app, ips]) => `${app}=${ips.join('+')}`).join(' ')}`,
      leftOut: []
    })
  }))
  const known = { hosts: () => hosts, pods: () => new Map() }
  const constants = { namespace: 'default', labels: {}, env: {} }
  return { compile, renderer: texts(new Renderer({ source, compile, known, constants }), { source, known }) }
}

function texts(renderer: Renderer, deps: Pick<RendererDeps, 'source' | 'known'>, onFailure = () => {}): FaultyPods {
  return new FaultyPods({
    guarded: { render: async (input, without) => ({ ...(await renderer.render(input, without)), loops: [] }) },
    template: deps.source,
    known: deps.known,
    clock: new FakeClock(),
    onRendered: () => {},
    onFailure
  })
}

function steps(outcome: ConfigureOutcome = 'applied') {
  const log = new ReconfigurationLog({ clock: new FakeClock(), logger: silentLogger() })
  const plan = { unchanged: 'none', applied: 'runtime', reload: 'reload' } as const
  const driver = {
    check: vi.fn(async () => {}),
    configure: vi.fn(async () => ({ outcome, plan: plan[outcome], operations: 2, reasons: ['because'], diff: 'd' })),
    restart: vi.fn(async () => ({ outcome: 'reloaded' as const }))
  }
  const hosts = { keep: vi.fn(async () => {}) }
  const parts = { log, texts: renderer().renderer }
  return {
    ...parts,
    driver,
    hosts,
    render: renderStep(parts),
    configure: configureStep({ ...parts, driver, hosts }),
    restart: restartStep({ driver, log })
  }
}

describe('FaultyPods of a Renderer', () => {
  it('tells when nothing comes out, as what was rendered before is not wanted any more', async () => {
    const onFailure = vi.fn()
    const known = { hosts: () => new Map(), pods: () => new Map() }
    const constants = { namespace: 'default', labels: {}, env: {} }
    const compile = () => ({ render: () => ({ text: 'text', leftOut: [] }) })
    let source = (): string => 'v1'
    const given = { source: () => source(), known }
    const renderer = texts(new Renderer({ ...given, compile, constants }), given, onFailure)

    await renderer.render('')
    expect(onFailure).not.toHaveBeenCalled()
    source = () => {
      throw new KontrolError('KTL_TEMPLATE_MISSING', 'gone')
    }
    await expect(renderer.render('')).rejects.toThrow('gone')

    expect(onFailure).toHaveBeenCalledTimes(1)
  })

  it('renders the hosts that are known now when it is given none', async () => {
    expect(await renderer().renderer.render('')).toBe('v1: known=10.0.0.1')
  })

  it('renders the hosts of the input, sorted by app', async () => {
    expect(await renderer().renderer.render('{"b": ["10.0.0.2"], "a": []}')).toBe('v1: a= b=10.0.0.2')
  })

  it('renders the backends that it is handed', async () => {
    const backends = new Map([['web', appPodsOf([makePod(2), makePod(1)])]])

    expect(await renderer().renderer.render(backends)).toBe('v1: web=10.0.0.1+10.0.0.2')
  })

  it('compiles a template once for as long as its text stays', async () => {
    let text = 'v1'
    const { compile, renderer: one } = renderer({ source: () => text })

    await one.render('')
    await one.render('')
    text = 'v2'
    await one.render('')

    expect(compile.mock.calls).toEqual([['v1'], ['v2']])
  })

  it.each(['{', '[]', '{"web": "10.0.0.1"}', '{"web": ["localhost"]}', '{"a b": []}'])(
    'refuses %s as hosts',
    async (input) => {
      await expect(renderer().renderer.render(input)).rejects.toThrowError('Invalid hosts')
    }
  )
})

describe('the steps from render to restart', () => {
  it('hand the candidate on and end the reconfiguration when servers were changed at runtime', async () => {
    const { render, configure, driver, log } = steps('applied')

    expect(await render(context())).toEqual({ outcome: 'done', made: 'v1: known=10.0.0.1' })
    expect(await configure(context('', 'v1: known=10.0.0.1'))).toMatchObject({ outcome: 'applied' })

    expect(driver.configure).toHaveBeenCalledWith('v1: known=10.0.0.1', expect.anything())
    expect(log.entries()).toMatchObject([{ plan: 'runtime', operations: 2, outcome: 'applied' }])
  })

  it('leave the reconfiguration open for a reload, which ends it', async () => {
    const { render, configure, restart, log } = steps('reload')

    await render(context())
    expect(await configure(context('', 'v1'))).toEqual({ outcome: 'reload', made: 'v1' })
    expect(log.entries()).toMatchObject([{ outcome: 'running' }])
    expect(await restart(context())).toBe('done')

    expect(log.entries()).toMatchObject([{ plan: 'reload', reasons: ['because'], outcome: 'reloaded' }])
  })

  it('render first when configure comes with hosts, and keep those', async () => {
    const { configure, driver, hosts } = steps()

    await configure(context('{"web": ["10.0.0.7"]}'))

    expect(driver.configure).toHaveBeenCalledWith('v1: web=10.0.0.7', expect.anything())
    expect(hosts.keep).toHaveBeenCalledWith('{"web": ["10.0.0.7"]}')
  })

  it('refuse to configure what was never rendered', async () => {
    const { configure } = steps()

    expect(await configure(context())).toMatchObject({ outcome: 'failed', error: { code: 'KTL_STEP_FAILED' } })
  })
})

describe('a broken template', () => {
  it('is told by one line of the log, and shown as one problem', async () => {
    const { logger, lines } = recordingLogger()
    const failure = new KontrolError('KTL_TEMPLATE_INVALID', 'line 3: oops', { hint: 'Correct it.' })
    const broken = renderer({
      source: () => {
        throw failure
      }
    })
    const log = new ReconfigurationLog({ clock: new FakeClock(), logger })
    const { manifest } = parseManifest(
      '{ initial: render, terminal: end, states: [{ tag: render, action: render }, { tag: end }] }'
    )
    const automaton = new Automaton({
      manifest,
      actions: { render: renderStep({ texts: broken.renderer, log }) },
      socketPath: '/unused',
      clock: new FakeClock(),
      logger
    })

    automaton.start()
    await eventually(() => automaton.problem !== undefined)

    const told = lines.filter(({ level }) => (level as number) >= 40)
    expect(told).toMatchObject([{ msg: 'reconfiguration failed', code: 'KTL_TEMPLATE_INVALID' }])
    expect(automaton.problem).toBe(failure.problem)
    expect(automaton.status().lastError).toMatchObject({ code: 'KTL_TEMPLATE_INVALID', state: 'render' })
  })
})

describe('setup', () => {
  it.each([
    [true, false, ['haproxy', 'address', 'statistics']],
    [false, false, ['haproxy', 'statistics']],
    [false, true, ['haproxy', 'address', 'statistics']]
  ])('starts HAProxy, and tells where it is once it has something to serve (%j, %j)', async (has, others, expected) => {
    const order: string[] = []
    const step = setupStep({
      driver: {
        start: async () => void order.push('haproxy'),
        get isConfigured() {
          return has && order.length > 0
        }
      },
      external: { tell: async () => void order.push('address') },
      othersConfigure: others,
      prepareStatistics: async () => void order.push('statistics')
    })

    expect(await step(context())).toBe('done')

    expect(order).toEqual(expected)
  })
})

describe('expose-via-route53', () => {
  it.each([
    ['', ['10.0.0.1'], { anew: true }],
    ['["1.2.3.4"]', ['1.2.3.4'], { anew: false }]
  ])('exposes for the input %j the addresses %j, %j', async (input, expected, how) => {
    const expose = vi.fn(async () => {})
    const step = exposeViaRoute53Step({
      addresses: () => ['10.0.0.1'],
      parse: (json) => JSON.parse(json) as string[],
      expose
    })

    expect(await step(context(input))).toBe('done')

    expect(expose).toHaveBeenCalledWith(expected, expect.anything(), how)
  })
})

describe('shutdown', () => {
  it('leaves before it stops HAProxy', async () => {
    const order: string[] = []
    const step = shutdownStep({
      leave: async () => void order.push('leave'),
      driver: { stop: async () => void order.push('stop') }
    })

    await step(context())

    expect(order).toEqual(['leave', 'stop'])
  })
})
