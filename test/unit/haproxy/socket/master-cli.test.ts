import { describe, expect, it } from 'vitest'
import { parseProcesses, parseReload } from '../../../../src/haproxy/socket/master-cli.ts'

describe('parseProcesses', () => {
  it('reads the table of 2.6.12', () => {
    const table = parseProcesses(`#<PID>          <type>          <reloads>       <uptime>        <version>
13231           master          2 [failed: 1]   1d02h03m04s     2.6.12-1+deb12u4
# workers
13318           worker          1               0d00h00m01s     2.6.12-1+deb12u4
# old workers
13234           worker          2               0d00h01m02s     2.6.12-1+deb12u4
# programs

`)

    expect(table).toEqual({
      master: { pid: 13231, reloads: 2, failedReloads: 1, uptimeSeconds: 93_784, version: '2.6.12-1+deb12u4' },
      worker: { pid: 13318, reloads: 1, uptimeSeconds: 1, version: '2.6.12-1+deb12u4' },
      oldWorkers: [{ pid: 13234, reloads: 2, uptimeSeconds: 62, version: '2.6.12-1+deb12u4' }]
    })
  })

  it('knows who serves on after a failed reload in the table of 3.2', () => {
    const rows = ['22551  worker  4  0d00h00m09s  3.2.26-1', '22558  worker  1  0d00h00m06s  3.2.26-1']
    const master = '22553  master  1 [failed: 1]  0d00h00m06s  3.2.26-1'
    const table = parseProcesses(`${master}\n# workers\n# old workers\n${rows.join('\n')}\n`)

    expect(table?.worker?.pid).toBe(22558)
    expect(table?.oldWorkers.map(({ pid }) => pid)).toEqual([22551])
  })

  it('knows when there is no worker', () => {
    const table = parseProcesses('8394  master  1 [failed: 0]  0d00h00m01s  2.6.12\n# workers\n# programs\n')

    expect(table?.worker).toBeUndefined()
  })

  it('takes anything else for no table', () => {
    expect(parseProcesses('Unknown command.\n')).toBeUndefined()
  })
})

describe('parseReload', () => {
  it.each([
    ['', { outcome: 'accepted' }],
    ['Success=1\n--\n[NOTICE]   (12) : Loading success.\n\n', { outcome: 'succeeded' }],
    [
      'Success=0\n--\n[ALERT]    (12) : config : unknown keyword\n',
      { outcome: 'failed', log: '[ALERT]    (12) : config : unknown keyword' }
    ],
    ['Another reload is still in progress.\n', { outcome: 'failed', log: 'Another reload is still in progress.' }]
  ])('reads %j', (answer, outcome) => {
    expect(parseReload(answer)).toEqual(outcome)
  })
})
