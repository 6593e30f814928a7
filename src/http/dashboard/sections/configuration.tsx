import { useEffect, useState } from 'preact/hooks'
import { useConnection, useConnectionState, useOpen } from '../live/hooks.ts'
import type { Reconfiguration } from '../answers.ts'
import { Fold, Section } from '../parts.tsx'

const TEXTS = [
  { key: 'running', title: 'The configuration that HAProxy runs', path: 'api/v1/config' },
  { key: 'candidate', title: 'The last one that it was to be given, good or bad', path: 'api/v1/config?candidate' }
] as const

/** Beyond this many lines a comparison line by line takes too long for a page. */
const MOST_COMPARED = 5_000

/** What HAProxy runs, what was wanted last, and how they differ. */
export function Configuration({ entries }: { entries: readonly Reconfiguration[] }) {
  const { keys, toggle } = useOpen('config')
  const last = entries.at(-1)
  const version = `${last?.id ?? ''} ${last?.outcome ?? ''}`
  return (
    <Section id="configuration" title="Configuration">
      {TEXTS.map(({ key, title, path }) => (
        <Fold key={key} summary={title} open={keys.includes(key)} onToggle={(open) => toggle(key, open)}>
          <Text title={title} path={path} version={version} />
        </Fold>
      ))}
      <Fold summary="Both, side by side" open={keys.includes('diff')} onToggle={(open) => toggle('diff', open)}>
        <SideBySide version={version} />
      </Fold>
    </Section>
  )
}

/** A text that is asked for when it is shown, and again when it may be another. */
function useText(path: string, version: string): string {
  const { tier } = useConnection()
  const { connected } = useConnectionState()
  const [text, setText] = useState('Asking …')
  useEffect(() => {
    let ended = false
    void tier
      .text(path)
      .catch(() => 'The control tier does not answer.')
      .then((answer) => {
        if (!ended) setText(answer)
      })
    return () => void (ended = true)
  }, [tier, path, version, connected])
  return text
}

function Text({ title, path, version }: { title: string; path: string; version: string }) {
  const text = useText(path, version)
  return (
    <>
      <Copy text={text} />
      <pre tabIndex={0} role="group" aria-label={title}>
        {text}
      </pre>
    </>
  )
}

function Copy({ text }: { text: string }) {
  const [said, setSaid] = useState('')
  // Browsers offer it to pages from localhost and over TLS only.
  if (!('clipboard' in navigator)) return null
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => setSaid('Copied.'),
      () => setSaid('The browser does not allow it.')
    )
  }
  return (
    <p>
      <button type="button" onClick={copy}>
        Copy
      </button>
      <span role="status"> {said}</span>
    </p>
  )
}

function SideBySide({ version }: { version: string }) {
  const [running, candidate] = [useText(TEXTS[0].path, version), useText(TEXTS[1].path, version)]
  if (running === candidate) return <p>They are the same.</p>
  const [left, right] = [running.split('\n'), candidate.split('\n')]
  if (left.length + right.length > MOST_COMPARED) {
    return <p>They are too long to be compared here: kontrol diff does it.</p>
  }
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="Running and candidate, side by side">
      <table class="sides">
        <caption class="unseen">Lines that differ, with those around them</caption>
        <thead>
          <tr>
            <th scope="col">Runs</th>
            <th scope="col">Wanted</th>
          </tr>
        </thead>
        <tbody>
          {nearChanges(align(left, right)).map((row, index) => (
            <tr key={index}>
              <td class={row.left === row.right ? '' : 'removed'}>{row.left ?? ''}</td>
              <td class={row.left === row.right ? '' : 'added'}>{row.right ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface Row {
  left: string | undefined
  right: string | undefined
}

/** Lines that both have stand beside each other: the longest common subsequence. */
function align(left: readonly string[], right: readonly string[]): Row[] {
  let head = 0
  while (head < left.length && head < right.length && left[head] === right[head]) head++
  let tail = 0
  const most = Math.min(left.length, right.length) - head
  while (tail < most && left[left.length - 1 - tail] === right[right.length - 1 - tail]) tail++
  const [a, b] = [left.slice(head, left.length - tail), right.slice(head, right.length - tail)]
  const same = (lines: readonly string[]): Row[] => lines.map((line) => ({ left: line, right: line }))
  return [...same(left.slice(0, head)), ...alignMiddle(a, b), ...same(left.slice(left.length - tail))]
}

function alignMiddle(a: readonly string[], b: readonly string[]): Row[] {
  const common = commonLengths(a, b)
  const rows: Row[] = []
  let [i, j] = [0, 0]
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) rows.push({ left: a[i++], right: b[j++] })
    else if (common(i + 1, j) >= common(i, j + 1)) rows.push({ left: a[i++], right: undefined })
    else rows.push({ left: undefined, right: b[j++] })
  }
  rows.push(...a.slice(i).map((left) => ({ left, right: undefined })))
  rows.push(...b.slice(j).map((right) => ({ left: undefined, right })))
  return rows
}

/** How many lines two texts have in common from line `i` of one and line `j` of the other on, in the same order. */
function commonLengths(a: readonly string[], b: readonly string[]): (i: number, j: number) => number {
  const width = b.length + 1
  const lengths = new Uint16Array((a.length + 1) * width)
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  return at
}

const AROUND = 3

/** The rows that differ with those around them; what is left out in between is one row of dots. */
function nearChanges(rows: readonly Row[]): Row[] {
  const differs = rows.map(({ left, right }) => left !== right)
  const near = rows.map((_, index) => differs.slice(Math.max(0, index - AROUND), index + AROUND + 1).includes(true))
  return rows.flatMap((row, index) => {
    if (near[index] === true) return [row]
    return near[index - 1] === true ? [{ left: '⋯', right: '⋯' }] : []
  })
}
