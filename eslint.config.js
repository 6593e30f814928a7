import js from '@eslint/js'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

export default defineConfig(
  { ignores: ['dist', 'coverage', 'data'] },
  js.configs.recommended,
  tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ['./test/tsconfig.json', './test/tsconfig.dashboard.json'],
        tsconfigRootDir: import.meta.dirname
      }
    },
    rules: {
      'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
      complexity: ['error', 10],
      'no-restricted-syntax': ['error', { selector: 'ExportDefaultDeclaration', message: 'Use named exports.' }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      // Store and fake methods are async because their interface is.
      '@typescript-eslint/require-await': 'off'
    }
  },
  {
    files: ['test/**/*.ts'],
    rules: { 'max-lines': ['error', { max: 500, skipBlankLines: true, skipComments: true }] }
  },
  {
    // None is a value of its own in templates (values/value.ts): JavaScript's null may be asked about, never given.
    files: ['src/jinja/values/**/*.ts', 'src/jinja/filters/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Use named exports.' },
        {
          selector: ':not(BinaryExpression) > Literal[raw="null"]',
          message: 'A value is NONE or Undefined, not null.'
        },
        { selector: 'TSNullKeyword', message: 'A value is NONE or Undefined, not null.' },
        { selector: 'BinaryExpression[operator=/^[!=]=$/] > Literal[raw="null"]', message: 'Ask by === null.' }
      ]
    }
  },
  { files: ['**/*.config.*'], rules: { 'no-restricted-syntax': 'off' } },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  {
    // What zerorpc needs is CommonJS, and there is no other way to say it.
    files: ['**/*.cjs'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { require: 'readonly', module: 'writable' }, parserOptions: { project: false } },
    rules: { '@typescript-eslint/no-require-imports': 'off' }
  }
)
