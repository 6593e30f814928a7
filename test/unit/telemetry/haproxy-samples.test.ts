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

const figures = async (proxy: string, sv: string) => {
  const { samples } = await statSamples(csv, AT)
  const own = samples.filter(({ tags }) => tags.proxy === proxy && tags.sv === sv)
  return Object.fromEntries(own.map(({ metric, value }) => [metric, value]))
}

/** The first columns of HAProxy 2.6.12, in their order. */
const COLUMNS =
  'pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,bck,' +
  'chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,rate_lim,rate_max,check_status,' +
  'check_code,check_duration,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,hrsp_other,hanafail,req_rate,req_rate_max,' +
  'req_tot,cli_abrt,srv_abrt,comp_in,comp_out,comp_byp,comp_rsp,lastsess,last_chk,last_agt,qtime,ctime,rtime,ttime'

/** So many servers, and their backend, with a figure in each column that is not a word. */
function fleet(servers: number): string {
  const row = (sv: string, type: number): string => {
    const words: Record<string, string> = {
      pxname: 'app',
      svname: sv,
      status: 'UP',
      type: String(type),
      last_chk: 'OK'
    }
    return COLUMNS.split(',')
      .map((column, index) => words[column] ?? String(index))
      .join(',')
  }
  const rows = Array.from({ length: servers }, (_, index) => row(`web-${index}`, 2))
  return [`# ${COLUMNS}`, ...rows, row('BACKEND', 1), ''].join('\n')
}

describe('statSamples', () => {
  it("names the figures as telegraf's plugin does", async () => {
    expect(await figures('front', 'FRONTEND')).toEqual({
      haproxy_scur: 3,
      haproxy_slim: 9985,
      haproxy_stot: 17,
      'haproxy_http_response.5xx': 4,
      haproxy_up: 1
    })
  })

  it('keeps its columns through quoted commas', async () => {
    expect(await figures('app', 'web-0')).toMatchObject({ haproxy_rtime: 12, haproxy_up: 0 })
  })

  it('takes no line of an answer to a check for a row of its own', async () => {
    const forged = `${csv.split('\n', 1)[0]}\nfront,FRONTEND,"x\nfake,FRONTEND,1,1"\n`
    const { samples } = await statSamples(forged, AT)

    expect(new Set(samples.map(({ tags }) => tags.proxy))).toEqual(new Set(['front']))
  })

  it('counts a server that is going down as up: it still gets requests', async () => {
    expect(await figures('app', 'web-1')).toMatchObject({ haproxy_up: 1 })
  })

  it('tags each figure with proxy, service and type', async () => {
    const { samples } = await statSamples(csv, AT)

    expect(samples.at(-1)).toEqual({
      metric: 'haproxy_up',
      value: 1,
      at: AT,
      tags: { proxy: 'app', sv: 'web-1', type: 'server' }
    })
  })

  it('reads an empty answer as no figures', async () => {
    expect(await statSamples('\n', AT)).toEqual({ samples: [], serversLeftOut: 0 })
  })

  it('sends of a server what its operator looks at, and of a backend all', async () => {
    const { samples } = await statSamples(fleet(1), AT)

    const names = (sv: string) => samples.filter(({ tags }) => tags.sv === sv).map(({ metric }) => metric.slice(8))
    expect(names('web-0')).toEqual([
      ...['qcur', 'scur', 'stot', 'bin', 'bout', 'econ', 'eresp', 'wretr', 'wredis', 'weight', 'chkfail', 'chkdown'],
      ...['1xx', '2xx', '3xx', '4xx', '5xx', 'other'].map((kind) => `http_response.${kind}`),
      ...['qtime', 'ctime', 'rtime', 'ttime', 'up']
    ])
    expect(names('BACKEND').length).toBeGreaterThan(50)
    expect(names('BACKEND')).toEqual(expect.arrayContaining([...names('web-0'), 'active_servers', 'slim', 'lastchg']))
  })

  it('leaves out the servers, and keeps the backends, where there are more than 2,000', async () => {
    const most = await statSamples(fleet(2_000), AT)
    const tooMany = await statSamples(fleet(2_001), AT)

    const servers = most.samples.filter(({ tags }) => tags.type === 'server')
    expect(servers).toHaveLength(2_000 * 23)
    expect(most.serversLeftOut).toBe(0)
    expect(tooMany.serversLeftOut).toBe(2_001)
    expect(tooMany.samples).toEqual(most.samples.filter(({ tags }) => tags.type === 'backend'))
  })

  it('lets the event loop get to its other work between slices of a large fleet', async () => {
    let turns = 0
    let reading = true
    const count = (): void => {
      turns += 1
      if (reading) setImmediate(count)
    }
    setImmediate(count)

    await statSamples(fleet(2_000), AT)
    reading = false

    expect(turns).toBeGreaterThanOrEqual(19)
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
