/** A process that sends a keepalive each 5 ms to a port, and says how many milliseconds each took when it is asked. */
import { createInterface } from 'node:readline'
import process from 'node:process'
import { performance } from 'node:perf_hooks'
import { clearInterval, setInterval } from 'node:timers'
import { Pool } from 'undici'

const pool = new Pool(`http://127.0.0.1:${process.argv[2]}`, { connections: 256 })
const body = JSON.stringify({ app: 'pinger', id: 'p', ip: '127.0.0.9', key: 'pinger', role: 'r', payload: '' })
const NEVER = 1e9
let times = []

const timer = setInterval(async () => {
  const start = performance.now()
  try {
    const answer = await pool.request({ path: '/ping', method: 'PUT', body })
    await answer.body.dump()
    times.push(answer.statusCode === 200 ? performance.now() - start : NEVER)
  } catch {
    times.push(NEVER)
  }
}, 5)

createInterface({ input: process.stdin })
  .on('line', () => {
    process.stdout.write(`${JSON.stringify(times)}\n`)
    times = []
  })
  .on('close', () => {
    clearInterval(timer)
    void pool.destroy()
  })
