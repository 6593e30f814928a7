import { element, setText } from './element.js'

const TEXTS = [
  { title: 'The configuration that HAProxy runs', path: 'api/v1/config' },
  { title: 'The last one that was asked for, good or bad', path: 'api/v1/config?candidate' }
]

/**
 * The two texts that an operator compares when HAProxy refuses one; asked for when they are opened.
 *
 * @param {import('./control-tier.js').ControlTier} controlTier
 */
export function createConfigurationFolds(controlTier) {
  return TEXTS.map(({ title, path }) => {
    const text = element('pre', { tabindex: '0', role: 'group', 'aria-label': title })
    const fold = element('details', {}, element('summary', {}, title), text)
    fold.addEventListener('toggle', () => void fill())
    return fold

    async function fill() {
      if (!fold.open) return
      setText(text, 'Asking …')
      setText(text, await controlTier.text(path).catch(() => 'The control tier does not answer.'))
    }
  })
}
