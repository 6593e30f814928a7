import { element, setText } from './element.js'
import { clockTime, duration } from './words.js'

/** The control tier's time. An operator's clock may be wrong, and then every age would be. */
export class ServerClock {
  #aheadMs = 0

  now() {
    return Date.now() + this.#aheadMs
  }

  /** @param {string | null} dateHeader of an answer; its resolution is a second */
  heard(dateHeader) {
    const ahead = Date.parse(dateHeader ?? '') - Date.now()
    // Less is the way there and the rounding.
    if (!Number.isNaN(ahead)) this.#aheadMs = Math.abs(ahead) < 2000 ? 0 : ahead
  }

  /** @param {number} at */
  ago(at) {
    return `${duration((this.now() - at) / 1000)} ago`
  }

  /**
   * An age that tick() keeps true.
   *
   * @param {HTMLElement} cell
   * @param {string} iso
   */
  showAge(cell, iso) {
    let time = cell.querySelector('time')
    if (time === null) {
      time = element('time')
      cell.replaceChildren(time)
    }
    time.dateTime = iso
    time.dataset.age = ''
    setText(time, this.ago(Date.parse(iso)))
  }

  /**
   * @param {HTMLElement} cell
   * @param {string} iso
   */
  showTime(cell, iso) {
    setText(cell, clockTime(Date.parse(iso), this.now()))
  }

  tick() {
    for (const time of document.querySelectorAll('time')) {
      if ('age' in time.dataset) setText(time, this.ago(Date.parse(time.dateTime)))
    }
  }
}
