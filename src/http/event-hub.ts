export interface HubEvent {
  /** Name of the event, such as `pod-up`. */
  type: string
  /** Shown as JSON. */
  data: unknown
}

/** Hands what happens in the program to whoever looks on. Costs nothing while nobody does. */
export class EventHub {
  readonly #listeners = new Set<(event: HubEvent) => void>()

  publish(type: string, data: unknown): void {
    for (const listener of this.#listeners) listener({ type, data })
  }

  /** Calling the result ends it. */
  subscribe(listener: (event: HubEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
