// The hosted pages that a filled server shows, in the languages that differ most.
export const hosted = (w) => ({
  'H1 start': new URL(w.open).pathname,
  'H2 keys': new URL(w.keys).pathname,
  'H5 no such link': '/c/nothingofthatname',
});
