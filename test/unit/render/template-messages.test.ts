import { expect, it } from 'vitest'
import { TextChannel, type TemplateAnswer } from '../../../src/render/template-messages.ts'
import { SeededRandom } from '../../support/seeded-random.ts'

function connected() {
  const [there, here] = [new TextChannel(), new TextChannel()]
  return (answer: TemplateAnswer): { came: TemplateAnswer | undefined; sent: string } => {
    const messages = [...there.messagesOf(answer)]
    const came = messages.map((message) => here.take(structuredClone(message))).at(-1)
    return { came, sent: JSON.stringify(messages) }
  }
}

it('brings each text over whole, whatever it has in common with the one before', () => {
  const send = connected()
  const random = new SeededRandom(20)
  let text = ''
  for (let round = 0; round < 2_000; round++) {
    const [from, length] = [random.below(text.length + 1), random.below(12)]
    const put = 'ab\n'.charAt(random.below(3)).repeat(random.below(14))
    text =
      round % 50 === 0
        ? random.pick(['', 'aaaa', `${text}${text}`])
        : text.slice(0, from) + put + text.slice(from + length)
    const answer = { text, leftOut: [] }
    expect(send(answer).came).toEqual(answer)
  }
})

it('sends of a long text what is new in it, and keeps the last one while there is a problem', () => {
  const send = connected()
  const lines = (changed: number): string =>
    Array.from({ length: 10_000 }, (_, n) => `  server s${n} 10.0.0.1:${n === changed ? 81 : 80}\n`).join('')

  expect(send({ text: lines(1), leftOut: [] }).sent.length).toBeGreaterThan(250_000)
  expect(send({ crash: 'of something' }).came).toEqual({ crash: 'of something' })
  const { came, sent } = send({ text: lines(5_000), leftOut: [] })
  expect(came).toEqual({ text: lines(5_000), leftOut: [] })
  expect(sent.length).toBeLessThan(200_000)
  expect(send({ text: lines(5_001), leftOut: [] }).sent.length).toBeLessThan(300)
})
