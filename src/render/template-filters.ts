import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { TemplateFault } from '../jinja/template-fault.ts'
import { asInt, nativeTable } from '../jinja/values/native-function.ts'
import { toText } from '../jinja/values/print.ts'
import { itemsOf } from '../jinja/values/sequences.ts'
import { UntrustedText } from '../jinja/values/untrusted-text.ts'
import { isTrue, type NativeFunction, type Runtime, type Value } from '../jinja/values/value.ts'
import { compareIps } from '../model/ip.ts'
import { quoteUntrusted, quoteWord } from './haproxy-words.ts'

const SHORT_HASH = { fewest: 4, usual: 8, most: 64 } as const

/** Filters that Jinja2 lacks and templates of HAProxy need. Documented in docs/templates.md. */
export const haproxyFilters: ReadonlyMap<string, NativeFunction> = new Map(
  nativeTable({
    ipv4: [[], (addresses, _, runtime) => ofFamily(addresses, 4, runtime)],
    ipv6: [[], (addresses, _, runtime) => ofFamily(addresses, 6, runtime)],
    sort_ips: [
      ['reverse?'],
      (addresses, [reverse = false], runtime) => {
        const items = itemsOf(addresses, runtime)
        runtime.spend(items.length * Math.ceil(Math.log2(items.length + 1)))
        const sorted = items.toSorted((a, b) => compareIps(toText(a), toText(b)))
        return isTrue(reverse) ? sorted.reverse() : sorted
      }
    ],
    short_hash: [
      ['length?'],
      (name, [length = SHORT_HASH.usual]) => {
        const hash = (text: string): string => shortHash(text, asInt(length))
        return name instanceof UntrustedText ? name.made(hash) : hash(toText(name))
      }
    ],
    haproxy_quote: [
      ['log_format?'],
      (value, [logFormat = false]) => {
        const isFormat = isTrue(logFormat)
        if (value instanceof UntrustedText) return value.made((text) => quoteUntrusted(text, isFormat))
        const quoted = quoteWord(toText(value), isFormat)
        if (quoted !== undefined) return quoted
        throw new TemplateFault('ValueError', 'haproxy_quote cannot quote a control character')
      }
    ]
  })
)

function ofFamily(addresses: Value, family: 4 | 6, runtime: Runtime): Value[] {
  return itemsOf(addresses, runtime).filter((address) => isIP(toText(address)) === family)
}

/** The first hex digits of the SHA-256 of a name: the same in every render, on every machine. */
function shortHash(name: string, length: number): string {
  if (length < SHORT_HASH.fewest || length > SHORT_HASH.most) {
    throw new TemplateFault(
      'ValueError',
      `short_hash gives ${SHORT_HASH.fewest} to ${SHORT_HASH.most} digits, not ${length}`
    )
  }
  return createHash('sha256').update(name).digest('hex').slice(0, length)
}
