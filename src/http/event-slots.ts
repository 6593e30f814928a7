import { senderAt, type Caller } from '../access/caller.ts'
import { KontrolError } from '../errors.ts'
import type { LimitUse } from '../model/limits.ts'

/** Of which some are kept for operators who show a credential. */
const SLOTS = 100
const FOR_OPERATORS = 20
/** As many as one sender gets without one: a few pages, and what watches for a script. */
const PER_SENDER = 16

/** Who may listen to the stream of events. */
export class EventSlots {
  readonly #bySender = new Map<string, number>()
  #used = 0
  #strangers = 0

  get use(): LimitUse {
    return { limit: 'event_streams', used: this.#used, max: SLOTS }
  }

  /**
   * @returns what gives the slot back
   * @throws KontrolError KTL_QUEUE_FULL
   */
  take({ grants, address }: Caller): () => void {
    if (this.#used >= SLOTS) throw full(`There are ${SLOTS} listeners already`)
    return grants.operate ? this.#taken() : this.#takenBy(senderAt(address))
  }

  #takenBy(sender: string): () => void {
    const own = this.#bySender.get(sender) ?? 0
    if (own >= PER_SENDER) throw full(`${PER_SENDER} listeners come from ${sender} already`)
    if (this.#strangers >= SLOTS - FOR_OPERATORS) {
      throw full(`There are ${this.#strangers} listeners already, and the rest is for operators`)
    }
    this.#bySender.set(sender, own + 1)
    this.#strangers++
    const giveBack = this.#taken()
    return () => {
      const left = (this.#bySender.get(sender) ?? 1) - 1
      if (left === 0) this.#bySender.delete(sender)
      else this.#bySender.set(sender, left)
      this.#strangers--
      giveBack()
    }
  }

  #taken(): () => void {
    this.#used++
    return () => void this.#used--
  }
}

const full = (message: string): KontrolError =>
  new KontrolError('KTL_QUEUE_FULL', message, {
    hint: "Close one of them, send an operator's token, or ask GET /api/v1/reconfigurations now and then."
  })
