import { createInterface } from 'node:readline'
import { toCell } from '../table.ts'
import type { Answers, Question } from './answers.ts'

/**
 * Asks a person in a terminal, again where an answer will not do. Gives nothing when they do not want to go on
 * (Ctrl-C, Ctrl-D).
 */
export async function ask(
  questions: readonly Question[],
  given: Partial<Answers>,
  folder: string,
): Promise<Answers | undefined> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  // One iterator for all: lines that are typed ahead, or pasted, wait in it for their question.
  const lines = terminal[Symbol.asyncIterator]()
  terminal.on('SIGINT', () => terminal.close())
  const answers: Partial<Record<keyof Answers, string>> = { ...given }
  try {
    for (const question of questions) {
      const { key, prompt, suggest, refuse } = question
      if (answers[key] !== undefined) continue
      const suggestion = suggest(answers, folder)
      while (answers[key] === undefined) {
        if (prompt === undefined) answers[key] = suggestion ?? ''
        else {
          terminal.setPrompt(`${prompt}${suggestion ? ` (${toCell(suggestion)})` : ''}: `)
          terminal.prompt()
          const { value, done } = await lines.next()
          if (done) {
            process.stdout.write('\n')
            return undefined
          }
          const answer = value.trim() || (suggestion ?? '')
          const reason = refuse(answer)
          if (reason === undefined) answers[key] = answer
          else process.stdout.write(`  ${toCell(reason)}\n`)
        }
      }
    }
    // Each question has its answer now.
    return answers as Answers
  } finally {
    terminal.close()
  }
}
