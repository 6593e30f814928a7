import type { Lifecycle as Answer } from '../answers.ts'
import { useConnection } from '../live/hooks.ts'
import { Action, Mark, OwnFold, Section, Table, Time, type Column } from '../parts.tsx'
import { grouped, shortened } from '../../../model/words/figures.ts'

const INPUT_CHARACTERS = 120
/** Steps back that are drawn as the way which led here. */
const PATH_STEPS = 4

/** As the command `kontrol drain` has it. */
const SHUTDOWN = 'shutdown'

type Step = Answer['history'][number]

const COLUMNS: readonly Column<Step>[] = [
  { title: 'Started', cell: ({ startedAt }) => <Time at={startedAt} /> },
  { title: 'Step', cell: ({ tag }) => tag },
  { title: 'Outcome', cell: ({ outcome }) => <Mark level={outcome === 'failed' ? 'bad' : 'ok'}>{outcome}</Mark> },
  { title: 'ms', kind: 'number', cell: ({ ms }) => grouped(ms) },
  { title: 'Input', kind: 'wide', cell: ({ input }) => shortened(input, INPUT_CHARACTERS) }
]

/** Where the automaton stands in its manifest, and how it came there. */
export function Lifecycle({ lifecycle }: { lifecycle: Answer }) {
  const { tier } = useConnection()
  const { state, since, running, queue, history, states } = lifecycle
  const waiting = queue.length > 0 ? `; waiting: ${queue.map(({ tag }) => tag).join(', ')}` : ', nothing waits'
  const renders = states.some(({ tag }) => tag === 'render')
  const drains = state !== SHUTDOWN && states.some(({ tag }) => tag === SHUTDOWN)
  return (
    <Section id="lifecycle" title="Life cycle">
      <p>
        <Mark level="idle">{state}</Mark> since <Time at={since} />
        {running && ', its step is at work'}
        {shortened(waiting, 200)}
      </p>
      {renders && (
        <Action
          label="Render again"
          question="Render the template again and apply what comes of it?"
          act={() => tier.change('POST', 'api/v1/lifecycle/transitions', { state: 'render', wait: true })}
        />
      )}
      {drains && (
        <Action
          label="Drain this proxy"
          question="Leave the masters and the DNS record, wait until resolvers have forgotten it, then stop HAProxy? It serves nobody any more then."
          act={() => tier.change('POST', 'api/v1/lifecycle/transitions', { state: SHUTDOWN })}
          done="Under way: the state above tells when it is over."
        />
      )}
      <Graph lifecycle={lifecycle} />
      <OwnFold summary="The last steps">
        <Table
          caption="The last steps, newest first"
          noun="step"
          columns={COLUMNS}
          rows={[...history].reverse()}
          keyOf={({ tag, startedAt, ms }) => `${startedAt} ${tag} ${ms}`}
        />
      </OwnFold>
    </Section>
  )
}

const BOX = { width: 150, height: 30, gap: 22 }
/** Room beside the boxes for arrows: outcomes to the right. */
const LANE = 14

/** The states of the manifest from top to bottom, and where each goes by itself. */
function Graph({ lifecycle: { states, state, history } }: { lifecycle: Answer }) {
  const rowOf = new Map(states.map(({ tag }, index) => [tag, index]))
  const edges = states.flatMap(({ tag, on = {} }) =>
    Object.entries(groupByTarget(on)).map(([target, outcomes]) => ({ from: tag, to: target, outcomes }))
  )
  const path = history.slice(-PATH_STEPS).map(({ tag }) => tag)
  const walked = new Set([...path, state].slice(1).map((tag, index) => `${path[index] ?? ''} ${tag}`))
  const top = (tag: string): number => (rowOf.get(tag) ?? 0) * (BOX.height + BOX.gap) + 2
  const height = states.length * (BOX.height + BOX.gap)
  const width = BOX.width + 8 + edges.length * LANE + 110
  return (
    <svg
      class="graph"
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={describe(states, state)}
      style={undefined}
    >
      {edges.map(({ from, to, outcomes }, index) => {
        const lane = BOX.width + 14 + index * LANE
        const [start, end] = [top(from) + BOX.height * 0.7, top(to) + BOX.height * 0.3]
        return (
          <g key={`${from} ${to}`} class={walked.has(`${from} ${to}`) ? 'edge walked' : 'edge'}>
            <path d={`M ${BOX.width + 2} ${start} H ${lane} V ${end} H ${BOX.width + 4}`} />
            <path
              class="head"
              d={`M ${BOX.width + 9} ${end - 4} L ${BOX.width + 2} ${end} L ${BOX.width + 9} ${end + 4}`}
            />
            <title>{`${from} goes to ${to} when ${outcomes.join(' or ')}`}</title>
          </g>
        )
      })}
      {states.map(({ tag, terminal }) => (
        <g key={tag} class={tag === state ? 'state lit' : 'state'}>
          <rect x="2" y={top(tag)} width={BOX.width} height={BOX.height} rx={terminal ? 15 : 4} />
          <text x={BOX.width / 2 + 2} y={top(tag) + BOX.height / 2 + 4} text-anchor="middle">
            {shortened(tag, 20)}
          </text>
        </g>
      ))}
    </svg>
  )
}

function groupByTarget(on: Readonly<Record<string, string>>): Record<string, string[]> {
  const targets: Record<string, string[]> = {}
  for (const [outcome, target] of Object.entries(on)) (targets[target] ??= []).push(outcome)
  return targets
}

/** The picture in words. */
function describe(states: Answer['states'], state: string): string {
  const ways = states.map(({ tag, on = {} }) => {
    const targets = Object.entries(on).map(([outcome, target]) => `${target} when ${outcome}`)
    return targets.length === 0 ? tag : `${tag} (to ${targets.join(', to ')})`
  })
  return `States: ${ways.join('; ')}. Now in ${state}.`
}
