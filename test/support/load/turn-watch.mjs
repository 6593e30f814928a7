/**
 * Loaded ahead of a program: keeps the longest turn of its event loop, in milliseconds of processor time of its main
 * thread, which other programs of the machine do not lengthen. SIGUSR2 has it written to the file TURN_WATCH, and begun anew.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { setInterval } from 'node:timers'

const usedMs = () => Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6

const file = process.env.TURN_WATCH
let longest = 0
let last = usedMs()
setInterval(() => {
  const now = usedMs()
  longest = Math.max(longest, now - last)
  last = now
}, 1).unref()
process.on('SIGUSR2', () => {
  writeFileSync(file, String(longest))
  longest = 0
})
