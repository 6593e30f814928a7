import { counted } from './figures.ts'

interface Problem {
  code: string
  message: string
}

interface Reconfigured {
  outcome: string
  cause: string
  error: Problem | null
}

interface PodEvent {
  pod: { app: string; ip: string; id: string }
  reason: string
}

interface PodsEvent {
  app: string
  pods: readonly unknown[]
  reason: string
}

const onePod = ({ pod: { app, ip, id }, reason }: PodEvent): string => `${app} ${ip} ${id}: ${reason}`

const manyPods = ({ app, pods, reason }: PodsEvent): string => `${app}: ${counted(pods.length, 'pod')} (${reason})`

/** Each type of event with its words; nothing for what would only drown the rest. */
const texts: Readonly<Record<string, (data: never) => string | undefined>> = {
  'pod-up': onePod,
  'pod-down': onePod,
  'pod-changed': ({ pod, fields }: Omit<PodEvent, 'reason'> & { fields: readonly string[] }) =>
    onePod({ pod, reason: `another ${fields.join(', ')}` }),
  'pods-held': manyPods,
  'pods-released': manyPods,
  'key-shared': ({ key, ip, apps }: { key: string; ip: string; apps: readonly string[] }) =>
    `${apps.join(' and ')} share the key ${key} of ${ip}`,
  leader: ({ leading }: { leading: boolean }) => (leading ? 'this control tier leads' : 'another control tier leads'),
  state: ({ state, running, outcome }: { state: string; running: boolean; outcome?: string }) =>
    running ? undefined : `${state}: ${outcome ?? 'ended'}`,
  reconfigured: ({ outcome, error, cause }: Reconfigured) =>
    `${outcome}${error === null ? '' : `, ${error.message}`}: ${cause}`,
  missed: ({ what }: { what?: string }) =>
    what === undefined ? 'more has happened than is remembered' : `${what}: too much to be remembered`,
  alarm: ({ code, message }: Problem) => `${code}: ${message}`,
  backend: ({ backend, usable }: { backend: string; usable: boolean }) =>
    `${backend} has ${usable ? 'a' : 'no'} server that takes requests`,
  dns: ({ kind, record }: { kind: string; record?: { name: string; type: string } }) =>
    record ? `${kind}: ${record.name} ${record.type}` : kind
}

/** @param data as docs/http-api.md has it */
export function eventText(type: string, data: unknown): string | undefined {
  return texts[type]?.(data as never)
}
