// Saves steps; every page works without it. Values are written as text only, never as markup.
const told = document.getElementById('told');
const tell = (text) => { if (told) told.textContent = text; };

// Copy: the value exactly, or the selection where the clipboard is closed to us.
for (const button of document.querySelectorAll('[data-copy]')) {
  button.hidden = false;
  const word = button.querySelector('span');
  button.addEventListener('click', async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      word.textContent = 'Copied';
      tell('Copied');
      setTimeout(() => { word.textContent = 'Copy'; }, 2000);
    } catch {
      getSelection().selectAllChildren(source);
      tell('Selected: copy it with your keyboard');
    }
  });
}

// A one-time link: the button is pressed for the person.
document.querySelector('form[data-auto]')?.requestSubmit();

for (const part of document.querySelectorAll('.js')) part.hidden = false;

// A list that follows what is typed into its filter.
for (const input of document.querySelectorAll('[data-filter]')) {
  const rows = [...document.querySelectorAll(`#${input.dataset.filter} [data-words]`)];
  input.addEventListener('input', () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.dataset.words.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    tell(`${shown} of ${rows.length}`);
  });
  input.addEventListener('keydown', (event) => { if (event.key === 'Enter') event.preventDefault(); });
}

// A search whose results come while one types.
for (const form of document.querySelectorAll('form[data-live]')) {
  let timer;
  let asked = 0;
  form.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const mine = ++asked;
      const url = `${form.getAttribute('action')}?${new URLSearchParams(new FormData(form))}`;
      const answer = await fetch(url).catch(() => undefined);
      if (!answer?.ok || mine !== asked) return;
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const found = page.getElementById(form.dataset.live);
      document.getElementById(form.dataset.live).replaceWith(found);
      history.replaceState(null, '', url);
      tell(`${found.querySelectorAll('.links > li').length} found`);
    }, 120);
  });
}

// A draft saves itself; what is wrong is told at its field.
for (const form of document.querySelectorAll('form[data-autosave]')) {
  const saved = document.querySelector('[data-saved]');
  const notes = new Map();
  const note = (field, says, look) => {
    const input = form.elements.namedItem(field);
    const place = input instanceof Element && document.getElementById(input.getAttribute('aria-describedby'));
    if (!place) return;
    const line = document.createElement('p');
    line.className = look;
    line.textContent = says;
    place.before(line);
    if (look === 'err') input.setAttribute('aria-invalid', 'true');
    notes.set(line, input);
  };
  const save = async () => {
    saved.textContent = 'Saving';
    const body = new URLSearchParams(new FormData(form));
    body.set('do', 'draft');
    const answer = await fetch(form.action, { method: 'POST', body }).catch(() => undefined);
    if (!answer?.ok) {
      saved.textContent = 'Not saved: the server did not take it';
      return;
    }
    const told = await answer.json();
    for (const [line, input] of notes) { line.remove(); input.removeAttribute('aria-invalid'); }
    notes.clear();
    for (const { field, says } of told.wrong) note(field, says, 'err');
    for (const { field, says } of told.warnings) note(field, says, 'odd');
    form.elements.namedItem('version').value = told.version;
    saved.textContent = `Draft saved ${new Date(told.saved).toLocaleTimeString()}`;
  };
  let waiting = Promise.resolve();
  form.addEventListener('change', () => { waiting = waiting.then(save); });
}

// How many scopes are chosen.
const count = document.querySelector('[data-count]');
document.getElementById('scopes')?.addEventListener('change', () => {
  const boxes = [...document.querySelectorAll('#scopes input[type=checkbox]')];
  count.textContent = `${boxes.filter((box) => box.checked).length} of ${boxes.length} chosen`;
});

// A page about something under way: loaded again when the server tells something new. Without scripts a tag does it.
const { follow } = document.body.dataset;
if (follow) {
  const steps = (page) => page.querySelector('.steps')?.textContent;
  const look = setInterval(async () => {
    const answer = await fetch(location.href).catch(() => undefined);
    if (!answer) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    if (page.body.dataset.follow && steps(page) === steps(document)) return;
    clearInterval(look);
    location.reload();
  }, Number(follow) * 1000);
}
