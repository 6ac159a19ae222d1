/**
 * What commands print holds moments: indexes, times, process ids, who leads. Two outputs are alike when
 * they are equal without these.
 */
export function shapeOf(text: string): readonly string[] {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    const lines = paragraph.split('\n').filter((line) => !['', '…'].includes(line.trim()))
    return isHead(lines[0] ?? '') ? tableShape(lines) : lines.map(plain)
  })
}

/** Whether everything that a guide shows was really printed. `…` stands for more. */
export function differences(shown: string, printed: string): readonly string[] {
  const real = new Set(shapeOf(printed))
  const wanted = shapeOf(shown)
  const missing = wanted.filter((line) => !real.has(line)).map((line) => `not printed: ${line}`)
  if (shown.includes('…')) return missing
  const told = new Set(wanted)
  return [
    ...missing,
    ...[...real].filter((line) => !told.has(line)).map((line) => `untold: ${line}`),
  ]
}

/** Columns about the moment: how a node does just now, and what is advised then. */
const passing = ['RESULT', 'ADVICE', '']

function isHead(line: string): boolean {
  return /^[A-Z]+ {2,}[A-Z]/.test(line)
}

/** Each row as "COLUMN value", without the columns about the moment. */
function tableShape([head = '', ...rows]: readonly string[]): readonly string[] {
  const starts = [...head.matchAll(/(?<=^| {2})[A-Z]/g)].map(({ index }) => index)
  const cells = (line: string) =>
    starts.map((start, i) => line.slice(start, starts[i + 1] ?? line.length).trim())
  const names = cells(head)
  const shown = rows.map((row) =>
    cells(row)
      .map((cell, i) => (passing.includes(names[i] ?? '') ? '' : `${names[i]} ${plain(cell)}`))
      .join(' | '),
  )
  return [names.join(' | '), ...shown]
}

/** A text without its numbers. */
function plain(text: string): string {
  return text
    .replaceAll(/\b[KMGT]iB\b/g, 'B')
    .replaceAll(/\bn\d\b/g, 'n0')
    .replaceAll(/\d+(\.\d+)?/g, '0')
    .replaceAll(/\s+/g, ' ')
    .replace(/ leader\b/, '')
    .trim()
}
