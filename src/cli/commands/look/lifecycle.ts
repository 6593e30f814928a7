import { builtInActions, readManifest } from '../../../lifecycle/manifest/manifest.ts'
import { dialectWarnings } from '../../../lifecycle/shell-dialect.ts'
import { toMermaid } from '../../../lifecycle/manifest/mermaid.ts'
import { counted } from '../../../model/words/figures.ts'
import { shellOf } from '../../automaton.ts'
import { defineCommand, usageError } from '../../command.ts'
import { readNamed } from '../../named-file.ts'
import { visibleJson } from '../../output/visible.ts'

export const lifecycle = defineCommand({
  summary: 'Check a lifecycle manifest, or print it as a Mermaid diagram',
  usage: 'check|graph <file> [--json]',
  takes: 2,
  options: { json: { type: 'boolean', default: false } },
  optionDocs: { json: 'Print JSON, warnings among it' },
  async run({ values, positionals: [deed, file] }, { env, stdout, stderr }) {
    if ((deed !== 'check' && deed !== 'graph') || file === undefined) {
      throw usageError('lifecycle takes a deed and a file', 'Usage: kontrol lifecycle check|graph <file>')
    }
    const { manifest, warnings: ofManifest } = await readManifest(file, builtInActions, readNamed)
    const warnings = [...ofManifest, ...dialectWarnings(manifest, shellOf(env))]
    const result = deed === 'graph' ? { graph: toMermaid(manifest) } : { states: manifest.states.length }
    if (values.json) return stdout(visibleJson(JSON.stringify({ file, ...result, warnings })))
    for (const warning of warnings) stderr(`${file}: warning: ${warning}`)
    if (result.graph !== undefined) stdout(result.graph)
    else
      stdout(
        `${file}: ${result.states} states, ${warnings.length === 0 ? 'no problem' : counted(warnings.length, 'warning')}`
      )
  }
})
