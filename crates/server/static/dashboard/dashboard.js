// Saves steps; every page works without it. Values are written as text only, never as markup.
const told = document.getElementById('told');
const tell = (text) => { if (told) told.textContent = text; };

// Copy: the value exactly, or the selection where the clipboard is closed to us.
const reveal = (place) => { for (const button of place.querySelectorAll('[data-copy]')) button.hidden = false; };
reveal(document);
document.addEventListener('click', async (event) => {
  const button = event.target.closest?.('[data-copy]');
  if (!button) return;
  const word = button.querySelector('span');
  const source = document.getElementById(button.dataset.copy);
  button.dataset.word ??= word.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent);
    word.textContent = 'Copied';
    tell('Copied');
    setTimeout(() => { word.textContent = button.dataset.word; }, 2000);
  } catch {
    source.hidden = false;
    getSelection().selectAllChildren(source);
    tell('Selected: copy it with your keyboard');
  }
});

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
    // both are still in the form: they can change places here
    const [id, secret] = ['client_id', 'client_secret'].map((name) => form.elements.namedItem(name));
    if (look === 'odd' && /swapped/.test(says) && id?.value && secret?.value) {
      const swap = Object.assign(document.createElement('button'), { type: 'button', className: 'btn s', textContent: 'Swap' });
      swap.addEventListener('click', () => {
        [id.value, secret.value] = [secret.value, id.value];
        form.dispatchEvent(new Event('change', { bubbles: true }));
        id.focus();
        tell('Swapped');
      });
      line.append(swap);
    }
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
    saved.textContent = `Draft saved ${new Date(told.saved).toLocaleTimeString()}${told.updated ? '. Keybearer was updated: load this page again, your draft is kept' : ''}`;
  };
  let waiting = Promise.resolve();
  form.addEventListener('change', () => { waiting = waiting.then(save); });
}

// A page about something under way: loaded again when the server tells something new. Without scripts a tag does it.
const { follow } = document.body.dataset;
if (follow) {
  const steps = (page) => page.querySelector('.steps')?.textContent;
  const version = (page) => page.querySelector('script[src]').getAttribute('src');
  const note = Object.assign(document.createElement('p'), { className: 'note warn', hidden: true });
  document.querySelector('main h1').after(note);
  let [since, wait] = [undefined, Number(follow)];
  // what stands there is old until the server answers again; it is asked less and less often
  const away = () => {
    since ??= new Date();
    wait = Math.min(wait * 2, 30);
    document.querySelector('.steps')?.classList.add('old');
    note.hidden = false;
    note.textContent = `The server has not answered since ${since.toLocaleTimeString()}. What stands here is older. It is asked again in ${wait} seconds.`;
    tell(note.textContent);
  };
  const back = () => {
    if (!since) return;
    [since, wait] = [undefined, Number(follow)];
    note.hidden = true;
    document.querySelector('.steps')?.classList.remove('old');
    tell('The server answers again');
  };
  /** Whether this page is to be looked at again. */
  const look = async () => {
    const answer = await fetch(location.href).catch(() => undefined);
    if (!answer || answer.status >= 500) { away(); return true; }
    back();
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const same = page.body.dataset.follow === follow && version(page) === version(document);
    if (same && steps(page) === steps(document)) return true;
    const [now, then] = [document.querySelector('.steps'), page.querySelector('.steps')];
    if (same && now && then && !now.contains(document.activeElement)) {
      now.replaceWith(then);
      reveal(then);
      tell('The steps changed');
      return true;
    }
    location.reload();
    return false;
  };
  const later = () => setTimeout(async () => { if (await look()) later(); }, wait * 1000);
  later();
}

// ---- The heart: names, scopes, what users are asked ----

// A name in small letters, as it is typed.
for (const input of document.querySelectorAll('[data-lower]')) {
  input.addEventListener('input', () => {
    const [at, small] = [input.selectionStart, input.value.toLowerCase()];
    if (small !== input.value) { input.value = small; input.setSelectionRange(at, at); }
  });
}

// A text that stands elsewhere, too.
for (const input of document.querySelectorAll('[data-mirror]')) {
  input.addEventListener('input', () => { document.getElementById(input.dataset.mirror).textContent = input.value; });
}

