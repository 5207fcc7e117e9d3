// Saves steps on the hosted pages: shows what was typed, copies, reads a file, counts down. Nothing needs it, and
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

// the sentence counts down by seconds or minutes and goes when the time is over
for (const place of all('[data-wait]')) {
  const number = place.querySelector('bdi');
  const ends = Date.now() + Number(place.dataset.wait) * 1000;
  const tick = () => {
    const left = Math.ceil((ends - Date.now()) / 1000);
    if (left <= 0) { place.hidden = true; return; }
    if (number && left < 60 && Number(place.dataset.wait) < 60) number.textContent = String(left);
    setTimeout(tick, 1000);
  };
  tick();
}
