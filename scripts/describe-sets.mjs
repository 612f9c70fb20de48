// Event sets as Markdown, for the reference and for the READMEs of the plugins.

/** More globs than this in one condition would make a table unreadable. */
const MOST_GLOBS = 20

/**
 * The tables of a set: its fields, then each mapping. `level` is the level of the headings; a `prefix` keeps the
 * mappings of several sets on one page apart.
 */
export function describeSet(set, { level, prefix = '' }) {
  const heading = (title) => `${'#'.repeat(level)} ${title}`
  const linkTo = ({ mapping, eventSetName }) =>
    set.mappings?.some(({ name }) => name === mapping)
      ? `[${mapping}](#${anchorOf(prefix + mapping)})`
      : code([eventSetName, mapping].filter(Boolean).join(' '))
  return [
    `${set.description}. Priority ${set.priority ?? 0}.`,
    heading('Fields'),
    markdownTable(
      [
        'Log key',
        'Other names',
        'Mapping',
        'Type',
        'Only when',
        'Value not in the table',
        'Absent',
        'What it tells',
      ],
      (set.fieldMappings ?? []).map((field) => [
        code(field.logKey),
        (field.aliases ?? []).map(code).join(', '),
        linkTo(field),
        field.valueType ?? 'any',
        Object.entries(field.when ?? {})
          .map(([key, globs]) => `${code(key)} is ${describeGlobs([globs].flat())}`)
          .join(' and '),
        field.defaultOverrideKey === undefined ? '' : `counts as ${code(field.defaultOverrideKey)}`,
        field.defaultValue === undefined ? '' : `counts as ${code(field.defaultValue)}`,
        field.description ?? '',
      ]),
    ),
    ...(set.mappings ?? []).flatMap((mapping) => [
      heading(prefix + mapping.name),
      ...(mapping.description ? [`${mapping.description}.`] : []),
      ...(mapping.transformations ? [describeTransformations(mapping.transformations)] : []),
      markdownTable(['Marker', 'Key', 'Numbers', 'Adds'], mappingRows(mapping)),
    ]),
  ].join('\n\n')
}

function describeGlobs(globs) {
  const shown = globs.length > MOST_GLOBS ? globs.slice(0, 3) : globs
  const more = globs.length > shown.length ? ` or one of ${globs.length - shown.length} more` : ''
  return shown.map(code).join(' or ') + more
}

function describeTransformations(transformations) {
  const steps = Object.entries(transformations).map(
    ([value, name]) => `${value === '*' ? 'any value' : code(value)} through ${code(name)}`,
  )
  return `Before look-up: ${steps.join(', ')}.`
}

function mappingRows({ visualMarkers = {}, ranges = {}, metadataFields = {} }) {
  // In the order in which a value is looked up: its text first, then the ranges as they stand.
  const exact = Object.keys(visualMarkers).filter((key) => !Object.hasOwn(ranges, key))
  return [...new Set([...exact, ...Object.keys(ranges), ...Object.keys(metadataFields)])].map((key) => [
    visualMarkers[key] ?? '',
    code(key),
    ranges[key] ? formatRange(ranges[key]) : '',
    Object.entries(metadataFields[key] ?? {})
      .map(([field, value]) => code(`${field}: ${value}`))
      .join(', '),
  ])
}

function formatRange([low, high]) {
  if (low === null) return high === null ? 'any' : `up to ${high}`
  return high === null ? `from ${low}` : `${low} to ${high}`
}

/** What a heading is called in a link to it. */
function anchorOf(title) {
  return title
    .toLowerCase()
    .replace(/[^\w -]/g, '')
    .replaceAll(' ', '-')
}

export function code(text) {
  return `\`${text}\``
}

/** A table without the columns that are empty in every row. */
export function markdownTable(header, rows) {
  const kept = header.map((_, column) => rows.some((row) => row[column]))
  const line = (cells) =>
    `| ${cells
      .filter((_, column) => kept[column])
      .map((cell) => String(cell).replaceAll('|', '\\|'))
      .join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}
