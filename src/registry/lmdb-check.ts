import { open, rename, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { KontrolError } from '../errors.ts'
import { runSubprocess, type SubprocessResult } from '../platform/process/subprocess.ts'

/**
 * Reads every value and writes one, in a process of its own: LMDB maps its file, and a damaged one ends whoever
 * follows a pointer in it.
 */
const READ_ALL = `
const [, lmdb, path] = process.argv
try {
  const root = require(lmdb).open({ path, noSubdir: false, encoding: 'json' })
  const pods = root.openDB({ name: 'pods', encoding: 'string' })
  const meta = root.openDB({ name: 'meta', encoding: 'json' })
  const expected = pods.getStats().entryCount
  let found = 0
  for (const { value } of pods.getRange()) if (typeof value !== 'string' || ++found > expected) break
  for (const entry of meta.getRange()) entry.value
  if (found !== expected) process.exit(3)
  root.transactionSync(() => meta.put('checked', true))
  // A turn later: closing in the same one waits for ever.
  setImmediate(() => root.close().then(() => process.exit(0)))
} catch (error) {
  console.error(error.message)
  process.exit(2)
}
`
const LOST = 3
const TIMEOUT_MS = 60_000
/** What LMDB says of a file that it cannot make sense of; all else, such as a full disk, is no damage. */
const DAMAGE = /MDB_(?:CORRUPTED|INVALID|PAGE_NOTFOUND|VERSION_MISMATCH|PANIC|BAD_TXN|CURSOR_FULL|PAGE_FULL)/

/**
 * Sets a damaged database aside before anybody maps it: its folder is renamed to `<folder>.damaged`.
 *
 * @returns what was found; undefined when there is nothing to set aside
 */
export async function setDamagedAside(folder: string): Promise<KontrolError | undefined> {
  const damage = await damageOf(folder)
  if (damage === undefined) return undefined
  const aside = `${folder}.damaged`
  await rm(aside, { recursive: true, force: true })
  await rename(folder, aside)
  return new KontrolError('KTL_STORE_DAMAGED', `The registry at ${folder} is damaged: ${damage}`, {
    hint: `It begins anew, and its pods have one TTL to report. What was found lies at ${aside}; look at the disk.`
  })
}

async function damageOf(folder: string): Promise<string | undefined> {
  const path = join(folder, 'data.mdb')
  for (const name of [path, join(folder, 'lock.mdb')]) {
    if (await isOdd(name)) return `${name} is no regular file`
  }
  const size = await stat(path).then(
    (found) => found.size,
    () => 0
  )
  // Empty: LMDB was about to begin it.
  if (size === 0) return undefined
  const problem = await lookAtPages(path, size)
  if (problem !== undefined) return problem
  const lmdb = createRequire(import.meta.url).resolve('lmdb')
  const { PATH, LD_LIBRARY_PATH } = process.env
  const options = { env: { PATH, LD_LIBRARY_PATH }, timeoutMs: TIMEOUT_MS, graceMs: 0 }
  return verdictOn(await runSubprocess(process.execPath, ['-e', READ_ALL, lmdb, folder], options))
}

/** LMDB would not open it, or wait for its other end. */
async function isOdd(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => !found.isFile(),
    () => false
  )
}

function verdictOn({ code, signal, stderr, timedOut }: SubprocessResult): string | undefined {
  if (timedOut) return `reading it took more than ${TIMEOUT_MS / 1000} s`
  if (signal === 'SIGKILL' || signal === 'SIGTERM') return undefined
  if (signal !== null) return `reading it ended with ${signal}`
  if (code === LOST) return 'it holds other values than it counts'
  return DAMAGE.test(stderr) ? stderr.trim() : undefined
}

/** Of the first page, in the 64-bit layout of lmdb 3.5; the second is like it. */
const MAGIC = { value: 0xbeefc0de, at: 24 }
const PAGE_SIZE_AT = 48
const LAST_PAGE_AT = 144
const HEAD_BYTES = 160

/** A file that ends before its pages do is filled up: without it, looking there is a bus error. */
async function lookAtPages(path: string, size: number): Promise<string | undefined> {
  const file = await open(path, 'r+')
  try {
    const head = Buffer.alloc(HEAD_BYTES)
    await file.read(head, 0, HEAD_BYTES, 0)
    if (head.readUInt32LE(MAGIC.at) !== MAGIC.value) return 'it is no LMDB database'
    const pageSize = head.readUInt32LE(PAGE_SIZE_AT)
    if (pageSize < 512 || pageSize > 65_536) return `its pages have ${pageSize} bytes`
    const second = Buffer.alloc(HEAD_BYTES)
    const { bytesRead } = await file.read(second, 0, HEAD_BYTES, pageSize)
    if (bytesRead < HEAD_BYTES || second.readUInt32LE(MAGIC.at) !== MAGIC.value) return 'its second page is missing'
    const lastPage = [head, second].map((page) => Number(page.readBigUInt64LE(LAST_PAGE_AT)))
    const whole = (Math.max(...lastPage) + 1) * pageSize
    // Its last pages may never have been written, so this alone is no damage; a nonsensical number is.
    if (whole > Math.max(16 * size, 2 ** 30)) return `it has ${size} bytes of ${whole}`
    if (whole > size) await file.truncate(whole)
    return undefined
  } finally {
    await file.close()
  }
}
