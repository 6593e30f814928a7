import { Compile } from 'typebox/schema'

interface Media {
  readonly schema: object
  readonly example?: unknown
}

export interface DescribedAnswer {
  readonly description: string
  readonly headers?: Readonly<Record<string, object>>
  readonly content?: Readonly<Record<string, Media>>
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: boolean
  readonly schema: object
  readonly example?: string | number | boolean
}

export interface Operation {
  readonly operationId: string
  readonly method: string
  readonly path: string
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, DescribedAnswer>>
}

/** As much of OpenAPI 3.1 as a client needs. */
export interface ApiDocument {
  readonly openapi: string
  readonly info: object
  readonly components: {
    readonly schemas: Readonly<Record<string, object>>
    readonly securitySchemes: Readonly<Record<string, { readonly type: string; readonly scheme?: string }>>
  }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Omit<Operation, 'method' | 'path'>>>>>
}

export const operationsOf = ({ paths }: ApiDocument): Operation[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path }))
  )

/** What a value is other than its schema of the document says; a field that is not described is wrong as well. */
export function deviations({ components }: ApiDocument, schema: object, value: unknown): string[] {
  const [, errors] = Compile(closed({ ...schema, components })).Errors(value)
  return errors.map(({ instancePath, message }) => `${instancePath} ${message}`)
}

/** A schema whose objects have the fields that are named, and no others. */
function closed(schema: object): object {
  const copy = Object.fromEntries(
    Object.entries(schema).map(([key, value]: [string, unknown]) => [key, isObject(value) ? closedValue(value) : value])
  )
  return 'properties' in copy && !('additionalProperties' in copy) ? { ...copy, additionalProperties: false } : copy
}

const closedValue = (value: object): unknown =>
  Array.isArray(value)
    ? value.map((one: unknown) => (isObject(one) ? (closedValue(one) as object) : one))
    : closed(value)

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
