/** What only some processes have; one that lacks the part shows no such metric. Times are milliseconds since the epoch. */
export interface PartSources {
  haproxyRuns?: (() => boolean) | undefined
  leads?: (() => boolean) | undefined
  storeReachable?: (() => boolean) | undefined
  callback?: (() => { failures: number; lastSuccess: number | undefined }) | undefined
  dnsRecords?: (() => readonly { failed: boolean }[]) | undefined
  masters?: (() => readonly { failures: number }[]) | undefined
  /** Of the certificate that ends first; undefined where there is none. */
  certificateEnd?: (() => number | undefined) | undefined
}

type PartGauge = [name: string, help: string, read: (() => number | undefined) | undefined]

/** `read` undefined: there is no such part here. Its answer undefined: nothing to tell yet. */
export function partGauges(parts: PartSources): PartGauge[] {
  const { haproxyRuns, leads, storeReachable, callback, dnsRecords, masters, certificateEnd } = parts
  const flag = (read: (() => boolean) | undefined) => read && (() => Number(read()))
  const count = <T>(read: (() => readonly T[]) | undefined, one: (item: T) => boolean = () => true) =>
    read && (() => read().filter(one).length)
  return [
    ['kontrol_haproxy_up', '1 while a HAProxy runs', flag(haproxyRuns)],
    ['kontrol_leader', '1 where this master leads the others', flag(leads)],
    ['kontrol_store_up', '1 while the store of the registry takes what is written', flag(storeReachable)],
    [
      'kontrol_callback_failures',
      'Failed runs of the callback since the last good one',
      callback && (() => callback().failures)
    ],
    [
      'kontrol_callback_last_success_timestamp_seconds',
      'End of the last good run of the callback',
      callback && (() => seconds(callback().lastSuccess))
    ],
    ['kontrol_dns_records', 'DNS records that this process looks after', count(dnsRecords)],
    [
      'kontrol_dns_records_failed',
      'Of these, those that could not be read or written',
      count(dnsRecords, (it) => it.failed)
    ],
    ['kontrol_masters', 'Masters that this slave reports to', count(masters)],
    [
      'kontrol_masters_unreachable',
      'Of these, those that do not take its keepalives',
      count(masters, (it) => it.failures > 0)
    ],
    [
      'kontrol_certificate_end_timestamp_seconds',
      'End of the certificate that ends first, of those that the control tier shows',
      certificateEnd && (() => seconds(certificateEnd()))
    ]
  ]
}

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000)
