// Saves steps on the hosted pages: shows what was typed, says what looks odd, copies, reads a file, counts down. Nothing needs it, and
// nothing leaves the page: no request, no storage.
'use strict';

const all = (selector) => [...document.querySelectorAll(selector)];
const of = (name) => document.getElementById(name);

/** The button says the other of its two words. */
const turn = (button) => {
  const { other } = button.dataset;
  button.dataset.other = button.textContent;
  button.textContent = other;
};

for (const button of all('[data-show]')) {
  const field = of(button.dataset.show);
  button.hidden = false;
  button.addEventListener('click', () => {
    field.type = field.type === 'password' ? 'text' : 'password';
    turn(button);
  });
  field.form?.addEventListener('submit', () => { field.type = 'password'; });
}

for (const button of all('[data-copy]')) {
  const field = of(button.dataset.copy);
  button.hidden = false;
  button.setAttribute('aria-live', 'polite');
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      field.select();
      document.execCommand('copy');
    }
    if (button.dataset.busy) return;
    button.dataset.busy = '1';
    turn(button);
    setTimeout(() => { turn(button); delete button.dataset.busy; }, 2000);
  });
}

for (const input of all('[data-into]')) {
  const field = of(input.dataset.into);
  input.parentElement.hidden = false;
  input.addEventListener('change', async () => {
    const [file] = input.files;
    // larger ones are no keys; the server would refuse them
    if (!file || file.size > 65536) return;
    field.value = await file.text();
    input.value = '';
    field.focus();
  });
}

// the sentence counts down, in the plural forms of its language, and goes when the time is over
for (const place of all('[data-wait]')) {
  const forms = Object.fromEntries(all('template[data-form]').map((one) => [one.dataset.form, one.content]));
  const rules = new Intl.PluralRules(document.documentElement.lang);
  const ends = Date.now() + Number(place.dataset.wait) * 1000;
  let told = 0;
  const tick = () => {
    const left = Math.ceil((ends - Date.now()) / 1000 / Number(place.dataset.unit));
    if (left <= 0) { place.hidden = true; return; }
    if (told && left !== told) {
      const sentence = (forms[rules.select(left)] ?? forms.other).cloneNode(true);
      const number = sentence.querySelector('bdi');
      if (number) number.textContent = String(left);
      place.replaceChildren(sentence);
    }
    told = left;
    setTimeout(tick, 500);
  };
  tick();
}

/** What the server makes of a value that was pasted: without spaces, quotes and what headers put in front. */
const bare = (text) => text.trim().replace(/^(?:authorization:\s*)?(?:bearer|basic|token)\s+/i, '')
  .replace(/^(["'`])(.*)\1$/, '$2').trim();

// a value that does not look right is told when the field is left; a hint, which keeps nobody from sending it
for (const field of all('[data-looks]')) {
  const hint = of(`${field.id}o`);
  let looks;
  try { looks = new RegExp(`^(?:${field.dataset.looks})$`, 'u'); } catch { continue; }
  const described = field.getAttribute('aria-describedby');
  field.addEventListener('blur', () => {
    const odd = field.value !== '' && field.value.length <= 400 && !looks.test(bare(field.value));
    hint.hidden = !odd;
    const ids = [odd ? hint.id : null, described].filter(Boolean).join(' ');
    if (ids) field.setAttribute('aria-describedby', ids); else field.removeAttribute('aria-describedby');
  });
}
