export { problemOf, type Problem } from '../errors.ts'
