// A person without a mouse: Tab, Enter, Space and typing are all there is.

/** What the thing in focus is called, as its label or its text. */
const called = (page) => page.evaluate(() => {
  const node = document.activeElement;
  if (!node || node === document.body) return '';
  const told = node.getAttribute('aria-label') ?? node.labels?.[0]?.textContent ?? (node.textContent || node.getAttribute('value') || '');
  return told.replaceAll(/\s+/g, ' ').trim();
});

export class Keys {
  #page;

  constructor(page) { this.#page = page; }

  /** Presses Tab until something called like that has the focus; gives how often. */
  async to(match, most = 80) {
    for (let press = 1; press <= most; press += 1) {
      await this.#page.keyboard.press('Tab');
      if (match.test(await called(this.#page))) return press;
    }
    throw new Error(`no way by keyboard to ${match} on ${this.#page.url()}`);
  }

  /** From the top of the page: over the skip link to the main part, then on; gives how many stops that took. */
  async fromTop(match, most) {
    await this.#page.evaluate(() => { document.activeElement?.blur(); getSelection().removeAllRanges(); scrollTo(0, 0); });
    const skip = await this.to(/^Skip to/, 2);
    await this.#page.keyboard.press('Enter');
    return skip + await this.to(match, most);
  }

  async press(key) { await this.#page.keyboard.press(key); }

  /** To a field, and types over what is in it. */
  async fill(match, text) {
    await this.to(match);
    await this.#page.keyboard.press('Control+a');
    await this.#page.keyboard.type(text);
  }

  /** To a link or button, and presses it. */
  async go(match, most) {
    do await this.to(match, most); while (!await this.#page.evaluate(() => document.activeElement.matches('a, button, summary')));
    await this.#page.keyboard.press('Enter');
  }
}
