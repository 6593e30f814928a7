import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Pod } from '../../../src/model/pod.ts'
import { PodsByApp } from '../../../src/registry/pods-by-app.ts'
import { makePod } from '../../support/registry/make-pod.ts'

describe('PodsByApp', () => {
  it('shows the same snapshot until a pod comes or goes', () => {
    const byApp = new PodsByApp()
    byApp.add(makePod(0))
    const first = byApp.snapshot()
    expect(byApp.snapshot()).toBe(first)

    byApp.add(makePod(1))
    expect(byApp.snapshot()).not.toBe(first)
    expect(first.pods.map(({ seq }) => seq)).toEqual([0])
  })

  it('takes an app that did not change as it was', () => {
    const byApp = new PodsByApp()
    byApp.add(makePod(0, { app: 'large' }))
    const { apps } = byApp.snapshot()

    byApp.add(makePod(1, { app: 'small' }))

    expect(byApp.snapshot().apps.get('large')).toBe(apps.get('large'))
  })

  it('forgets an app with its last pod', () => {
    const byApp = new PodsByApp()
    const last = makePod(0)
    byApp.add(last)
    byApp.remove(last)

    expect(byApp.snapshot().apps.size).toBe(0)
  })

  it('shows what is there in order, whatever came and went, and however often it was asked', () => {
    const step = fc.record({ seq: fc.nat(12), app: fc.constantFrom('a', 'b', 'c'), asked: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const byApp = new PodsByApp()
        const present = new Map<number, Pod>()
        for (const { seq, app, asked } of steps) {
          const known = present.get(seq)
          if (known === undefined) present.set(seq, makePod(seq, { app }))
          else present.delete(seq)
          if (known === undefined) byApp.add(present.get(seq) as Pod)
          else byApp.remove(known)
          if (asked) byApp.snapshot()
        }
        const wanted = [...present.values()].sort((one, other) => one.seq - other.seq)
        const { pods, apps } = byApp.snapshot()
        expect(pods).toEqual(wanted)
        for (const [app, { pods, ips }] of apps) {
          expect(pods).toEqual(wanted.filter((pod) => pod.app === app))
          expect(ips).toEqual(pods.map(({ ip }) => ip))
        }
      })
    )
  })
})
