export const charts = {
  charts: {
    empty: 'Nothing parked in this time yet',
    as_table: 'Show as table: {title}',
    csv: 'Save as CSV: {title}',
    retry: 'Try again: {title}',
  },
}
