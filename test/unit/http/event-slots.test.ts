import { describe, expect, it } from 'vitest'
import { NO_GRANTS, type Caller } from '../../../src/access/caller.ts'
import { EventSlots } from '../../../src/http/event-slots.ts'

const caller = (address: string, operate = false): Caller => ({
  from: 'network',
  address,
  foreignPage: false,
  grants: { ...NO_GRANTS, operate },
  knownToken: operate
})
const times = (count: number) => Array.from({ length: count }, (_, index) => index)

describe('the slots of the event stream', () => {
  it('are shared by senders, and one does not take those of the others', () => {
    const slots = new EventSlots()
    times(16).forEach(() => slots.take(caller('10.0.0.1')))

    expect(() => slots.take(caller('10.0.0.1'))).toThrow(/16 listeners come from 10.0.0.1 already/)
    const giveBack = slots.take(caller('10.0.0.2'))
    expect(slots.use).toMatchObject({ used: 17 })
    giveBack()
    expect(slots.use).toMatchObject({ used: 16 })
  })

  it('take a network of 64 bits for one sender', () => {
    const slots = new EventSlots()
    for (const host of times(16)) slots.take(caller(`2001:db8::${host}`))

    expect(() => slots.take(caller('2001:db8::ffff'))).toThrow(
      expect.objectContaining({ code: 'KTL_QUEUE_FULL' }) as Error
    )
    slots.take(caller('2001:db8:0:1::1'))
  })

  it('are kept in part for operators, however many strangers there are', () => {
    const slots = new EventSlots()
    for (const host of times(80)) slots.take(caller(`10.0.0.${host}`))

    expect(() => slots.take(caller('10.0.1.1'))).toThrow(/the rest is for operators/)
    times(20).forEach(() => slots.take(caller('10.0.0.1', true)))
    expect(() => slots.take(caller('10.0.0.1', true))).toThrow(/100 listeners already/)
  })

  it('come back each once', () => {
    const slots = new EventSlots()
    const all = times(16).map(() => slots.take(caller('10.0.0.1')))
    for (const giveBack of all) giveBack()

    expect(slots.use).toMatchObject({ used: 0 })
    times(16).forEach(() => slots.take(caller('10.0.0.1')))
  })
})
