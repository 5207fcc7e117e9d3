// The find box over any page (Ctrl or Cmd with K), the list of keys (?), a connect link (L).
// Without scripts the same is at /find and /links.
{
  const link = document.getElementById('find');
  const dialog = Object.assign(document.createElement('dialog'), { className: 'find' });
  dialog.setAttribute('aria-label', 'Find');
  document.body.append(dialog);
  const single = { get on() { return localStorage.getItem('single-keys') !== 'off'; }, set on(on) { localStorage.setItem('single-keys', on ? 'on' : 'off'); } };

  /** The page of /find for `text`, or nothing when somebody has to sign in first. */
  const ask = async (text) => {
    const answer = await fetch(`/find?${new URLSearchParams({ q: text })}`).catch(() => undefined);
    if (!answer?.ok) return undefined;
    if (answer.redirected) { location.assign('/find'); return undefined; }
    return new DOMParser().parseFromString(await answer.text(), 'text/html').getElementById('found');
  };

  const dress = (place) => {
    for (const part of place.querySelectorAll('.js')) part.hidden = false;
    const button = place.querySelector('[data-single]');
    button?.setAttribute('aria-pressed', single.on);
    button?.addEventListener('click', () => { single.on = !single.on; button.setAttribute('aria-pressed', single.on); });
  };

  /** `said` tells somebody who cannot see it; what lies under a dialog is not read to them. */
  const follow = (place, said) => {
    const input = place.querySelector('input[type=search]');
    let timer;
    let turn = 0;
    input.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(async () => {
        const mine = ++turn;
        const page = await ask(input.value);
        if (!page || mine !== turn) return;
        place.querySelector('#hits').replaceWith(page.querySelector('#hits'));
        said(`${place.querySelectorAll('#hits a').length} found`);
      }, 120);
    });
    place.addEventListener('keydown', (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step) return;
      const links = [...place.querySelectorAll('#hits a')];
      const at = links.indexOf(document.activeElement);
      if (at < 0 && document.activeElement !== input) return;
      event.preventDefault();
      (links[at + step] ?? (step < 0 ? input : links[at]))?.focus();
    });
    // Enter goes to the first that fits what is typed
    place.querySelector('form').addEventListener('submit', (event) => {
      const first = place.querySelector('#hits a');
      if (!first || !input.value.trim()) return;
      event.preventDefault();
      location.assign(first.href);
    });
  };

  const open = async (at) => {
    if (dialog.open) return;
    const page = await ask('');
    if (!page || dialog.open) { if (!page) location.assign('/find'); return; }
    const close = Object.assign(document.createElement('button'), { type: 'button', className: 'btn q s', textContent: 'Close' });
    close.addEventListener('click', () => dialog.close());
    const status = Object.assign(document.createElement('p'), { className: 'vh' });
    status.setAttribute('role', 'status');
    page.querySelector('form').append(close);
    dialog.replaceChildren(page, status);
    dress(page);
    follow(page, (text) => { status.textContent = text; });
    dialog.showModal();
    const target = page.querySelector(at);
    if (at === '#keys') target.tabIndex = -1;
    target.focus();
  };

  link?.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open('input');
  });
  // in a search field the browser would only clear it
  dialog.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });

  const typing = (node) => node.closest?.('input, textarea, select, [contenteditable]') && !node.matches('[type=checkbox], [type=radio]');
  document.addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      open('input');
      return;
    }
    if (!single.on || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === '?') {
      event.preventDefault();
      open('#keys');
    } else if (event.key.toLowerCase() === 'l' && !dialog.open) {
      // for the user or the connection that the page is about
      const here = document.querySelectorAll('main a[href^="/links?"]');
      location.assign(here.length === 1 ? here[0].href : '/links');
    }
  });
  const own = document.querySelector('main #found');
  if (own) { dress(own); follow(own, tell); }
}
