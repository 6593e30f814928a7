import { randomInt } from 'node:crypto'
import { HaproxyDriver } from '../../../src/haproxy/driver.ts'
import type { ConfigureResult } from '../../../src/haproxy/update.ts'
import { ChildSupervisor } from '../../../src/haproxy/supervisor/child.ts'
import { SupervisordSupervisor } from '../../../src/haproxy/supervisor/supervisord.ts'
import type { Problem } from '../../../src/errors.ts'
import type { SupervisordClient } from '../../../src/platform/process/supervisord-client.ts'
import { systemClock, type Clock } from '../../../src/platform/clock.ts'
import { tempDir } from '../temp-dir.ts'
import { recordingLogger } from '../test-logger.ts'

export interface DrivenHaproxy extends AsyncDisposable {
  driver: HaproxyDriver
  /** Brings HAProxy to a text, as the steps of the life cycle do. */
  apply(text: string): Promise<ConfigureResult>
  dataFolder: string
  /** What an operator was told. */
  lines: Record<string, unknown>[]
  /** Alarms raised. */
  alarms: Problem[]
  /** A control tier that takes the place of the one before: the same files, nothing remembered. */
  takeOver(): Promise<HaproxyDriver>
}

export interface DrivenHaproxyOptions {
  reloadIntervalMs?: number
  quietMs?: number
  clock?: Clock
  binary?: string
  /** One of its own when absent, which goes away with it. */
  dataFolder?: string
  /** It runs as the program "haproxy" of that supervisord, when given, which must have the same data folder. */
  supervisord?: SupervisordClient
  /** Started at once unless told otherwise. */
  start?: boolean
}

/** A driver and its real HAProxy, in a folder that goes away with them. */
export async function startHaproxy(options: DrivenHaproxyOptions = {}): Promise<DrivenHaproxy> {
  const { reloadIntervalMs = 0, quietMs = 60_000, start = true, clock = systemClock, binary = 'haproxy' } = options
  const dir = await tempDir()
  const dataFolder = options.dataFolder ?? dir.path
  const { logger, lines } = recordingLogger()
  const alarms: Problem[] = []
  const make = (): HaproxyDriver =>
    new HaproxyDriver({
      dataFolder,
      binary,
      supervisor:
        options.supervisord === undefined
          ? new ChildSupervisor({ clock, logger })
          : new SupervisordSupervisor({ client: options.supervisord, clock, logger }),
      clock,
      logger,
      reloadIntervalMs,
      quietMs,
      onAlarm: (problem) => alarms.push(problem)
    })
  const haproxy: DrivenHaproxy = {
    driver: make(),
    async apply(text) {
      const result = await haproxy.driver.configure(text)
      if (result.outcome === 'reload') await haproxy.driver.restart()
      return result
    },
    dataFolder,
    lines,
    alarms,
    async takeOver() {
      await haproxy.driver.close()
      haproxy.driver = make()
      await haproxy.driver.start()
      return haproxy.driver
    },
    async [Symbol.asyncDispose]() {
      await haproxy.driver.stop(AbortSignal.abort())
      await haproxy.driver.close()
      await dir[Symbol.asyncDispose]()
    }
  }
  if (start) await haproxy.driver.start()
  return haproxy
}

/** An address of this host that no other test uses. */
export function ownAddress(): string {
  return `127.${randomInt(1, 255)}.${randomInt(255)}.${randomInt(1, 255)}`
}

/** How many ports from it on are the caller's too. */
const BLOCK = 10
const taken = new Set<number>()

/** A port that no other test uses at any address, nor the nine behind it, below those of outgoing connections. */
export function ownPort(): number {
  const port = randomInt(20_000 / BLOCK, 30_000 / BLOCK) * BLOCK
  if (taken.has(port)) return ownPort()
  taken.add(port)
  return port
}
