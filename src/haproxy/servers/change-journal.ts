import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { readPlainFile, STATE_FILE_BYTES } from '../../platform/files/plain-file.ts'
import type { Logger } from '../../platform/logger.ts'
import type { Operation } from './commands.ts'
import { ServerLineReader } from '../config/server-line.ts'
import type { Slot, ServerTable } from './server-table.ts'

type Entry =
  | { worker: number }
  | { table: Row[] }
  | { begin: Step[] }
  | { done: true }
  | { spare: [backend: string, name: string] }
  | { deleted: [backend: string, name: string] }

interface Step {
  kind: Operation['kind']
  pool: string
  backend: string
  name: string
  /** In HAProxy. */
  id: number
  /** As a line of a configuration; only of one that comes. */
  line?: string
}

/** A server that the worker has. */
interface Row extends Pick<Slot, 'pool' | 'backend' | 'name' | 'id' | 'state'> {
  line: string
}

/** Some thousand changes: then the servers as they are take the place of all that was done to them. */
const LONG_BYTES = 512 * 1024

/**
 * What has been done to the servers of a worker since it loaded its file, so
 * that a control tier that was killed at any moment knows when it comes back.
 *
 * Written without a sync: it outlives this process, and when the machine goes,
 * the worker that it is about goes too. Written in one call each, and not
 * awaited, as the change waits for it. A disk that takes nothing holds up no
 * change: the journal is given up then, and written anew with the next one.
 */
export class ChangeJournal {
  readonly #path: string
  readonly #logger: Logger
  #worker = 0
  #bytes = 0
  /** At which length it is written anew. */
  #longBytes = LONG_BYTES
  #givenUp = false

  constructor(path: string, logger: Logger) {
    this.#path = path
    this.#logger = logger
  }

  /** A worker begins, with what its file says. */
  reset(worker: number): void {
    this.#worker = worker
    this.#replace([{ worker }])
  }

  /** @param table as it is before them */
  begin(operations: readonly Operation[], table: ServerTable): void {
    if (this.#givenUp || this.#bytes > this.#longBytes) this.#compact(table)
    const begin = operations.map(({ kind, pool, backend, name, id, target }) => ({
      kind,
      pool,
      backend,
      name,
      id,
      ...(target && { line: `server ${name} ${target.key}` })
    }))
    this.#write({ begin })
  }

  done(): void {
    this.#write({ done: true })
  }

  spare({ backend, name }: Slot): void {
    this.#write({ spare: [backend, name] })
  }

  deleted({ backend, name }: Slot): void {
    this.#write({ deleted: [backend, name] })
  }

  /**
   * Brings a table of what the worker loaded up to what it has by now.
   *
   * @returns how many changes that were; undefined when it cannot be told, as one was broken off or the journal is another worker's
   */
  async replay(worker: number, table: ServerTable): Promise<number | undefined> {
    try {
      const text = await readPlainFile(this.#path, STATE_FILE_BYTES)
      this.#worker = worker
      this.#bytes = text.length
      const [head, ...lines] = text.trimEnd().split('\n')
      const header = JSON.parse(head ?? '') as Partial<{ worker: number }>
      return header.worker === worker
        ? replay(
            lines.map((line) => JSON.parse(line) as Entry),
            table
          )
        : undefined
    } catch {
      // Not knowing costs one reload, which is what the caller does then.
      return undefined
    }
  }

  #compact(servers: ServerTable): void {
    const table = [...servers.all()].map(({ pool, backend, name, id, state, target }) => {
      return { pool, backend, name, id, state, line: `server ${name} ${target.key}` }
    })
    this.#replace([{ worker: this.#worker }, { table }])
    // Of ten thousand servers it is long from the start.
    this.#longBytes = LONG_BYTES + 2 * this.#bytes
  }

  #replace(entries: readonly Entry[]): void {
    const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
    this.#attempt(() => {
      rmSync(`${this.#path}.new`, { recursive: true, force: true })
      writeFileSync(`${this.#path}.new`, text, { flag: 'wx' })
      renameSync(`${this.#path}.new`, this.#path)
      this.#bytes = text.length
      this.#longBytes = LONG_BYTES
      this.#givenUp = false
    })
  }

  #write(entry: Entry): void {
    if (this.#givenUp) return
    const line = `${JSON.stringify(entry)}\n`
    this.#attempt(() => {
      appendFileSync(this.#path, line)
      this.#bytes += line.length
    })
  }

  /** One with a gap would tell the next control tier what is not so. */
  #attempt(write: () => void): void {
    try {
      write()
    } catch (err) {
      if (!this.#givenUp) this.#logger.warn({ err }, 'changes of servers are not noted')
      this.#givenUp = true
      try {
        rmSync(this.#path, { force: true })
      } catch {
        // It is found out when the servers are read back.
      }
    }
  }
}

/** Whether a journal tells of any change. */
export function changesServers(journal: string): boolean {
  return journal.includes('\n{"begin":') || journal.includes('\n{"table":[{')
}

function replay(entries: readonly Entry[], table: ServerTable): number | undefined {
  let open: Step[] | undefined
  let changes = 0
  for (const entry of entries) {
    if ('begin' in entry) open = entry.begin
    else if ('table' in entry) {
      restore(entry.table, table)
      changes++
    } else if ('done' in entry) {
      for (const step of open ?? []) perform(step, table)
      open = undefined
      changes++
    } else if ('spare' in entry) table.markSpare(known(table, ...entry.spare))
    else if ('deleted' in entry) table.delete(known(table, ...entry.deleted))
  }
  return open === undefined ? changes : undefined
}

function restore(rows: readonly Row[], table: ServerTable): void {
  for (const slot of [...table.all()]) {
    if (slot.state === 'live') table.drain(slot)
    table.delete(slot)
  }
  for (const { pool, backend, name, id, state, line } of rows) {
    perform({ kind: 'add', pool, backend, name, id, line }, table)
    if (state !== 'live') table.drain(known(table, backend, name))
    if (state === 'spare') table.markSpare(known(table, backend, name))
  }
}

function perform({ kind, pool, backend, name, id, line = '' }: Step, table: ServerTable): void {
  const target = new ServerLineReader().read(line)?.target
  applyOperation({ kind, pool, backend, name, id, target }, table)
}

/** Remembers in the table what HAProxy has done. */
export function applyOperation(operation: Omit<Operation, 'commands'>, table: ServerTable): void {
  const { kind, pool, backend, name, id, target } = operation
  if (kind === 'drain') table.drain(known(table, backend, name))
  else if (target !== undefined && kind === 'add') table.add({ id: pool, backend }, { target, name, id })
  else if (target !== undefined) table.reuse(known(table, backend, name), target)
}

function known(table: ServerTable, backend: string, name: string): Slot {
  const slot = table.find(backend, name)
  if (slot === undefined) throw new Error(`no server ${backend}/${name} is known`)
  return slot
}
