import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { accessVariables } from './access/access-variables.ts'
import {
  commaList,
  decimal,
  etcdUrls,
  file,
  flag,
  fromKubernetes,
  ipAddress,
  type LogLevel,
  logLevels,
  off,
  oneOf,
  optional,
  text,
  variable,
  wholeNumber
} from './platform/env-parsers.ts'
import { variableNames } from './platform/process/haproxy-environment.ts'
import { defaultShell, parseShell, type Shell } from './platform/process/shell.ts'
import { parseCheck } from './slave/check.ts'

export type Mode = 'master' | 'slave' | 'debug' | 'verbose'

const packagedLifecycle = fileURLToPath(new URL('../lifecycle/lifecycle.yml', import.meta.url))

/** Single source for parsing, for `kontrol config` and for docs/configuration.md. */
export const envTable = {
  modes: variable<readonly Mode[]>({
    name: 'KONTROL_MODE',
    doc: 'Comma list of master, slave, debug, verbose',
    fallback: ['slave'],
    fallbackDoc: 'slave',
    parse: (raw) => commaList(raw).map(oneOf('master', 'slave', 'debug', 'verbose'))
  }),
  port: variable({
    name: 'KONTROL_PORT',
    doc: 'TCP port of the control tier: HTTP, and ZeroRPC on the same port',
    fallback: 8000,
    parse: wholeNumber(1, 65_535)
  }),
  host: optional('KONTROL_HOST', 'IPv4 address of the node or kube proxy', ipAddress),
  ip: variable({
    name: 'KONTROL_IP',
    doc: 'Address of this pod',
    fallback: '127.0.0.1',
    fallbackDoc: 'from Kubernetes, else 127.0.0.1',
    parse: ipAddress
  }),
  id: variable({
    name: 'KONTROL_ID',
    doc: 'Identifier of this pod',
    fallback: hostname(),
    fallbackDoc: 'the pod name, else the host name',
    parse: text
  }),
  labels: fromKubernetes('KONTROL_LABELS', 'JSON object of labels of this pod; must hold app and role'),
  annotations: fromKubernetes(
    'KONTROL_ANNOTATIONS',
    'JSON object of annotations of this pod: the template, the masters, the domains'
  ),
  nodeLabels: fromKubernetes('KONTROL_NODE_LABELS', 'JSON object of labels of the node'),
  nodeAnnotations: fromKubernetes('KONTROL_NODE_ANNOTATIONS', 'JSON object of annotations of the node'),
  eip: {
    ...optional('KONTROL_EIP', 'External address of this proxy, reported in its payload as {"eip": …}', ipAddress),
    fallbackDoc: "the node's ExternalIP"
  },
  ttlSeconds: variable({
    name: 'KONTROL_TTL',
    doc: 'Seconds after its last keepalive at which a pod is gone; a slave pings every 0.75 of it',
    fallback: 25,
    parse: decimal(1, 86_400)
  }),
  damperSeconds: variable({
    name: 'KONTROL_DAMPER',
    doc: 'Seconds in which changes after the first are gathered; 0 passes each at once',
    fallback: 1,
    parse: decimal(0, 3600)
  }),
  foverSeconds: variable({
    name: 'KONTROL_FOVER',
    doc: 'Seconds after which a silent leader is replaced',
    fallback: 10,
    parse: decimal(1, 3600)
  }),
  etcd: variable<readonly string[]>({
    name: 'KONTROL_ETCD',
    doc: 'etcd v3 cluster shared by all masters of the app: host, host:port or a comma list of URLs',
    fallback: [],
    fallbackDoc: 'the annotation kontrol.unity3d.com/etcd, else the embedded store',
    parse: etcdUrls
  }),
  etcdUser: optional('KONTROL_ETCD_USER', 'User of etcd; needs read and write below /kontrol/<namespace>/<app>/', text),
  etcdPasswordFile: file('KONTROL_ETCD_PASSWORD_FILE', 'File with the password of that user; read at each login'),
  etcdCa: file('KONTROL_ETCD_CA', "PEM file with the authorities of etcd's certificates, in place of the public ones"),
  etcdCert: file('KONTROL_ETCD_CERT', 'PEM file with the certificate that is shown to etcd'),
  etcdKey: file('KONTROL_ETCD_KEY', 'PEM file with its key'),
  callback: {
    ...optional('KONTROL_CALLBACK', 'Command that the leader runs on each change of the set of pods', text),
    fallbackDoc: 'unset: only the built-in HAProxy reaction'
  },
  shellCallback: variable({
    name: 'KONTROL_SHELL_CALLBACK',
    doc: 'TRUE: run the callback through KONTROL_SHELL -c',
    fallback: false,
    fallbackDoc: 'FALSE',
    parse: flag
  }),
  shell: variable<Shell>({
    name: 'KONTROL_SHELL',
    doc: 'Shell of steps, scripts and shell callbacks',
    fallback: defaultShell,
    fallbackDoc: '/bin/sh (busybox ash in the image)',
    parse: parseShell
  }),
  callbackTimeoutSeconds: variable({
    name: 'KONTROL_CALLBACK_TIMEOUT',
    doc: 'Seconds after which a callback that still runs is ended',
    fallback: 300,
    parse: decimal(1, 86_400)
  }),
  check: optional(
    'KONTROL_CHECK',
    'What tells that the service of this pod is well, so that it reports: http://…, tcp://host:port or exec:<command>',
    parseCheck
  ),
  checkIntervalSeconds: variable({
    name: 'KONTROL_CHECK_INTERVAL',
    doc: 'Seconds from one check to the next, and the longest that one may take',
    fallback: 5,
    parse: decimal(0.1, 3600)
  }),
  checkRise: variable({
    name: 'KONTROL_CHECK_RISE',
    doc: 'Checks in a row that must go well before the pod reports',
    fallback: 2,
    parse: wholeNumber(1, 1000)
  }),
  checkFall: variable({
    name: 'KONTROL_CHECK_FALL',
    doc: 'Checks in a row that must fail before the pod says goodbye',
    fallback: 3,
    parse: wholeNumber(1, 1000)
  }),
  payloadBytes: variable({
    name: 'KONTROL_PAYLOAD_BYTES',
    doc: 'Bytes that all payloads together may have; one app, and one sender, may take half of them',
    fallback: 64 * 1024 * 1024,
    parse: wholeNumber(1, 2 ** 40)
  }),
  podsPerApp: variable({
    name: 'KONTROL_PODS_PER_APP',
    doc: 'Pods of one app that are taken; all apps together may have 200000',
    fallback: 100_000,
    parse: wholeNumber(1, 200_000)
  }),
  podsPerPeer: variable({
    name: 'KONTROL_PODS_PER_PEER',
    doc: 'Pods first reported from one address of the network that are taken',
    fallback: 50_000,
    parse: wholeNumber(1, 200_000)
  }),
  payloadFile: {
    ...optional('KONTROL_PAYLOAD', 'JSON file sent along with keepalives; a change forces one', text),
    fallbackDoc: '$KONTROL_DATA/state.json'
  },
  namespace: variable({
    name: 'NAMESPACE',
    doc: 'Kubernetes namespace; etcd keys live under /kontrol/<namespace>/<app>',
    fallback: 'default',
    parse: text
  }),
  dataFolder: {
    ...optional('KONTROL_DATA', 'Folder of everything that must survive a restart, and of the rendered files', (raw) =>
      resolve(raw)
    ),
    fallbackDoc: '/data if writable, else ./data'
  },
  lifecycleFile: variable({
    name: 'KONTROL_LIFECYCLE',
    doc: 'Manifest of the automaton',
    fallback: packagedLifecycle,
    fallbackDoc: 'the packaged lifecycle/lifecycle.yml',
    parse: text
  }),
  automaton: variable({
    name: 'KONTROL_AUTOMATON',
    doc: 'off: run no automaton, and leave KONTROL_SOCKET to another process',
    fallback: true,
    fallbackDoc: 'on',
    parse: flag
  }),
  socket: variable({
    name: 'KONTROL_SOCKET',
    doc: 'Unix socket of the automaton',
    fallback: '/tmp/sock',
    fallbackDoc: '/tmp/sock ($KONTROL_DATA/automaton.sock in demo)',
    parse: (raw) => resolve(raw)
  }),
  configFile: {
    ...optional('KONTROL_CONFIG_FILE', 'Template file used instead of the annotation; watched for changes', text),
    fallbackDoc: 'unset: the annotation haproxy.unity3d.com/config'
  },
  haproxy: variable({
    name: 'KONTROL_HAPROXY',
    doc: 'The HAProxy binary',
    fallback: 'haproxy',
    parse: text
  }),
  haproxyEnv: {
    ...optional('KONTROL_HAPROXY_ENV', 'Comma list of the only variables that HAProxy is given', variableNames),
    fallbackDoc: "unset: all but secrets and the control tier's own"
  },
  supervisor: variable<'child' | 'supervisord'>({
    name: 'KONTROL_SUPERVISOR',
    doc: 'Who runs the HAProxy process: child or supervisord',
    fallback: 'child',
    fallbackDoc: 'child (supervisord in the image)',
    parse: oneOf('child', 'supervisord')
  }),
  reloadIntervalSeconds: variable({
    name: 'KONTROL_RELOAD_INTERVAL',
    doc: 'Least seconds between two reloads; changes of servers wait with one that waits',
    fallback: 2,
    parse: decimal(0, 3600)
  }),
  backendsDecideReadiness: off(
    'KONTROL_READY_BACKENDS',
    'on: /readyz says 503 while a backend that clients are sent to has no server that takes requests'
  ),
  synGuard: off(
    'KONTROL_SYN_GUARD',
    'on: drop SYN packets by iptables on the bound ports during a reload (needs NET_ADMIN)'
  ),
  ...accessVariables,
  panicThreshold: variable({
    name: 'KONTROL_PANIC_THRESHOLD',
    doc: 'Share of the pods of an app above which pods that fall silent together are held',
    fallback: 0.5,
    parse: decimal(0, 1)
  }),
  logLevel: variable<LogLevel>({
    name: 'KONTROL_LOG_LEVEL',
    doc: 'Level of the log: JSON lines on stdout, pretty on a terminal',
    fallback: 'info',
    parse: oneOf(...logLevels)
  }),
  dryRun: off('KONTROL_DRY_RUN', 'on: render, validate and plan, but touch neither HAProxy nor DNS')
}
