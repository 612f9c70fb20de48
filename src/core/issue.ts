/** One thing that is wrong with an input. Findings are data; `formatIssue` words them for people. */
export interface Issue {
  /** Where: `fieldMappings[2].mapping`. Empty for the input as a whole. */
  readonly path: string
  readonly code: IssueCode
  /** What is wrong and what was expected, without the path. */
  readonly message: string
}

export type IssueCode =
  | 'type'
  | 'missing'
  | 'unknown_key'
  | 'format'
  | 'range_order'
  | 'duplicate_name'
  | 'duplicate_key'
  | 'dangling_link'

/** `fieldMappings[2].mapping: no mapping "stauts" in set "http"; did you mean "status"?` */
export function formatIssue({ path, message }: Issue): string {
  return path === '' ? message : `${path}: ${message}`
}

/** `['fieldMappings', 2, 'mapping']` as `fieldMappings[2].mapping`. Keys that are not plain words are quoted. */
export function formatPath(segments: readonly (string | number)[]): string {
  let path = ''
  for (const segment of segments) {
    if (typeof segment === 'number') path += `[${segment}]`
    else if (/^[A-Za-z_$][\w$]*$/.test(segment)) path += path === '' ? segment : `.${segment}`
    else path += `[${JSON.stringify(segment)}]`
  }
  return path
}
