import { SelfReference } from './compile/compile-block.ts'
import { compileExpression } from './compile/compile-expression.ts'
import { compileBody } from './compile/compile-statement.ts'
import { Frame, Output, Scope, type Compilation, type Execute } from './compile/scope.ts'
import { builtInFilters } from './filters/built-in-filters.ts'
import { builtInGlobals } from './filters/globals.ts'
import { builtInTests } from './filters/tests.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { TemplateRuntime } from './runtime.ts'
import { TemplateParser } from './syntax/template-parser.ts'
import { TemplateFault, describeFault } from './template-fault.ts'
import { NONE, type Library, type NativeFunction, type Value } from './values/value.ts'

export interface TemplateOptions {
  /** Filters beyond those of Jinja2. */
  readonly filters?: ReadonlyMap<string, NativeFunction>
  readonly limits?: Partial<Limits>
  /** What an error may show of the template; all when absent. */
  readonly shown?: (text: string) => string
}

/** Variables by name; each is worked out when the template first asks for it. */
export type TemplateVariables = ReadonlyMap<string, () => Value>

/** As much as all annotations of a pod may hold together. */
const MAX_SOURCE_LENGTH = 256 * 1024

/** A compiled template: holds no state of a rendering, so one may render many times. */
export class JinjaTemplate {
  readonly #source: string
  readonly #library: Library
  readonly #limits: Limits
  readonly #shown: (text: string) => string
  readonly #blocks: Compilation['blocks'] = new Map()
  readonly #scope: Scope
  readonly #execute: Execute

  /** @throws KontrolError KTL_TEMPLATE_INVALID with the line, KTL_TEMPLATE_LIMIT when it is nested too deeply */
  constructor(source: string, { filters = new Map(), limits = {}, shown = (text) => text }: TemplateOptions = {}) {
    this.#source = source
    this.#shown = shown
    this.#library = {
      filters: new Map([...builtInFilters, ...filters]),
      tests: builtInTests,
      globals: builtInGlobals
    }
    this.#limits = { ...DEFAULT_LIMITS, ...limits }
    this.#scope = Scope.root({
      library: this.#library,
      blocks: this.#blocks,
      expression: compileExpression,
      body: compileBody
    })
    this.#execute = this.#explaining(() => this.#compile())
  }

  /** @throws KontrolError KTL_TEMPLATE_INVALID with the line, KTL_TEMPLATE_LIMIT past one of the limits */
  render(variables: TemplateVariables): string {
    return this.#explaining(() => {
      const self: { reference?: Value } = {}
      const withSelf = new Map(variables).set('self', () => self.reference ?? NONE)
      const runtime = new TemplateRuntime(this.#library, withSelf, this.#limits)
      const frame = new Frame(this.#scope.layout.size, runtime)
      self.reference = new SelfReference(this.#blocks, frame)
      const output = new Output(runtime)
      this.#execute(frame, output)
      return output.text
    })
  }

  #compile(): Execute {
    if (this.#source.length > MAX_SOURCE_LENGTH) {
      const limit = MAX_SOURCE_LENGTH.toLocaleString('en-US')
      throw new TemplateFault('LimitError', `more than ${limit} characters of template`)
    }
    const body = TemplateParser.parse(this.#source)
    this.#scope.declareAll({ parts: [body] })
    return compileBody(body, this.#scope)
  }

  #explaining<T>(run: () => T): T {
    try {
      return run()
    } catch (error) {
      throw describeFault(error, this.#source, this.#shown)
    }
  }
}
