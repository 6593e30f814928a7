import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCommand } from '../../../src/cli/command.ts'
import { drain } from '../../../src/cli/commands/drain.ts'

describe('kontrol drain', () => {
  /** How the automaton of the control tier came to rest. */
  let ending: object
  const server = createServer((_request, response) => void response.end(JSON.stringify(ending)))

  beforeEach(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
  afterEach(() => new Promise((resolve) => server.close(resolve)))

  async function kontrolDrain(...argv: string[]) {
    const [stdout, stderr]: [string[], string[]] = [[], []]
    const code = await runCommand(
      'drain',
      drain,
      ['--url', `127.0.0.1:${(server.address() as AddressInfo).port}`, ...argv],
      {
        stdout: (line) => stdout.push(line),
        stderr: (line) => stderr.push(line),
        env: {},
        signal: new AbortController().signal,
        columns: () => undefined
      }
    )
    return { code, stdout: stdout.join('\n'), stderr: stderr.join('\n') }
  }

  it('says that HAProxy has stopped once it has', async () => {
    ending = { state: 'shutdown', outcome: 'done' }
    expect(await kontrolDrain()).toEqual({ code: 0, stdout: 'Drained: HAProxy has stopped.', stderr: '' })
  })

  it('fails when it could not be stopped, so that nobody switches the machine off behind it', async () => {
    ending = { state: 'shutdown', outcome: 'failed', error: { code: 'KTL_STEP_FAILED', message: 'it runs on' } }
    const told = { code: 1, stderr: 'KTL_STEP_FAILED: it runs on' }
    expect(await kontrolDrain()).toEqual({ ...told, stdout: '' })
    expect(await kontrolDrain('--json')).toEqual({ ...told, stdout: JSON.stringify(ending) })
  })
})
