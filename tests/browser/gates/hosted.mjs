// The hosted pages that a filled server shows, in the languages that differ most.
export const hosted = (w) => ({
  'H1 start': new URL(w.open).pathname,
  'H2 keys': new URL(w.keys).pathname,
  'H1 start, ar': `${new URL(w.open).pathname}?lang=ar`,
  'H1 start, ja': `${new URL(w.open).pathname}?lang=ja`,
  'H2 keys, de': `${new URL(w.keys).pathname}?lang=de`,
  'H5 no such link': '/c/nothingofthatname?lang=en',
  'K no such address': '/nothing-here',
});
