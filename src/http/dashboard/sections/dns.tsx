import type { Dns as Answer, DnsRecord } from '../answers.ts'
import { Age, Mark, Section, Table, type Column } from '../parts.tsx'

const COLUMNS: readonly Column<DnsRecord>[] = [
  { title: 'Record', kind: 'wide', cell: describeRecord },
  { title: 'State', cell: (record) => <State record={record} /> },
  { title: 'Wanted', kind: 'lines', cell: ({ wanted }) => lines(wanted) },
  { title: 'Found', kind: 'lines', cell: ({ found }) => (found === undefined ? 'not looked at' : lines(found)) },
  {
    title: 'Looked at',
    cell: ({ lastChecked }) => lastChecked !== undefined && <Age at={lastChecked} />
  }
]

/** The records that point at the proxies: wanted, and found. */
export function Dns({ dns }: { dns: Answer }) {
  return (
    <Section id="dns" title="DNS">
      <p id="dns-note" class="quiet">
        {describe(dns)}
      </p>
      <Table
        caption="Records wanted and found"
        noun="record"
        columns={COLUMNS}
        rows={dns.records}
        keyOf={({ name, type }) => `${type} ${name}`}
      />
    </Section>
  )
}

function describe({ enabled, leader, dryRun, note }: Answer): string {
  if (!enabled) return 'Not used: the pod has no annotation haproxy.unity3d.com/route53.'
  const writer = leader ? 'This process is the one that writes' : 'Another process writes'
  const sentences = [`${writer}${dryRun ? ', and this is a dry run' : ''}.`]
  if (note !== undefined) sentences.push(`${note.charAt(0).toUpperCase()}${note.slice(1)}.`)
  return sentences.join(' ')
}

function describeRecord({ name, type, ttl, lastError, note }: DnsRecord): string {
  return [`${name} ${type}, TTL ${ttl} s`, lastError?.message, lastError?.hint, note].filter(Boolean).join('. ')
}

function State({ record: { wanted, found, lastError, changeStatus } }: { record: DnsRecord }) {
  if (lastError !== undefined) return <Mark level="bad">error</Mark>
  if (found === undefined || lines(wanted) !== lines(found)) return <Mark level="warn">differs</Mark>
  if (changeStatus === 'PENDING') return <Mark level="idle">on its way</Mark>
  return <Mark level="ok">in line</Mark>
}

/** One a line. */
const lines = (values: readonly string[]): string => (values.length === 0 ? 'nothing' : [...values].sort().join('\n'))
