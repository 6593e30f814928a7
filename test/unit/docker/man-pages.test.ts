import { describe, expect, it } from 'vitest'
import { automatonPage, kontrolPage } from '../../../docker/deb/man-pages.ts'
import { defineCommand } from '../../../src/cli/command.ts'
import { envTable } from '../../../src/environment.ts'

const look = defineCommand({
  summary: 'Look at something',
  usage: '<what> [--far]',
  options: { far: { type: 'string', short: 'f', default: '3' } },
  optionDocs: { far: '.5 or more, C:\\ too' },
  run: async () => {}
})

describe('the manual page of kontrol', () => {
  it('has each command with its options', async () => {
    const page = await kontrolPage({ look: async () => look })

    expect(page).toContain(
      [
        '.SS kontrol look <what> [\\-\\-far]',
        'Look at something.',
        '.TP',
        '.B \\-f, \\-\\-far <value>',
        '\\&.5 or more, C:\\e too (default: 3)'
      ].join('\n')
    )
  })

  it('has each variable', async () => {
    const page = await kontrolPage({})

    for (const { name } of Object.values(envTable)) expect(page).toContain(`.B ${name}\n`)
  })
})

describe('the manual page of automaton', () => {
  it('has its options', () => {
    const page = automatonPage(look)

    expect(page).toContain('.TH AUTOMATON 1')
    expect(page).toContain('.B automaton\n<what> [\\-\\-far]\n.TP')
  })
})
