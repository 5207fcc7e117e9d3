// The hosted pages that a filled server shows, in every language.
export const LANGUAGES = ['en', 'es', 'fr', 'de', 'pt-BR', 'it', 'nl', 'pl', 'ja', 'ko', 'zh-Hans', 'ar'];

/** The sandbox's pages: a provider of its own, on another origin. */
export const sandbox = { 'H8 sandbox': '/', 'H8 apps with access': '/apps', 'H8 developers': '/developers' };

/** Where the longest words, another script and the other direction show. */
const SOME = ['en', 'de', 'ja', 'ar'];

/** Name to address. */
export const hosted = (w) => Object.fromEntries(LANGUAGES.flatMap((language) => Object.entries({
  'H1 start': new URL(w.open).pathname, 'H2 keys': new URL(w.keys).pathname, 'H5 no such link': '/c/nothingofthatname', 'K no such address': '/nothing-here',
  ...(SOME.includes(language) ? { 'H6 choose': new URL(w.choose).pathname, 'H7 own page': new URL(w.mine).pathname } : {}),
}).map(([name, path]) => [`${name} ${language}`, `${path}?lang=${language}`])));

/** Languages whose start page does not say so, or says the same as another one. */
export const untranslated = async (request, base, w) => {
  const [faults, seen] = [[], new Map()];
  for (const language of LANGUAGES) {
    const html = await (await request.get(`${base}${new URL(w.open).pathname}?lang=${language}`)).text();
    const [told, direction] = [html.match(/<html lang="([^"]+)"/)?.[1], html.match(/ dir="(\w+)"/)?.[1]];
    const heading = html.match(/<h1>([\s\S]*?)<\/h1>/)?.[1].replaceAll(/<[^>]+>/g, '').trim();
    if (told !== language) faults.push(`asked for ${language}, got ${told}`);
    if ((direction === 'rtl') !== (language === 'ar')) faults.push(`${language} is written ${direction}`);
    if (!heading || seen.has(heading)) faults.push(`${language} says the same as ${seen.get(heading)}: ${heading}`);
    seen.set(heading, language);
  }
  return faults;
};
