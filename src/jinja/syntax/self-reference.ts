import { capture, type Execute, type Frame } from '../compile/frame.ts'
import { NativeObject, type Value } from '../values/value.ts'

/** The variable `self`: prints the template's blocks once more. */
export class SelfReference extends NativeObject {
  readonly typeName = 'TemplateReference'
  readonly #blocks: ReadonlyMap<string, Execute>
  readonly #frame: Frame

  constructor(blocks: ReadonlyMap<string, Execute>, frame: Frame) {
    super()
    this.#blocks = blocks
    this.#frame = frame
  }

  override attribute(name: string): Value | undefined {
    const block = this.#blocks.get(name)
    return block === undefined ? undefined : new BlockReference(name, () => capture(block, this.#frame))
  }
}

class BlockReference extends NativeObject {
  readonly typeName = 'BlockReference'
  readonly #name: string
  readonly #print: () => string

  constructor(name: string, print: () => string) {
    super()
    this.#name = name
    this.#print = print
  }

  override call(): Value {
    return this.#print()
  }

  override print(): string {
    return `<BlockReference '${this.#name}'>`
  }
}
