import { toText } from './print.ts'
import { Markup, type Value } from './value.ts'

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ["'", '&#39;'],
  ['"', '&#34;']
])

/** Escapes as MarkupSafe does. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>'"]/g, (char) => ENTITIES.get(char) ?? char)
}

/** What a value prints as where autoescape is on. */
export function escapeUnlessSafe(value: Value): string {
  return value instanceof Markup ? value.text : escapeHtml(toText(value))
}
