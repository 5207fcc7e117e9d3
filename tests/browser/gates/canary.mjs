// Q18: the known secrets, searched in every page, its address, and what the browser keeps.

/** Where a secret was found, a line each. */
export const leaks = async (page, base, screens, secrets) => {
  const found = [];
  const search = (text, where) => secrets.forEach((secret, number) => { if (text.includes(secret)) found.push(`secret ${number + 1} in ${where}`); });
  for (const [name, path] of Object.entries(screens)) {
    const answer = await page.request.get(new URL(path, base).href);
    search(`${answer.url()} ${JSON.stringify(answer.headers())}`, `address or headers of ${name}`);
    search(await answer.text(), name);
  }
  search(await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage })), 'the storage of the browser');
  search(JSON.stringify(await page.context().cookies()), 'a cookie');
  return found;
};
