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
  getState: { '200': { hosts: { web: ['127.0.0.11'] }, md5: '00:a1:aa:cb:e3:c6:12:d7:ec:1b:b0:92:7f:41:fb:33' } },
  getHealth: { '200': { status: 'ok' } },
  followEvents: {
    '200':
      ': connected\nretry: 2000\n\nid: 1795946671178\nevent: state\ndata: {"at":"2026-11-29T10:04:31.178Z","type":"state","state":"setup","running":true}\n\nid: 1795946671463\nevent: pod-up\ndata: {"at":"2026-11-29T10:04:31.463Z","type":"pod-up","pod":{"app":"haproxy","id":"haproxy-1","ip":"127.0.0.1","key":"2kce4N","role":"balancer","nonce":"48782a6e20137e24","payload":"","firstSeen":"2026-11-29T10:04:31.376Z","seq":0},"reason":"new"}\n'
  },
  getVersion: { '200': { version: '0.1.0', node: '20.20.2' } },
  getMetrics: {
    '200':
      '# HELP process_cpu_user_seconds_total Total user CPU time spent in seconds.\n# TYPE process_cpu_user_seconds_total counter\nprocess_cpu_user_seconds_total 0.6281140000000001\n\n# HELP process_cpu_system_seconds_total Total system CPU time spent in seconds.\n# TYPE process_cpu_system_seconds_total counter\nprocess_cpu_system_seconds_total 0.207769\n\n# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 0.835883'
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
          lastChecked: '2026-11-29T10:04:33.495Z'
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
          firstSeen: '2026-11-29T10:04:32.041Z',
          lastSeen: '2026-11-29T10:04:36.202Z',
          expiresAt: '2026-11-29T10:05:01.202Z',
          held: false
        }
      ],
      next: null
    }
  },
  listApps: { '200': { apps: [{ app: 'web', pods: 1, held: 0, matching: 1 }], next: null } },
  getHosts: { '200': { digest: '00:a1:aa:cb:e3:c6:12:d7:ec:1b:b0:92:7f:41:fb:33', hosts: { web: ['127.0.0.11'] } } },
  getLifecycle: {
    '200': {
      state: 'idle',
      since: '2026-11-29T10:04:36.598Z',
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
        { id: 15, tag: 'configure', input: '', startedAt: '2026-11-29T10:04:36.557Z', ms: 41, outcome: 'applied' },
        { id: 16, tag: 'idle', input: '', startedAt: '2026-11-29T10:04:36.598Z', ms: 1, outcome: 'done' }
      ]
    }
  },
  getHaproxy: {
    '200': {
      version: '2.6.12-1+deb12u4',
      pid: 25645,
      uptimeSeconds: 5,
      reloads: 1,
      workerPid: 25685,
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
      at: ['2026-11-29T10:04:36.175Z'],
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
  listReconfigurations: {
    '200': {
      reconfigurations: [
        {
          id: 1,
          cause: 'pod-up web 127.0.0.11 (new)',
          causedAt: '2026-11-29T10:04:32.043Z',
          startedAt: '2026-11-29T10:04:32.052Z',
          plan: 'reload',
          operations: 0,
          reasons: ['frontend proxy is new', 'backend web is new'],
          phases: { render: 294.54, configure: 132.77, restart: 436.13 },
          outcome: 'reloaded',
          error: null,
          diff: '-# No configuration yet.\n+\n+frontend proxy\n+  bind 127.0.0.1:13997\n+  mode http\n+  default_backend web\n+backend web\n+  mode http\n+  server web-1 127.0.0.11:8080'
        },
        {
          id: 2,
          cause: 'asked to render',
          causedAt: '2026-11-29T10:04:32.923Z',
          startedAt: '2026-11-29T10:04:32.923Z',
          plan: 'none',
          operations: 0,
          reasons: [],
          phases: { render: 28.27, configure: 0.07 },
          outcome: 'unchanged',
          error: null,
          diff: ''
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
      firstSeen: '2026-11-29T10:04:32.041Z',
      lastSeen: '2026-11-29T10:04:36.202Z',
      expiresAt: '2026-11-29T10:05:01.202Z',
      held: false
    }
  },
  getConfig: {
    '200':
      '\nfrontend proxy\n  bind 127.0.0.1:13997\n  mode http\n  default_backend web\nbackend web\n  mode http\n  server web-1 127.0.0.11:8080\n'
  },
  requestTransition: { '200': { state: 'idle', outcome: 'done' }, '202': { state: 'expose-via-route53' } }
}