// What users are asked, in the preview.
for (const field of document.querySelectorAll('[data-ask]')) {
  field.addEventListener('change', ({ target }) => {
    if (target.type !== 'radio') return;
    for (const line of document.querySelectorAll('[data-shown]')) {
      if (line.dataset.shown === target.name) line.hidden = target.value === 'fix';
    }
    if (target.value === 'fix') field.querySelector('.in')?.focus();
  });
}

// The scope picker. Its one line filters, and takes scopes that are not listed, one or many.
for (const line of document.querySelectorAll('[data-scopes]')) {
  const list = document.getElementById(line.dataset.scopes);
  const count = document.querySelector('[data-count]');
  const all = document.getElementById('all-scopes');
  const label = document.querySelector(`label[for="${line.id}"]`);
  const form = line.form;
  label.textContent = label.dataset.said;
  label.className = 'vh';
  line.placeholder = label.dataset.said;
  // what is typed to filter is no scope
  line.removeAttribute('name');
  const rows = () => [...list.querySelectorAll('[data-scope]')];
  const box = (row) => row.querySelector('input[type=checkbox]');
  const rowOf = (name) => rows().find((row) => row.dataset.scope === name);
  const chosen = () => rows().filter((row) => box(row).checked);
  const total = () => `${chosen().length} of ${rows().length} chosen`;
  let changed;

  const include = () => {
    for (const row of rows()) {
      const [input, badge] = [box(row), row.querySelector('[data-included]')];
      if (!badge || row.querySelector('input[type=hidden]')) continue;
      const wider = row.dataset.wider.split(' ').find((name) => name && rowOf(name) && box(rowOf(name)).checked);
      if (wider && !input.checked) {
        input.checked = true;
        input.disabled = true;
        badge.textContent = `Included in ${wider}`;
        badge.hidden = false;
      } else if (!wider && input.disabled) {
        input.checked = false;
        input.disabled = false;
        badge.hidden = true;
      }
    }
  };
  const sent = () => {
    const names = rows().filter((row) => box(row).checked && (!box(row).disabled || row.querySelector('input[type=hidden]')));
    const offline = document.getElementById('offline');
    return [...names.map((row) => row.dataset.scope), ...(offline?.checked ? [offline.value] : [])];
  };
  const update = () => {
    include();
    count.textContent = total();
    all.textContent = sent().join(' ');
    roving();
  };
  // one stop for Tab, arrows inside
  const roving = (to) => {
    const inputs = rows().filter((row) => !row.hidden).map(box).filter((input) => !input.disabled);
    const here = to ?? (inputs.includes(document.activeElement) ? document.activeElement : inputs.find((input) => input.tabIndex === 0)) ?? inputs[0];
    for (const input of rows().map(box)) input.tabIndex = input === here ? 0 : -1;
  };
  list.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.target.type !== 'checkbox') return;
    event.preventDefault();
    const inputs = rows().filter((row) => !row.hidden).map(box).filter((input) => !input.disabled);
    const next = inputs[inputs.indexOf(event.target) + step];
    if (next) { roving(next); next.focus(); }
  });
  list.addEventListener('change', ({ target }) => {
    update();
    const row = target.closest('[data-scope]');
    const sensitive = row.querySelector('.badge.warn') ? 'sensitive, ' : '';
    tell(`${row.dataset.scope}, ${sensitive}${target.checked ? 'checked' : 'not checked'}, ${total()}`);
  });
  const custom = (name) => {
    const row = document.createElement('div');
    row.className = 'scope';
    Object.assign(row.dataset, { words: name, scope: name, wider: '' });
    const input = Object.assign(document.createElement('input'), { type: 'checkbox', id: `c-${name}`, name: 'scope', value: name, checked: true });
    const words = Object.assign(document.createElement('label'), { htmlFor: input.id });
    words.append(Object.assign(document.createElement('code'), { textContent: name }), document.createElement('br'),
      Object.assign(document.createElement('span'), { className: 'sub', textContent: 'Not in our list; it is sent as it is.' }));
    const marks = Object.assign(document.createElement('span'), { className: 'marks' });
    const remove = Object.assign(document.createElement('button'), { type: 'button', className: 'btn s', textContent: 'Remove' });
    remove.append(Object.assign(document.createElement('span'), { className: 'vh', textContent: ` ${name}` }));
    remove.dataset.remove = '';
    marks.append(Object.assign(document.createElement('span'), { className: 'badge', textContent: 'Custom' }), remove);
    row.append(input, words, marks);
    list.append(row);
  };
  list.addEventListener('click', (event) => {
    const button = event.target.closest('[data-remove]');
    if (!button) return;
    const row = button.closest('[data-scope]');
    tell(`${row.dataset.scope} removed`);
    row.remove();
    update();
    changed();
    line.focus();
  });
  changed = () => form.dispatchEvent(new Event('change', { bubbles: true }));
  const split = (text) => {
    try {
      const scope = new URL(text.trim()).searchParams.get('scope');
      if (scope) return split(scope);
    } catch { /* no address */ }
    return [...new Set(text.split(/[\s,]+/).filter(Boolean))];
  };
  const filter = () => {
    const words = line.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows()) {
      row.hidden = !words.every((word) => row.dataset.words.toLowerCase().includes(word));
      shown += row.hidden ? 0 : 1;
    }
    for (const group of list.querySelectorAll('[data-group]')) {
      group.hidden = ![...group.querySelectorAll('[data-scope]')].some((row) => !row.hidden);
    }
    roving();
    return shown;
  };
  const add = (text) => {
    const names = split(text);
    const [fresh, before, unknown] = [[], [], []];
    for (const name of names) {
      const row = rowOf(name);
      if (!row) { custom(name); unknown.push(name); } else if (box(row).checked) before.push(name); else { box(row).checked = true; fresh.push(name); }
    }
    line.value = '';
    filter();
    update();
    changed();
    const told = `Added ${fresh.length + unknown.length}; ${before.length} already there; ${unknown.length} not in our list (kept)`;
    tell(told);
    document.querySelector('#custom-h .hint').textContent = told;
  };
  line.addEventListener('input', () => {
    const shown = filter();
    tell(shown ? `${shown} of ${rows().length}` : `Nothing is called so. Enter adds it as a custom scope.`);
    document.querySelector('#custom-h .hint').textContent = shown || !line.value.trim()
      ? 'Enter adds what is not listed. Paste a list, or a whole authorization address.'
      : `Press Enter to add ${line.value.trim()} as a custom scope.`;
  });
  line.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    if (line.value.trim()) add(line.value);
  });
  line.addEventListener('paste', (event) => {
    const text = event.clipboardData.getData('text');
    if (split(text).length < 2 && !/^https?:/.test(text.trim())) return;
    event.preventDefault();
    add(text);
  });
  // what is typed to filter changes nothing that is saved
  line.addEventListener('change', (event) => event.stopPropagation());
  for (const button of document.querySelectorAll('[data-preset]')) {
    button.addEventListener('click', (event) => {
      event.preventDefault();
      const names = button.dataset.preset.split(' ');
      for (const row of rows()) if (!row.querySelector('input[type=hidden]')) { box(row).disabled = false; box(row).checked = names.includes(row.dataset.scope); }
      update();
      changed();
      tell(`${button.textContent}: ${total()}`);
    });
  }
  for (const first of document.querySelectorAll('[data-first]')) {
    const order = rows();
    const homes = new Map(order.map((row) => [row, row.parentElement]));
    first.addEventListener('change', (event) => {
      event.stopPropagation();
      if (first.checked) list.prepend(...chosen());
      else for (const row of order) if (row.isConnected) homes.get(row).append(row);
      tell(first.checked ? 'Chosen first' : 'In groups');
    });
  }
  document.getElementById('offline')?.addEventListener('change', update);
  document.querySelector('#custom-h .hint').textContent = 'Enter adds what is not listed. Paste a list, or a whole authorization address.';
  update();
}

