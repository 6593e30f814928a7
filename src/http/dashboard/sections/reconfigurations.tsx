import type { Level, Reconfiguration } from '../answers.ts'
import { DiffText, Mark, OwnFold, Section, Table, Time, type Column } from '../parts.tsx'
import { grouped, milliseconds } from '../../../model/words/figures.ts'

const LEVELS: Readonly<Record<string, Level>> = { applied: 'ok', reloaded: 'ok', unchanged: 'ok', failed: 'bad' }

const PHASES = ['render', 'configure', 'restart'] as const

const COLUMNS: readonly Column<Reconfiguration>[] = [
  { title: 'Started', cell: ({ startedAt }) => <Time at={startedAt} /> },
  { title: 'Outcome', cell: ({ outcome }) => <Mark level={LEVELS[outcome] ?? 'idle'}>{outcome}</Mark> },
  { title: 'Cause', kind: 'wide', cell: (reconfiguration) => <Cause reconfiguration={reconfiguration} /> },
  { title: 'Plan', cell: ({ plan }) => plan ?? 'not known' },
  { title: 'Operations', kind: 'number', cell: ({ operations }) => grouped(operations) },
  ...PHASES.map((phase): Column<Reconfiguration> => ({
    title: `${phase}, ms`,
    kind: 'number',
    cell: ({ phases: { [phase]: ms } }) => (ms === undefined ? '–' : milliseconds(ms))
  }))
]

/** The last reconfigurations, newest first. */
export function Reconfigurations({ entries }: { entries: readonly Reconfiguration[] }) {
  return (
    <Section id="reconfigurations" title="Reconfigurations">
      <Table
        caption="The last reconfigurations, newest first"
        noun="reconfiguration"
        columns={COLUMNS}
        rows={[...entries].reverse()}
        // Ids begin anew when the control tier does.
        keyOf={({ id, startedAt }) => `${id} ${startedAt}`}
      />
    </Section>
  )
}

/** What happened, what went wrong, and on demand what changed. */
function Cause({ reconfiguration: { cause, error, reasons, diff } }: { reconfiguration: Reconfiguration }) {
  return (
    <>
      <div>{cause}</div>
      {error !== null && (
        <div class="error">
          {error.message} <code>{error.code}</code>
        </div>
      )}
      {error?.hint !== undefined && <div class="quiet">{error.hint}</div>}
      {reasons.length > 0 && <div class="quiet">Reloaded because {reasons.join(', ')}</div>}
      {diff !== '' && (
        <OwnFold summary="What changed">
          <DiffText diff={diff} />
        </OwnFold>
      )}
    </>
  )
}
