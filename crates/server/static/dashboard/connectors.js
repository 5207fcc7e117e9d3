// A definition is checked while it is written. The text follows the form as long as nobody writes in it.
for (const form of document.querySelectorAll('form[data-check]')) {
  const value = (name) => form.elements.namedItem(name);
  const text = value('text');
  let [timer, turn, written] = [undefined, 0, text.value];
  const check = async () => {
    turn += 1;
    const mine = turn;
    const body = new URLSearchParams(new FormData(form));
    body.set('do', 'check');
    const answer = await fetch(form.action, { method: 'POST', body }).catch(() => undefined);
    if (!answer?.ok || mine !== turn) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const id of ['checked', 'preview']) {
      const [now, found] = [document.getElementById(id), page.getElementById(id)];
      if (found) now.replaceWith(found);
    }
    for (const input of form.querySelectorAll('[aria-describedby]')) {
      const [twin, help] = [page.getElementById(input.id), page.getElementById(`${input.id}-h`)];
      if (!twin || !help || input.id === 'discovery') continue;
      input.classList.toggle('wrong', twin.classList.contains('wrong'));
      if (twin.hasAttribute('aria-invalid')) input.setAttribute('aria-invalid', 'true'); else input.removeAttribute('aria-invalid');
      document.getElementById(help.id)?.replaceWith(help);
    }
    const found = page.getElementById('text');
    if (found && text.value === written && document.activeElement !== text) {
      text.value = found.value;
      written = text.value;
      for (const name of ['text_seen', 'form_seen']) value(name).value = page.querySelector(`[name="${name}"]`).value;
    }
    const told = document.getElementById('told');
    if (told) told.textContent = page.querySelector('#checked .note')?.textContent.trim() ?? '';
  };
  const soon = () => { clearTimeout(timer); turn += 1; timer = setTimeout(check, 700); };
  form.addEventListener('input', (event) => { if (event.target.id !== 'discovery') soon(); });
  text.addEventListener('input', soon);
}
