import { byId } from './element.js'

const KEY = 'kontrol-token'

/** The token that this tab shows, asked for when the control tier wants one, and gone with the tab. */
export class ReaderToken {
  #form = byId('token')
  #wrong = byId('token-wrong')

  constructor() {
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      const input = /** @type {HTMLInputElement} */ (byId('token-input'))
      sessionStorage.setItem(KEY, input.value.trim())
      location.reload()
    })
  }

  /** @returns {Record<string, string>} for a request */
  headers() {
    const token = sessionStorage.getItem(KEY)
    return token === null || token === '' ? {} : { authorization: `Bearer ${token}` }
  }

  /** @param {number} status of an answer: 401 asks for a token, 403 for another one */
  heard(status) {
    if (status !== 401 && status !== 403) return
    this.#wrong.hidden = sessionStorage.getItem(KEY) === null
    this.#form.hidden = false
  }
}
