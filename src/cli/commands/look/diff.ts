import { textDiff } from '../../../haproxy/config/text-changes.ts'
import { maskConfiguration } from '../../../model/masking.ts'
import { EXIT_FAILURE, EXIT_OK, defineCommand } from '../../command.ts'
import { ControlTier, controlTierOptionDocs, controlTierOptions } from '../../control-tier.ts'
import { readArgument } from '../../named-file.ts'
import { visibleJson } from '../../output/visible.ts'

/** More than any configuration that is applied. */
const ALL_LINES = 1_000_000

export const diff = defineCommand({
  summary: 'Compare what HAProxy runs with what is wanted, or with a file',
  usage: '[<file>] [--url <url>] [--json]',
  takes: 1,
  options: controlTierOptions,
  optionDocs: { ...controlTierOptionDocs, json: 'Print JSON' },
  async run({ values, positionals: [file] }, context) {
    const tier = new ControlTier(values.url, context)
    const running = await tier.text('GET', '/api/v1/config')
    const wanted = file === undefined ? await tier.text('GET', '/api/v1/config?candidate') : await contentOf(file)
    const differs = running !== wanted
    const changes = differs ? await textDiff(running, wanted, ALL_LINES) : ''
    if (values.json) context.stdout(visibleJson(JSON.stringify({ differs, diff: changes })))
    else if (differs) context.stdout(['--- running', `+++ ${file ?? 'wanted'}`, changes].join('\n'))
    return differs ? EXIT_FAILURE : EXIT_OK
  }
})

/** As it would be shown: what is secret is masked in what HAProxy runs, too. */
const contentOf = async (file: string): Promise<string> => maskConfiguration(await readArgument(file))
