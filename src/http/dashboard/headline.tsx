import { useEffect, useState } from 'preact/hooks'
import { judge, type Latest } from './findings.ts'
import { useConnection, useConnectionState, useNow } from './live/hooks.ts'
import { clockTime, duration } from '../../model/words/figures.ts'

const OWN_TITLE = document.title

/** One sentence on whether clients are served, what is wrong with what to do, and whether this page is still told. */
export function Headline({ latest }: { latest: Latest }) {
  const { connected, ready } = useConnectionState()
  const verdict = judge(latest)
  const level = connected ? (ready === undefined ? 'unknown' : verdict.level) : 'bad'
  const sentence = connected ? (ready === undefined ? 'Asking the control tier …' : verdict.sentence) : LOST
  useEffect(() => {
    document.title = (level === 'ok' ? '' : `${sentence.split(/[.:,]/, 1)[0] ?? ''}, `) + OWN_TITLE
  }, [level, sentence])
  return (
    <section id="health" data-level={level} aria-labelledby="health-title">
      <h2 id="health-title" class="unseen">
        Is all well?
      </h2>
      <p id="sentence" role="status" aria-live="polite">
        {sentence}
      </p>
      <ul id="findings">
        {verdict.findings.map(({ code, message, hint }) => (
          <li key={code + message}>
            <p>{message}</p>
            {hint !== undefined && (
              <p>
                <b>What to do: </b>
                {hint}
              </p>
            )}
            {code.startsWith('KTL_') && (
              <p class="quiet">
                <code>{code}</code>
              </p>
            )}
          </li>
        ))}
      </ul>
      <Heard />
      <TokenForm />
    </section>
  )
}

// No age in here: it is read out when it changes.
const LOST = 'Not connected to the control tier. HAProxy does not need it to go on serving.'

function Heard() {
  const { connected, heardAt } = useConnectionState()
  const now = useNow()
  return (
    <p id="connection" class="quiet">
      {heardText(connected, heardAt, now)}
    </p>
  )
}

function heardText(connected: boolean, heardAt: number | undefined, now: number): string {
  if (heardAt === undefined) return connected ? '' : 'Never heard of it; trying again.'
  const time = clockTime(heardAt, now)
  if (connected) return `Connected. Last answer ${time}.`
  return `Not connected, last seen ${time}, ${duration((now - heardAt) / 1000)} ago. What is shown is from then; trying again.`
}

/** Asks for a token when the control tier wants one. */
function TokenForm() {
  const { tier } = useConnection()
  const [asked, setAsked] = useState<'no' | 'first' | 'again'>('no')
  useEffect(() => {
    tier.onRefused((again) => setAsked(again ? 'again' : 'first'))
  }, [tier])
  if (asked === 'no') return null
  return (
    <form
      id="token"
      onSubmit={(event) => {
        event.preventDefault()
        const input = event.currentTarget.elements.namedItem('token') as HTMLInputElement
        tier.useToken(input.value)
        location.reload()
      }}
    >
      {asked === 'again' && <p>This token does not go that far.</p>}
      <label for="token-input">Token (KONTROL_READ_TOKEN, or an operator's), kept for this tab only</label>
      <input id="token-input" name="token" type="password" autocomplete="off" spellcheck={false} required />
      <button type="submit">Use it</button>
    </form>
  )
}