// Arrows move in a list of links.
if (document.querySelector('[data-arrows]')) {
  const search = document.querySelector('input[type=search]');
  document.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const links = [...document.querySelectorAll('[data-arrows] a')].filter((link) => link.checkVisibility());
    const at = links.indexOf(document.activeElement);
    if (at < 0 && document.activeElement !== search) return;
    event.preventDefault();
    (links[at + step] ?? (step < 0 ? search : links[at]))?.focus();
  });
}

// The catalogue is all here: it is searched without asking, and a slip of the finger still finds.
const near = (one, other, most) => {
  if (Math.abs(one.length - other.length) > most) return false;
  let before = [...Array(other.length + 1).keys()];
  let last = [];
  for (let i = 1; i <= one.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const same = one[i - 1] === other[j - 1] ? 0 : 1;
      row[j] = Math.min(before[j] + 1, row[j - 1] + 1, before[j - 1] + same);
      // two letters that changed places are one slip
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) row[j] = Math.min(row[j], last[j - 2] + 1);
    }
    [last, before] = [before, row];
  }
  return before[other.length] <= most;
};
for (const form of document.querySelectorAll('form[data-find]')) {
  const place = document.getElementById(form.dataset.find);
  const [list, none] = [place.querySelector('.links'), place.querySelector('[data-none]')];
  const rows = [...list.querySelectorAll('[data-words]')].map((row) => ({ row, text: row.dataset.words, words: row.dataset.words.split(/[^a-z0-9]+/) }));
  const input = form.querySelector('input[type=search]');
  const find = () => {
    const asked = input.value.trim().toLowerCase();
    const words = asked.split(/\s+/).filter(Boolean);
    const has = (one, exact) => words.every((word) => one.text.includes(word)
      || (!exact && word.length > 3 && one.words.some((other) => near(word, other, word.length > 7 ? 2 : 1))));
    // what is spelt right goes before what is only near
    const exact = rows.some((one) => has(one, true));
    let shown = 0;
    for (const one of rows) {
      one.row.hidden = !has(one, exact);
      shown += one.row.hidden ? 0 : 1;
    }
    list.hidden = shown === 0;
    none.hidden = shown > 0;
    none.querySelector('[data-asked]').textContent = input.value;
    none.querySelector('[data-describe]').href = `/connectors/new?${new URLSearchParams({ name: input.value })}`;
    const address = new URLSearchParams([...new FormData(form)].filter(([, value]) => value));
    history.replaceState(null, '', `${form.getAttribute('action')}?${address}`);
    tell(`${shown} found`);
  };
  input.addEventListener('input', find);
  // what fits is here already
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('change', (event) => { if (event.target !== input) form.submit(); });
}

