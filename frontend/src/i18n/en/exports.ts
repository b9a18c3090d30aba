export const exports = {
  exports: {
    start: 'Export CSV',
    title: 'Export',
    lead: 'A CSV file, fit for any spreadsheet.',
    under_way: 'Your file is being written',
    leave: 'You may leave this page. A mail tells you when it is ready.',
    tried_again: 'It did not work at first and is tried again.',
    progress: 'Progress of the export',
    ready: 'Your file is ready',
    rows: 'Rows',
    size: 'Size',
    until: 'Available until',
    download: 'Download',
    failed: 'The export failed',
    gone: 'This export is not here',
    gone_text: 'It has expired, or it belongs to another account. You can make a new one.',
    again: 'Export again',
  },
  admin_exports: {
    csv: 'Export CSV',
    partly: 'An export follows lot, driver and days, not status and plate.',
  },
}
