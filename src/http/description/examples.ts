/** By operation and status: what a run has printed. */
export const examples: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  getDescription: {
    '200': {
      openapi: '3.1.0',
      info: {
        title: 'kontrol-haproxy',
        description: 'The control tier: who is alive, what HAProxy runs, and why.',
        version: '0.1.0',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' }
      },
      paths: {}
    }
  },
  leave: { '200': '' },
  getState: { '200': { hosts: { web: ['127.0.0.11'] }, md5: '99:35:90:08:6b:a6:02:c5:aa:ce:4d:28:59:a0:4d:8f' } },
  getHealth: { '200': { status: 'ok' } },
  followEvents: {
    '200':
      ': connected\nretry: 2000\n\nid: 1795960458411\nevent: state\ndata: {"at":"2026-11-29T13:54:18.410Z","type":"state","state":"setup","running":true}\n\nid: 1795960458534\nevent: pod-up\ndata: {"at":"2026-11-29T13:54:18.534Z","type":"pod-up","pod":{"app":"haproxy","id":"haproxy-1","ip":"127.0.0.1","key":"2kce4N","role":"balancer","nonce":"2700620aa541544e","payload":"","firstSeen":"2026-11-29T13:54:18.521Z","seq":0},"reason":"new"}\n'
  },
  getVersion: { '200': { version: '0.1.0', node: '20.20.2' } },
  getMetrics: {
    '200':
      '# HELP process_cpu_user_seconds_total Total user CPU time spent in seconds.\n# TYPE process_cpu_user_seconds_total counter\nprocess_cpu_user_seconds_total 0.684735\n\n# HELP process_cpu_system_seconds_total Total system CPU time spent in seconds.\n# TYPE process_cpu_system_seconds_total counter\nprocess_cpu_system_seconds_total 0.121965\n\n# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 0.8067'
  },
  getDns: {
    '200': {
      enabled: true,
      leader: true,
      dryRun: false,
      refused: [],
      records: [
        {
          zone: 'Z1',
          found: ['203.0.113.1'],
          changeId: 'C0000000000001',
          changeStatus: 'INSYNC',
          name: 'www.example.com',
          type: 'A',
          ttl: 0,
          wanted: ['203.0.113.1'],
          lastChecked: '2026-11-29T13:54:21.763Z'
        }
      ]
    }
  },
  getDashboard: {
    '200':
      '<!doctype html>\n<html lang="en">\n  <head>\n    <meta charset="utf-8" />\n    <meta name="viewport" content="width=device-width, initial-scale=1" />\n    <meta name="color-scheme" content="light dark" />\n    <title>haproxy-1, Kontrol</title>\n    <link rel="icon" href="dashboard/icon.svg" />\n    <link rel="stylesheet" href="dashboard/main.css" />\n    <script type="module" src="dashboard/main.js"></script>\n  </head>'
  },
  listPods: {
    '200': {
      pods: [
        {
          app: 'web',
          id: 'web-1',
          ip: '127.0.0.11',
          key: '2kce4X',
          role: 'web',
          seq: 1,
          nonce: null,
          payload: { port: 8080 },
          firstSeen: '2026-11-29T13:54:20.382Z',
          lastSeen: '2026-11-29T13:54:23.443Z',
          expiresAt: '2026-11-29T13:54:48.443Z',
          held: false
        }
      ],
      next: null
    }
  },
  listApps: { '200': { apps: [{ app: 'web', pods: 1, held: 0, matching: 1 }], next: null } },
  getHosts: { '200': { digest: '99:35:90:08:6b:a6:02:c5:aa:ce:4d:28:59:a0:4d:8f', hosts: { web: ['127.0.0.11'] } } },
  listMasters: {
    '200': {
      masters: [
        {
          id: 'haproxy-1',
          ip: '127.0.0.1',
          version: '0.1.0',
          config: 'c0c618e9b032adde61cf5d6589c6b6c1860c59758eb05de73f9483edb5842576',
          problems: [],
          self: true,
          leading: true,
          heardAt: '2026-11-29T13:54:23.513Z'
        }
      ],
      next: null
    }
  },
  getLifecycle: {
    '200': {
      state: 'idle',
      since: '2026-11-29T13:54:23.830Z',
      running: false,
      queue: [],
      lastError: null,
      states: [
        {
          tag: 'expose-via-route53',
          kind: 'action',
          force: false,
          terminal: false,
          on: { done: 'idle', failed: 'idle' },
          next: ['expose-via-route53', 'shutdown']
        },
        { tag: 'shutdown', kind: 'action', force: true, terminal: true, on: {}, next: [] }
      ],
      history: [
        { id: 15, tag: 'configure', input: '', startedAt: '2026-11-29T13:54:23.815Z', ms: 15, outcome: 'applied' },
        { id: 16, tag: 'idle', input: '', startedAt: '2026-11-29T13:54:23.830Z', ms: 0, outcome: 'done' }
      ]
    }
  },
  getHaproxy: {
    '200': {
      version: '2.6.12-1+deb12u4',
      pid: 4068,
      uptimeSeconds: 4,
      reloads: 1,
      workerPid: 4111,
      oldWorkers: [],
      proxies: [
        {
          name: 'proxy',
          servers: [],
          frontend: { status: 'OPEN', sessions: 0, totalSessions: 0, bytesIn: 0, bytesOut: 0 },
          serverCount: { all: 0, down: 0, out: 0, names: [] }
        },
        {
          name: 'web',
          servers: [
            {
              name: 'web-1',
              address: '127.0.0.11:8080',
              status: 'no check',
              sessions: 0,
              totalSessions: 0,
              bytesIn: 0,
              bytesOut: 0,
              since: '2026-11-29T10:04:31.000Z'
            }
          ],
          backend: { status: 'UP', sessions: 0, totalSessions: 0, bytesIn: 0, bytesOut: 0, usableServers: 1 },
          serverCount: { all: 1, down: 0, out: 0, names: [] }
        }
      ],
      problems: []
    }
  },
  getTraffic: {
    '200': {
      at: ['2026-11-29T13:54:23.412Z'],
      proxies: [
        {
          name: 'proxy',
          side: 'frontend',
          mode: 'http',
          requests: [null],
          errors4xx: [null],
          errors5xx: [null],
          sessions: [0],
          queue: [null],
          latency: [null],
          latencyMax: [null],
          usable: [null]
        },
        {
          name: 'web',
          side: 'backend',
          mode: 'http',
          requests: [null],
          errors4xx: [null],
          errors5xx: [null],
          sessions: [0],
          queue: [0],
          latency: [0],
          latencyMax: [0],
          usable: [1]
        }
      ],
      leftOut: 0
    }
  },
  getConfig: {
    '200':
      '\nfrontend proxy\n  bind 127.0.0.1:11514\n  mode http\n  default_backend web\nbackend web\n  mode http\n  server web-1 127.0.0.11:8080\n'
  },
  listReconfigurations: {
    '200': {
      reconfigurations: [
        {
          id: 1,
          cause: 'asked to render',
          causedAt: '2026-11-29T13:54:19.382Z',
          startedAt: '2026-11-29T13:54:19.382Z',
          plan: 'reload',
          operations: 0,
          reasons: ['frontend proxy is new', 'backend web is new'],
          phases: { render: 721.51, configure: 223.18, restart: 582.7 },
          outcome: 'reloaded',
          error: null,
          diff: '-# No configuration yet.\n+\n+frontend proxy\n+  bind 127.0.0.1:11514\n+  mode http\n+  default_backend web\n+backend web\n+  mode http'
        },
        {
          id: 2,
          cause: 'pod-up web 127.0.0.11 (new)',
          causedAt: '2026-11-29T13:54:20.390Z',
          startedAt: '2026-11-29T13:54:20.937Z',
          plan: 'runtime',
          operations: 1,
          reasons: [],
          phases: { render: 142.59, configure: 38.74 },
          outcome: 'applied',
          error: null,
          diff: '+  server web-1 127.0.0.11:8080'
        }
      ],
      next: null
    }
  },
  ping: { '200': '' },
  getReadiness: { '200': { ready: true, problems: [], findings: [] } },
  runScript: { '200': 'idle' },
  getPod: {
    '200': {
      app: 'web',
      id: 'web-1',
      ip: '127.0.0.11',
      key: '2kce4X',
      role: 'web',
      seq: 1,
      nonce: null,
      payload: { port: 8080 },
      firstSeen: '2026-11-29T13:54:20.382Z',
      lastSeen: '2026-11-29T13:54:23.443Z',
      expiresAt: '2026-11-29T13:54:48.443Z',
      held: false
    }
  },
  requestTransition: { '200': { state: 'idle', outcome: 'done' }, '202': { state: 'expose-via-route53' } }
}
