/** The columns that `checkText` reads. */
export const CHECK_COLUMNS = [
  ...(['status', 'tracked'] as const),
  ...(['check_status', 'check_code', 'last_chk', 'check_desc'] as const),
  ...(['agent_status', 'agent_code', 'last_agt', 'agent_desc'] as const)
] as const

/**
 * What HAProxy found when it looked at a server last, in its own words, as people read them. From the columns of `show stat`
 * that 2.6.12 fills so:
 *
 *     check_status  check_code  last_chk                    check_desc
 *     L7OK          200                                     Layer7 check passed
 *     L4CON                     Connection refused          Layer4 connection problem
 *     * L4TOUT                                              Layer4 timeout              (the next is under way: no words, no code)
 *     L7STS         503         Service Unavailable         Layer7 wrong status         (the reason is the pod's text)
 *     L7TOUT                    " at step 2 of tcp-check …" Layer7 timeout
 *
 *     agent_status  agent_code  last_agt                    agent_desc
 *     L7STS         0           via agent : down (overload) Layer7 wrong status
 *     CHECKED                                               No status change            (also of `drain` and `maint`)
 *
 * `tracked` names the server whose health is this one's. A server in maintenance has none of the first, one that nobody
 * checks none at all. How long a check took is left out: with each it is another time, which says nothing of why.
 *
 * @param cell of a server's row, by its column
 * @returns one line, such as `L7STS/503, Service Unavailable`; undefined where nothing is looked at
 */
export function checkText(cell: (column: (typeof CHECK_COLUMNS)[number]) => string): string | undefined {
  const health = found(cell('check_status'), cell('check_code'), cell('last_chk') || cell('check_desc'))
  const words = cell('last_agt').replace(/^via agent : /, '')
  const agent = prefixed('agent ', found(cell('agent_status'), cell('agent_code'), words || cell('agent_desc')))
  // In front stands what decides: it remains where there is no room for all.
  const checks = cell('status').includes('(agent)') ? [agent, health] : [health, agent]
  const texts = [...checks, prefixed('tracks ', cell('tracked'))].filter((text) => text !== '')
  return texts.length === 0 ? undefined : texts.join('; ')
}

function found(status: string, code: string, words: string): string {
  const name = status.replace(/^\* /, '')
  if (name === '') return ''
  const named = code === '' || code === '0' ? name : `${name}/${code}`
  return [named, oneLine(words)].filter((text) => text !== '').join(', ')
}

const prefixed = (prefix: string, text: string): string => (text === '' ? '' : `${prefix}${text}`)

const NOT_SHOWN = /[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu

/** Much of it is what a pod answered: a blank for each character that a reader would obey, or not see. */
const oneLine = (text: string): string => text.replace(NOT_SHOWN, ' ').trim()
