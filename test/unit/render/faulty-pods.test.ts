import { beforeEach, describe, expect, it } from 'vitest'
import { KontrolError } from '../../../src/errors.ts'
import type { Pod } from '../../../src/model/pod.ts'
import { appPodsOf, type Backends } from '../../../src/model/snapshot.ts'
import { FaultyPods } from '../../../src/render/pods/faulty-pods.ts'
import { Renderer } from '../../../src/render/renderer.ts'
import { compileTemplate, type LeftOutPod } from '../../../src/render/template.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { makePod } from '../../support/registry/make-pod.ts'

const TEMPLATE = `{% for pod in pods.web %}server {{ pod.key }} {{ pod.ip }} weight {{ pod.payload.weight + 1 }}
{% endfor %}`

const pod = (seq: number, weight: unknown = 1, app = 'web'): Pod =>
  makePod(seq, { app, key: `k${seq}`, payload: { weight } })

const backends = (pods: readonly Pod[]): Backends => {
  const apps = [...new Set(pods.map(({ app }) => app))].sort()
  return new Map(apps.map((app) => [app, appPodsOf(pods.filter((one) => one.app === app))]))
}

describe('pods with which nothing comes out', () => {
  let template = TEMPLATE
  let renderings = 0
  let leftOut: readonly LeftOutPod[] = []
  let failures = 0
  let faulty: FaultyPods

  beforeEach(() => {
    template = TEMPLATE
    renderings = failures = 0
    leftOut = []
    const known = { hosts: () => new Map(), pods: () => new Map() }
    const renderer = new Renderer({ source: () => template, compile: compileTemplate, known, constants: {} })
    faulty = new FaultyPods({
      guarded: {
        render: async (input, without) => {
          renderings++
          return { ...(await renderer.render(input, without)), loops: [] }
        }
      },
      template: () => template,
      known,
      clock: new FakeClock(),
      onRendered: (made) => (leftOut = made.leftOut),
      onFailure: () => failures++
    })
  })

  const render = async (pods: readonly Pod[]): Promise<string[]> => {
    renderings = 0
    return [...(await faulty.render(backends(pods))).matchAll(/server (\S+)/g)].map(([, name = '']) => name)
  }
  const out = (): string[] => leftOut.map(({ key }) => key)

  it('are left out by two renderings when they are new, and named with what fails', async () => {
    const good = Array.from({ length: 1000 }, (_, seq) => pod(seq))
    expect(await render(good)).toHaveLength(1000)

    expect(await render([...good, pod(2000, null)])).toHaveLength(1000)

    expect(renderings).toBe(2)
    expect(leftOut).toEqual([
      { app: 'web', ip: '10.0.0.2000', key: 'k2000', failure: expect.stringMatching(/line 1.*TypeError/s) as string }
    ])
    expect(failures).toBe(0)
  })

  it('are found among many that nothing is known of, in few renderings', async () => {
    const many = Array.from({ length: 1000 }, (_, seq) => pod(seq, [7, 500, 900].includes(seq) ? 'x' : 1))

    expect(await render(many)).toHaveLength(997)

    expect(out()).toEqual(['k7', 'k500', 'k900'])
    expect(renderings).toBeLessThan(50)
  })

  it('are left out as before when others come, and are back when they changed', async () => {
    const good = [pod(0), pod(1)]
    await render(good)
    const bad = [pod(2, 'x'), pod(3, [])]
    await render([...good, ...bad])
    expect(out()).toEqual(['k2', 'k3'])

    expect(await render([...good, ...bad, pod(4)])).toEqual(['k0', 'k1', 'k4'])
    expect(renderings).toBe(2)
    expect(await render([...good, pod(2, 5), pod(3, []), pod(4)])).toEqual(['k0', 'k1', 'k2', 'k4'])
    expect(out()).toEqual(['k3'])
    expect(await render([...good, pod(2, 5), pod(4)])).toEqual(['k0', 'k1', 'k2', 'k4'])
    expect(out()).toEqual([])
  })

  it('are left out although they are all that an app has, where it worked without them', async () => {
    const good = [pod(0), pod(1)]
    await render(good)
    template = TEMPLATE + TEMPLATE.replace('pods.web', 'pods.db').replace('pods.db', 'pods.db|default([])')
    await render(good)

    expect(await render([...good, pod(2, 'x', 'db'), pod(3, 'y', 'db')])).toEqual(['k0', 'k1'])
    expect(out()).toEqual(['k2', 'k3'])
  })

  it('stay out together when they cannot be told apart in time', async () => {
    const good = [pod(0), pod(1)]
    await render(good)
    const bad = Array.from({ length: 300 }, (_, index) => pod(index + 2, 'x'))

    expect(await render([...good, ...bad])).toEqual(['k0', 'k1'])

    expect(renderings).toBeLessThan(60)
    expect(leftOut).toHaveLength(300)
  })

  it.each([
    ['no pod could mend', '{{ 1 + none }}'],
    ['all pods of an app make show', '{% for pod in pods.web %}{{ pod.payload.wieght + 1 }}{% endfor %}']
  ])('are not to blame for a mistake of the template that %s', async (_, broken) => {
    const good = [pod(0), pod(1), pod(2, 1, 'db')]
    await render(good)
    template = broken

    await expect(render(good)).rejects.toMatchObject({ code: 'KTL_TEMPLATE_INVALID' })
    await expect(render([...good, pod(3)])).rejects.toMatchObject({ code: 'KTL_TEMPLATE_INVALID' })
    expect(failures).toBe(2)
  })

  describe('as HAProxy refuses it', () => {
    let checks = 0
    const judge = async (text: string): Promise<void> => {
      checks++
      const index = text.split('\n').findIndex((line) => / weight (?!\d{1,2}$)./.test(line))
      if (index < 0) return
      throw new KontrolError('KTL_HAPROXY_CONFIG_REJECTED', `HAProxy refuses: parsing [haproxy.cfg:${index + 1}] : bad`)
    }
    const accept = async (pods: readonly Pod[]): Promise<string | undefined> => {
      checks = 0
      const text = await faulty.render(backends(pods))
      return await faulty.acceptable(text, judge)
    }

    it('are found by the lines that it names', async () => {
      const many = Array.from({ length: 1000 }, (_, seq) => pod(seq, seq === 444 ? 1e6 : 1))

      const text = await accept(many)

      expect(text).not.toContain('k444 ')
      expect(text?.match(/server/g)).toHaveLength(999)
      expect(out()).toEqual(['k444'])
      expect(checks).toBeLessThan(5)
      expect(faulty.isDoubtful).toBe(true)

      expect(await accept([...many, pod(1000)])).toContain('k1000')
      expect(checks).toBe(2)
      expect(out()).toEqual(['k444'])
      await accept(many.filter(({ seq }) => seq !== 444))
      expect([out(), faulty.isDoubtful]).toEqual([[], false])
    })

    it('are not looked for in a text that somebody else has made', async () => {
      await faulty.render(backends([pod(0), pod(1, 1e6)]))

      expect(await faulty.acceptable('server other weight 1000', judge)).toBeUndefined()
    })

    it('are not to blame where it refuses those that it took before', async () => {
      const pods = [pod(0), pod(1)]
      faulty.inUse(await faulty.render(backends(pods)))
      const refused = new KontrolError('KTL_HAPROXY_CONFIG_REJECTED', 'HAProxy refuses')

      const text = await faulty.render(backends([...pods, pod(2)]))
      await expect(faulty.acceptable(text, () => Promise.reject(refused))).rejects.toBe(refused)
    })
  })
})
