/**
 * The program of a process of its own: renders what it is sent, and ends with
 * whoever started it. `template-process.ts` is the other end.
 */
import { writeFileSync } from 'node:fs'
import { parseJson } from '../model/json/json.ts'
import type { Pod } from '../model/pod.ts'
import { applyChanges, type ListChanges } from './list-changes.ts'
import { TextChannel, toAnswer, type TemplateAnswer, type TemplateRequest } from './template-messages.ts'
import { compileTemplate, type Rendered, type Template } from './template.ts'
import { refuseLargeText } from './text-limits.ts'

const channel = new TextChannel()
let source = ''
let compiled: Template | undefined
let hosts = new Map<string, string[]>()
let pods = new Map<string, Pod[]>()

function take(request: TemplateRequest): void {
  if ('hosts' in request) hosts = applyChanges(hosts, parseJson(request.hosts) as ListChanges<string>)
  else if ('pods' in request) pods = applyChanges(pods, parseJson(request.pods) as ListChanges<Pod>)
  else if ('template' in request) {
    source = request.template
    compiled = undefined
  } else answer(attempt(() => (compiled ??= compileTemplate(source)).render({ ...request.render, hosts, pods })))
}

function attempt(render: () => Rendered): TemplateAnswer {
  try {
    const rendered = render()
    refuseLargeText(rendered.text)
    return rendered
  } catch (error) {
    return toAnswer(error)
  }
}

function answer(message: TemplateAnswer): void {
  for (const part of channel.messagesOf(message)) process.send?.(part)
}

/** Where memory is short, the kernel ends this process rather than its neighbours, HAProxy among them. */
function offerToTheKernel(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000')
  } catch {
    // Elsewhere than on Linux, or not allowed: then all are equal.
  }
}

// A signal to the whole group is for the other end, which may want one more rendering.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('disconnect', () => process.exit())
process.on('message', take)
offerToTheKernel()
answer('ready')
