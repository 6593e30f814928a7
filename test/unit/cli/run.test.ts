import { expect, it, vi } from 'vitest'
import { runCommand } from '../../../src/cli/command.ts'
import { run } from '../../../src/cli/commands/run.ts'

vi.mock('../../../src/kubernetes/discover-metadata.ts', () => ({
  discoverMetadata: async (_env: NodeJS.ProcessEnv, signal: AbortSignal) =>
    await new Promise((_resolve, reject) => {
      if (signal.aborted) reject(signal.reason as Error)
      signal.addEventListener('abort', () => reject(signal.reason as Error))
    })
}))

it('ends quietly when it is told to while it waits for Kubernetes', async () => {
  const ending = new AbortController()
  const told: string[] = []
  const tell = (line: string): void => void told.push(line)

  const code = runCommand('run', run, [], {
    ...{ stdout: tell, stderr: tell, env: {} },
    ...{ signal: ending.signal, columns: () => undefined }
  })
  ending.abort()

  expect(await code).toBe(0)
  expect(told).toEqual([])
})
