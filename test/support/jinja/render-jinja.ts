import { JinjaTemplate, type TemplateOptions } from '../../../src/jinja/template.ts'
import { fromData } from '../../../src/jinja/values/from-data.ts'

/** Renders a template with plain data as its variables. */
export function renderJinja(
  source: string,
  variables: Record<string, unknown> = {},
  options?: TemplateOptions
): string {
  const template = new JinjaTemplate(source, options)
  return template.render(new Map(Object.entries(variables).map(([name, data]) => [name, () => fromData(data)])))
}

/** What a template throws, when it is compiled or when it renders. */
export function faultOf(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('the template rendered without an error')
}
