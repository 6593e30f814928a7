import { useEffect, useState } from 'preact/hooks'
import { eventText } from '../../../model/words/events.ts'
import { useConnection, useConnectionState } from '../live/hooks.ts'
import { Section, Table, Time, type Column } from '../parts.tsx'
import { shortened } from '../../../model/words/figures.ts'

interface Entry {
  id: number
  at: string
  type: string
  text: string
}

const KEPT = 50
const TEXT_CHARACTERS = 300
/** A fleet that joins at once tells ten thousand things in a second; they are drawn together. */
const DRAW_EVERY_MS = 250

const COLUMNS: readonly Column<Entry>[] = [
  { title: 'Time', cell: ({ at }) => <Time at={at} /> },
  { title: 'Event', cell: ({ type }) => type },
  { title: 'What', kind: 'wide', cell: ({ text }) => text }
]

/** What happens, newest first. */
export function Events() {
  const { listening } = useConnectionState()
  const entries = useEvents()
  const quiet = entries.length === 0 ? 'Nothing has happened yet.' : 'As they happen, newest first.'
  return (
    <Section id="events" title="Events">
      <p class="quiet">{listening ? quiet : 'Not listening at the moment; trying again.'}</p>
      <Table
        caption="Events, newest first"
        noun="event"
        columns={COLUMNS}
        rows={entries}
        keyOf={({ id }) => String(id)}
      />
    </Section>
  )
}

function useEvents(): readonly Entry[] {
  const connection = useConnection()
  const [entries, setEntries] = useState<readonly Entry[]>([])
  useEffect(() => {
    let [kept, nextId]: [Entry[], number] = [[], 0]
    let timer: number | undefined
    const draw = (): void => {
      timer = undefined
      setEntries(kept)
    }
    const keep = (type: string, text: string, at = new Date(connection.tier.now()).toISOString()): void => {
      kept = [{ id: nextId++, at, type, text: shortened(text, TEXT_CHARACTERS) }, ...kept.slice(0, KEPT - 1)]
      timer ??= setTimeout(draw, DRAW_EVERY_MS)
    }
    const ignore = connection.onEvent((type, data) => {
      const text = eventText(type, data)
      if (text !== undefined) keep(type, text, (data as { at: string }).at)
    })
    let [listening, listened] = [false, false]
    const unsubscribe = connection.subscribe(() => {
      const now = connection.state.listening
      if (now && !listening && listened) keep('page', 'listens again')
      listening = now
      listened ||= now
    })
    return () => {
      ignore()
      unsubscribe()
      clearTimeout(timer)
    }
  }, [connection])
  return entries
}
