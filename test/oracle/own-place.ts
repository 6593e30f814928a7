import { randomInt } from 'node:crypto'
import { ownPort } from '../support/haproxy/start-haproxy.ts'

/** Which of so many processes this one is: `1/2`. Each has addresses and ports that no other takes. */
export const SHARE = 'ORACLE_SHARE'

const [share = 0, shares = 1] = (process.env[SHARE] ?? '0/1').split('/').map(Number)
const [FIRST, BEHIND] = [48, 248]
const blocks = new Set<number>()

/**
 * The second number of the first of some networks of one oracle, which no other has.
 *
 * @returns it, and how to let go of it
 */
export function ownBlock(networks: number): { block: number; free: () => void } {
  const all = Array.from({ length: Math.floor((BEHIND - FIRST) / networks) }, (_, index) => FIRST + index * networks)
  const left = all.filter((block, index) => index % shares === share && !blocks.has(block))
  const block = left[left.length === 0 ? 0 : randomInt(left.length)]
  if (block === undefined) throw new Error(`No addresses are left for one more oracle beside ${blocks.size}`)
  blocks.add(block)
  return { block, free: () => blocks.delete(block) }
}

/** A port, and the nine behind it, that no other oracle uses. */
export function ownPorts(): number {
  const port = ownPort()
  return (port / 10) % shares === share ? port : ownPorts()
}