// A password is shown while somebody asks for it, and hidden again before it is sent.
for (const button of document.querySelectorAll('[data-show]')) {
  const input = document.getElementById(button.dataset.show);
  const show = (on) => { input.type = on ? 'text' : 'password'; button.setAttribute('aria-pressed', on); };
  button.hidden = false;
  button.addEventListener('click', () => show(input.type === 'password'));
  input.form.addEventListener('submit', () => show(false));
}

// What is being typed into a secret field can be looked at; what is stored never comes to the browser.
for (const input of document.querySelectorAll('main input[type=password][autocomplete=off]')) {
  const show = Object.assign(document.createElement('button'), { type: 'button', className: 'btn q s show', textContent: 'Show what is typed', hidden: true });
  show.setAttribute('aria-pressed', 'false');
  const hide = () => { input.type = 'password'; show.setAttribute('aria-pressed', 'false'); };
  show.addEventListener('click', () => {
    const shown = input.type === 'text';
    if (shown) hide(); else { input.type = 'text'; show.setAttribute('aria-pressed', 'true'); }
  });
  input.addEventListener('input', () => { show.hidden = input.value === ''; if (show.hidden) hide(); });
  input.form?.addEventListener('submit', hide);
  input.after(show);
}

// The sandbox: what the chosen way of a switch means.
for (const select of document.querySelectorAll('select[data-sees]')) {
  select.addEventListener('change', () => {
    document.getElementById(select.dataset.sees).textContent = select.selectedOptions[0].dataset.says;
  });
}

// A page that shows something once: leaving it asks, until it was copied or said to be stored.
const once = document.querySelector('[data-leave]');
if (once) {
  const ask = (event) => { event.preventDefault(); };
  const done = () => removeEventListener('beforeunload', ask);
  addEventListener('beforeunload', ask);
  once.querySelector('[data-stored]').addEventListener('click', done);
  for (const button of once.querySelectorAll('[data-copy="secret"]')) button.addEventListener('click', done);
}
// How many accounts are ticked.
const chosen = document.querySelector('[data-chosen]');
chosen?.closest('form').addEventListener('change', ({ currentTarget }) => {
  const ticked = currentTarget.querySelectorAll('[name=account]:checked').length;
  const all = currentTarget.querySelector('[name=all]')?.checked;
  chosen.textContent = all ? 'All that fit are chosen' : `${ticked} chosen`;
});

// D0: lines that were not there yet when the page was made
const later = document.querySelector('[data-later]');
if (later) {
  fetch(later.dataset.later).then(async (answer) => {
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    later.replaceChildren(...page.body.children);
  }, () => {});
}
