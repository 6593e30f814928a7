import { describe, expect, it } from 'vitest'
import { infoSamples, statSamples } from '../../../src/telemetry/haproxy-samples.ts'

const AT = 1_700_000_000_000
const csv = [
  '# pxname,svname,qcur,scur,slim,stot,status,act,pid,iid,sid,type,check_status,hrsp_5xx,last_chk,rtime,-,',
  'front,FRONTEND,,3,9985,17,OPEN,,1,2,0,0,,4,,,-,',
  'app,web-0,0,0,,5,DOWN,1,1,3,1,2,L7STS,1,"HTTP status check returned code <503>, ""sorry""",12,-,',
  'app,web-1,0,2,,9,UP 1/3,1,1,3,2,2,L7OK,,,,-,',
  'app,BACKEND,0,2,999,14,UP,1,1,3,0,1,,0,,12,-,',
  ''
].join('\n')

const figures = (proxy: string, sv: string) =>
  Object.fromEntries(
    statSamples(csv, AT)
      .filter(({ tags }) => tags.proxy === proxy && tags.sv === sv)
      .map(({ metric, value }) => [metric, value])
  )

describe('statSamples', () => {
  it("names the figures as telegraf's plugin does", () => {
    expect(figures('front', 'FRONTEND')).toEqual({
      haproxy_scur: 3,
      haproxy_slim: 9985,
      haproxy_stot: 17,
      'haproxy_http_response.5xx': 4,
      haproxy_up: 1
    })
  })

  it('keeps its columns through quoted commas', () => {
    expect(figures('app', 'web-0')).toMatchObject({ haproxy_rtime: 12, haproxy_active_servers: 1, haproxy_up: 0 })
  })

  it('counts a server that is going down as up: it still gets requests', () => {
    expect(figures('app', 'web-1')).toMatchObject({ haproxy_up: 1 })
  })

  it('tags each figure with proxy, service and type', () => {
    expect(statSamples(csv, AT).at(-1)).toEqual({
      metric: 'haproxy_up',
      value: 1,
      at: AT,
      tags: { proxy: 'app', sv: 'BACKEND', type: 'backend' }
    })
  })

  it('reads an empty answer as no figures', () => {
    expect(statSamples('\n', AT)).toEqual([])
  })
})

describe('infoSamples', () => {
  it('takes the figures and leaves the words', () => {
    const info =
      'Name: HAProxy\nVersion: 2.6.12\nUptime: 0d 0h00m03s\nUptime_sec: 3\nUlimit-n: 19999\nCurrConns: 1\nnode: vm\n'

    expect(infoSamples(info, AT)).toEqual([
      { metric: 'haproxy_process_uptime_sec', value: 3, at: AT, tags: {} },
      { metric: 'haproxy_process_ulimit_n', value: 19_999, at: AT, tags: {} },
      { metric: 'haproxy_process_curr_conns', value: 1, at: AT, tags: {} }
    ])
  })
})
