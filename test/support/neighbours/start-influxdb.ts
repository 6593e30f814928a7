import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { eventually } from '../eventually.ts'
import { freePort } from '../free-port.ts'
import { tempDir } from '../temp-dir.ts'

export interface RunningInfluxdb extends AsyncDisposable {
  /** Port of the OpenTSDB input. */
  opentsdbPort: number
  /** Kills it, keeping its data and its ports: asked to end, it waits half a minute for its clients. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Rows of an InfluxQL query as objects. */
  query(influxql: string): Promise<Record<string, unknown>[]>
}

interface QueryAnswer {
  results: { series?: { columns: string[]; values: unknown[][] }[]; error?: string }[]
}

/** A real InfluxDB 1.6 that listens to OpenTSDB's telnet protocol. */
export async function startInfluxdb(): Promise<RunningInfluxdb> {
  const dir = await tempDir()
  const [opentsdbPort, httpPort, backupPort] = [await freePort(), await freePort(), await freePort()]
  const config = dir.file('influxdb.conf')
  await writeFile(
    config,
    `
reporting-disabled = true
bind-address = "127.0.0.1:${backupPort}"
[meta]
  dir = "${dir.file('meta')}"
[data]
  dir = "${dir.file('data')}"
  wal-dir = "${dir.file('wal')}"
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${httpPort}"
  log-enabled = false
[[opentsdb]]
  enabled = true
  bind-address = "127.0.0.1:${opentsdbPort}"
  database = "opentsdb"
  batch-size = 1000
  batch-timeout = "20ms"
`
  )

  let child: ReturnType<typeof spawn> | undefined
  const influxdb = {
    opentsdbPort,
    async start() {
      child = spawn('influxd', ['-config', config], { stdio: 'ignore' })
      const failed = once(child, 'error').then(([error]: Error[]) => Promise.reject(error ?? new Error('influxd')))
      await Promise.race([
        failed,
        eventually(async () => (await fetch(`http://127.0.0.1:${httpPort}/ping`)).ok, 30_000)
      ])
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
    async query(influxql: string) {
      const url = `http://127.0.0.1:${httpPort}/query?db=opentsdb&epoch=ms&q=${encodeURIComponent(influxql)}`
      const { results } = (await (await fetch(url)).json()) as QueryAnswer
      return results.flatMap(({ series = [] }) =>
        series.flatMap(({ columns, values }) =>
          values.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]])))
        )
      )
    },
    async [Symbol.asyncDispose]() {
      await influxdb.kill()
      await dir[Symbol.asyncDispose]()
    }
  }
  await influxdb.start()
  return influxdb
}
