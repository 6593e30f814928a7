import type { Logger } from '../../platform/logger.ts'
import type { MasterCli } from '../socket/master-cli.ts'

/** Old workers beyond this are worth a warning. */
const OLD_WORKERS_TO_WARN = 5

/** Each holds its memory until its last connection ends; `hard-stop-after` of base.cfg ends them at last. */
export async function countOldWorkers(master: MasterCli, logger: Logger): Promise<void> {
  const table = await master.showProcesses().catch(() => undefined)
  const pids = table?.oldWorkers.map(({ pid }) => pid) ?? []
  if (pids.length > OLD_WORKERS_TO_WARN) logger.warn({ pids }, 'many old haproxy workers still have connections')
}
