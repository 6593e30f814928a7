import { KontrolError } from '../errors.ts'

const SHORT_ESCAPES: Record<string, string> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"'
}

const ESCAPE = /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))/g

/**
 * Reads a map as the kubelet writes it into a downward-API volume: sorted
 * lines of `key="value"`, the value quoted as a Go string. Kubernetes 1.29:
 *
 *     haproxy.unity3d.com/config="frontend proxy\n  bind *:80\n"
 *     kubernetes.io/config.source="api"
 *
 * @param path named in the KTL_METADATA_INVALID that a line of another form causes
 */
export function parseDownwardMap(text: string, path: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '')
  return Object.fromEntries(
    lines.map((line, index) => {
      const match = /^([^=]+)="((?:[^"\\]|\\.)*)"$/.exec(line)
      if (match === null) {
        throw new KontrolError('KTL_METADATA_INVALID', `${path}:${index + 1} is no key="value": ${line.slice(0, 80)}`, {
          hint: 'Mount a downwardAPI volume there, with items for metadata.labels and metadata.annotations.'
        })
      }
      const [, key = '', value = ''] = match
      return [key, unquote(value)]
    })
  )
}

function unquote(quoted: string): string {
  return quoted.replace(ESCAPE, (_escape, byte?: string, short?: string, long?: string, letter?: string) => {
    const code = byte ?? short ?? long
    if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16))
    return SHORT_ESCAPES[letter ?? ''] ?? letter ?? ''
  })
}
