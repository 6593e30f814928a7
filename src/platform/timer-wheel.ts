import type { Cancel, Clock } from './clock.ts'

export interface TimerWheelOptions<T> {
  clock: Clock
  /** Gets all items that fell due in the same turn of the wheel, in no particular order. */
  onDue: (items: T[]) => void
  /**
   * Called instead of `onDue` when the wheel turned more than `jumpMs` away from
   * the time it was set for: the process stood still, or somebody moved the clock.
   * Due times are then worth nothing; schedule every item anew.
   */
  onJump: (byMs: number) => void
  /** The wheel turns at least this often while it has items, so no stall of twice this length escapes it. */
  jumpMs: number
  /** How long after its time an item may be noticed. */
  resolutionMs?: number
  slots?: number
}

const DEFAULT_RESOLUTION_MS = 100
/** At 100 ms a slot, one revolution takes 51 s: a TTL of 25 s goes around less than once. */
const DEFAULT_SLOTS = 512

/**
 * A hashed timer wheel: scheduling, moving and cancelling an item cost the same
 * whatever the number of items, and one timer of the clock serves them all.
 * An item whose time is further away than one revolution is passed over until
 * its turn comes.
 */
export class TimerWheel<T> {
  readonly #clock: Clock
  readonly #onDue: (items: T[]) => void
  readonly #onJump: (byMs: number) => void
  readonly #jumpMs: number
  readonly #resolutionMs: number
  readonly #slots: Set<T>[]
  /** The tick at which each item is due; a tick is a multiple of the resolution since the epoch. */
  readonly #ticks = new Map<T, number>()
  /** All ticks up to this one have been served. */
  #served: number
  #armed: { tick: number; cancel: Cancel } | undefined

  constructor({ clock, onDue, onJump, jumpMs, resolutionMs, slots }: TimerWheelOptions<T>) {
    this.#clock = clock
    this.#onDue = onDue
    this.#onJump = onJump
    this.#jumpMs = jumpMs
    this.#resolutionMs = resolutionMs ?? DEFAULT_RESOLUTION_MS
    this.#slots = Array.from({ length: slots ?? DEFAULT_SLOTS }, () => new Set<T>())
    this.#served = Math.floor(clock.now() / this.#resolutionMs)
  }

  get size(): number {
    return this.#ticks.size
  }

  /** Makes `item` fall due at `at` (milliseconds since the epoch), whatever it was scheduled for before. */
  schedule(item: T, at: number): void {
    // Rounded up, as an item must never fall due before its time.
    const tick = Math.max(Math.ceil(at / this.#resolutionMs), this.#served + 1)
    const before = this.#ticks.get(item)
    if (before === tick) return
    if (before !== undefined) this.#slot(before).delete(item)
    this.#ticks.set(item, tick)
    this.#slot(tick).add(item)
    if (this.#armed === undefined || tick < this.#armed.tick) this.#arm(tick)
  }

  cancel(item: T): boolean {
    const tick = this.#ticks.get(item)
    if (tick === undefined) return false
    this.#slot(tick).delete(item)
    this.#ticks.delete(item)
    if (this.#ticks.size === 0) this.#disarm()
    return true
  }

  /** Drops every item and the timer. */
  clear(): void {
    this.#disarm()
    this.#ticks.clear()
    for (const slot of this.#slots) slot.clear()
  }

  #slot(tick: number): Set<T> {
    // The index is within bounds by construction.
    return this.#slots[tick % this.#slots.length] as Set<T>
  }

  #arm(wanted: number): void {
    this.#disarm()
    const now = this.#clock.now()
    const tick = Math.min(wanted, Math.ceil((now + this.#jumpMs) / this.#resolutionMs))
    const cancel = this.#clock.after(tick * this.#resolutionMs - now, () => this.#turn(tick))
    this.#armed = { tick, cancel }
  }

  #disarm(): void {
    this.#armed?.cancel()
    this.#armed = undefined
  }

  #turn(expected: number): void {
    this.#armed = undefined
    const offMs = this.#clock.now() - expected * this.#resolutionMs
    if (Math.abs(offMs) > this.#jumpMs) {
      this.#served = Math.floor(this.#clock.now() / this.#resolutionMs)
      this.#onJump(offMs)
    } else {
      // A timer may come a millisecond early: what it was armed for is due all the same.
      this.#serve(Math.max(expected, Math.floor(this.#clock.now() / this.#resolutionMs)))
    }
    this.#armNext()
  }

  #serve(until: number): void {
    const due: T[] = []
    const first = Math.max(this.#served + 1, until - this.#slots.length + 1)
    for (let tick = first; tick <= until; tick++) {
      for (const item of this.#slot(tick)) {
        if ((this.#ticks.get(item) ?? Infinity) > until) continue
        due.push(item)
        this.#slot(tick).delete(item)
        this.#ticks.delete(item)
      }
    }
    this.#served = until
    if (due.length > 0) this.#onDue(due)
  }

  /** Looks for the next slot that is not empty; its items may be due a revolution later, which costs one idle turn. */
  #armNext(): void {
    if (this.#ticks.size === 0 || this.#armed?.tick === this.#served + 1) return
    const last = this.#armed?.tick ?? this.#served + this.#slots.length
    for (let tick = this.#served + 1; tick <= last; tick++) {
      if (this.#slot(tick).size > 0) return this.#arm(tick)
    }
  }
}
