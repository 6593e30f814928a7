import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Level } from './answers.ts'
import type { Problem } from './live/control-tier.ts'
import { useConnection, useNow } from './live/hooks.ts'
import { clockTime, counted, duration } from '../../model/words/figures.ts'

/** Rows of one table: more make it slow, and nobody reads them. */
export const MAX_ROWS = 200

/** A status is told by its word and by a shape; the colour comes on top. */
export function Mark({ level, children }: { level: Level; children: ComponentChildren }) {
  return (
    <span class="mark" data-level={level}>
      {children}
    </span>
  )
}

/** How long ago something was. */
export function Age({ at }: { at: string }) {
  const now = useNow()
  return <time dateTime={at}>{duration((now - Date.parse(at)) / 1000)} ago</time>
}

/** The time of day. */
export function Time({ at }: { at: string }) {
  const { tier } = useConnection()
  return <time dateTime={at}>{clockTime(Date.parse(at), tier.now())}</time>
}

export function Section({ id, title, children }: { id: string; title: string; children: ComponentChildren }) {
  return (
    <section id={id} aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{title}</h2>
      {children}
    </section>
  )
}

export interface Column<T> {
  title: string
  kind?: 'number' | 'wide' | 'lines'
  cell: (row: T) => ComponentChildren
}

interface TableProps<T> {
  caption: string
  /** What a row is. */
  noun: string
  columns: readonly Column<T>[]
  rows: readonly T[]
  keyOf: (row: T) => string
  /** How many there are, where not all of them were asked for. */
  total?: number
}

export function Table<T>({ caption, noun, columns, rows, keyOf, total = rows.length }: TableProps<T>) {
  if (rows.length === 0) return null
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={caption}>
      <table>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ title, kind }) => (
              <th key={title} scope="col" class={kind}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MAX_ROWS).map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ title, kind, cell }) => (
                <td key={title} class={kind}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {total > MAX_ROWS && <p class="more quiet">and {counted(total - MAX_ROWS, `more ${noun}`, `more ${noun}s`)}</p>}
    </div>
  )
}

interface FoldProps {
  summary: ComponentChildren
  open: boolean
  onToggle: (open: boolean) => void
  id?: string
  children: ComponentChildren
}

/** A part that is drawn only while it is open. */
export function Fold({ summary, open, onToggle, id, children }: FoldProps) {
  return (
    <details id={id} open={open} onToggle={({ currentTarget }) => onToggle(currentTarget.open)}>
      <summary>{summary}</summary>
      {open && children}
    </details>
  )
}

/** A fold that knows by itself whether it is open. */
export function OwnFold({ summary, children }: { summary: ComponentChildren; children: ComponentChildren }) {
  const [open, setOpen] = useState(false)
  return (
    <Fold summary={summary} open={open} onToggle={setOpen}>
      {children}
    </Fold>
  )
}

export function DiffText({ diff }: { diff: string }) {
  return (
    <pre tabIndex={0} role="group" aria-label="What changed">
      {diff.split('\n').map((line, index) => (
        <span key={index} class={line.startsWith('+') ? 'added' : line.startsWith('-') ? 'removed' : ''}>
          {`${line}\n`}
        </span>
      ))}
    </pre>
  )
}

interface ActionProps {
  label: string
  /** What it does, in a sentence that ends with a question mark. */
  question: string
  act: () => Promise<Problem | undefined>
  /** What is said once it was taken. */
  done?: string
}

/** A button that changes something, once it was confirmed; what came of it is said beside it. */
export function Action({ label, question, act, done = 'Done.' }: ActionProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [said, setSaid] = useState('')
  const alive = useRef(true)
  useEffect(() => () => void (alive.current = false), [])
  const confirmed = async (): Promise<void> => {
    dialog.current?.close()
    setSaid('Under way …')
    const problem = await act().catch((): Problem => ({ code: '', message: 'The control tier does not answer.' }))
    if (alive.current) setSaid(problem === undefined ? done : [problem.message, problem.hint].filter(Boolean).join(' '))
  }
  return (
    <span class="action">
      <button type="button" onClick={() => dialog.current?.showModal()}>
        {label}
      </button>
      <span role="status"> {said}</span>
      <dialog ref={dialog} aria-label={label}>
        <p>{question}</p>
        <p class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            No
          </button>
          <button type="button" class="strong" onClick={() => void confirmed()}>
            Yes, {label.toLowerCase()}
          </button>
        </p>
      </dialog>
    </span>
  )
}
