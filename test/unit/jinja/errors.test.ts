import { describe, expect, it } from 'vitest'
import { faultOf, renderJinja } from '../../support/jinja/render-jinja.ts'

const cases: readonly (readonly [name: string, template: string, message: string])[] = [
  [
    'an attribute of what is undefined',
    'a\nb\n  server {{ hosts.nope.x }}\n',
    "Template, line 3, column 23: 'dict object' has no attribute 'nope' (UndefinedError)\n  3 |   server {{ hosts.nope.x }}"
  ],
  [
    'an unknown filter',
    'a\n{{ 1|nosuch }}',
    "Template, line 2, column 6: No filter named 'nosuch'. (TemplateAssertionError)\n  2 | {{ 1|nosuch }}"
  ],
  [
    'a division by zero in the middle of a loop',
    '{% for i in [1] %}\n{{ i }}\n{{ 6 / 0 }}\n{% endfor %}',
    'Template, line 3, column 6: division by zero (ZeroDivisionError)\n  3 | {{ 6 / 0 }}'
  ],
  [
    'what was found where something else was expected',
    'x\n{% for app of hosts %}{% endfor %}',
    "Template, line 2, column 12: expected token 'in', got 'of' (TemplateSyntaxError)\n  2 | {% for app of hosts %}{% endfor %}"
  ],
  [
    'a tag in the wrong place',
    '{% for a in hosts %}\n{% endif %}',
    "Template, line 2, column 4: Encountered unknown tag 'endif'. Jinja was looking for the following tags: 'endfor' or 'else'. The innermost block that needs to be closed is 'for'. (TemplateSyntaxError)\n  2 | {% endif %}"
  ],
  [
    'the place in a template with the line ends of Windows',
    'a\r\nb\r\n{{ nope.x }}\r\n',
    "Template, line 3, column 8: 'nope' is undefined (UndefinedError)\n  3 | {{ nope.x }}"
  ],
  [
    'the call in a macro that goes wrong, not the place that calls it',
    '{% macro m(x) %}\n{{ x.y.z }}\n{% endmacro %}\n{{ m({}) }}',
    "Template, line 2, column 7: 'dict object' has no attribute 'y' (UndefinedError)\n  2 | {{ x.y.z }}"
  ]
]

describe('the error of a template', () => {
  it.each(cases)('names %s', (_name, template, message) => {
    expect(faultOf(() => renderJinja(template, { hosts: {} }))).toMatchObject({
      code: 'KTL_TEMPLATE_INVALID',
      message,
      hint: expect.stringMatching(/\.$/) as string
    })
  })

  it('comes before the first rendering where the text alone shows it', () => {
    expect(faultOf(() => renderJinja('{% if false %}{% nosuch %}{% endif %}'))).toMatchObject({
      message: expect.stringContaining("Encountered unknown tag 'nosuch'") as string
    })
  })

  it('waits for the branch with an unknown filter to be reached, as in Jinja2', () => {
    expect(renderJinja('{% if false %}{{ 1|nosuch }}{% endif %}ok')).toBe('ok')
  })

  it('shows the beginning of a line that is very long', () => {
    const template = `{{ nope.x }}${'y'.repeat(1_000)}`

    expect(faultOf(() => renderJinja(template))).toMatchObject({ message: expect.stringMatching(/y…$/) as string })
  })
})
