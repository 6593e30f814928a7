import { appendFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Operation } from './commands.ts'
import { ServerLineReader } from '../config/server-line.ts'
import type { Slot, ServerTable } from './server-table.ts'

type Entry =
  | { worker: number }
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

/** Some twenty thousand changes. */
const LONG_BYTES = 4 * 1024 * 1024

/**
 * What has been done to the servers of a worker since it loaded its file, so
 * that a control tier that was killed at any moment knows when it comes back.
 *
 * Written without a sync: it outlives this process, and when the machine goes,
 * the worker that it is about goes too. Written in one call each, and not
 * awaited, as the change waits for it.
 */
export class ChangeJournal {
  readonly #path: string
  #bytes = 0

  constructor(path: string) {
    this.#path = path
  }

  /** Whether it is time for a reload, with which it begins anew. */
  get isLong(): boolean {
    return this.#bytes > LONG_BYTES
  }

  /** A worker begins, with what its file says. */
  reset(worker: number): void {
    writeFileSync(this.#path, `${JSON.stringify({ worker } satisfies Entry)}\n`)
    this.#bytes = 0
  }

  begin(operations: readonly Operation[]): void {
    const begin = operations.map(({ kind, pool, backend, name, id, target }) => ({
      ...{ kind, pool, backend, name, id },
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
      const text = await readFile(this.#path, 'utf8')
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

  #write(entry: Entry): void {
    const line = `${JSON.stringify(entry)}\n`
    appendFileSync(this.#path, line)
    this.#bytes += line.length
  }
}

/** Whether a journal tells of any change. */
export function changesServers(journal: string): boolean {
  return journal.includes('\n{"begin":')
}

function replay(entries: readonly Entry[], table: ServerTable): number | undefined {
  let open: Step[] | undefined
  let changes = 0
  for (const entry of entries) {
    if ('begin' in entry) open = entry.begin
    else if ('done' in entry) {
      for (const step of open ?? []) perform(step, table)
      open = undefined
      changes++
    } else if ('spare' in entry) table.markSpare(known(table, ...entry.spare))
    else if ('deleted' in entry) table.delete(known(table, ...entry.deleted))
  }
  return open === undefined ? changes : undefined
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
