// Hosted pages: the preview and the words about the colour follow what is typed.
const branding = document.getElementById('branding');
if (branding) {
  const [stage, preview, tab, phone] = ['stage', 'preview', 'preview-tab', 'preview-phone'].map((id) => document.getElementById(id));
  const [well, colour] = [branding.querySelector('[data-into]'), branding.elements.colour];
  const isColour = (text) => /^#[0-9a-f]{6}$/i.test(text);
  const value = (field) => (field.type === 'checkbox' ? (field.checked ? 'on' : '') : field.value);
  const follow = () => {
    const query = new URLSearchParams([...branding.querySelectorAll('[data-look]')].map((field) => [field.name, value(field)]));
    const address = `/branding/preview/${branding.elements.screen.value}?${query}`;
    if (preview.getAttribute('src') === address) return;
    preview.src = address;
    tab.href = address;
    phone.href = `/branding/phone?${query}`;
    stage.classList.toggle('phone', branding.elements.size.value === 'phone');
  };
  const explain = async () => {
    const answer = await fetch(`/branding/contrast?${new URLSearchParams({ colour: colour.value })}`).catch(() => undefined);
    if (!answer?.ok) return;
    const list = document.getElementById('contrast');
    const lines = (await answer.json()).map(({ swatch, says }) => {
      const [line, text] = [document.createElement('li'), document.createElement('span')];
      const [picture, square] = ['svg', 'rect'].map((name) => document.createElementNS('http://www.w3.org/2000/svg', name));
      for (const [name, set] of Object.entries({ width: 16, height: 16, rx: 4, fill: swatch })) square.setAttribute(name, set);
      picture.setAttribute('viewBox', '0 0 16 16');
      picture.setAttribute('aria-hidden', 'true');
      picture.append(square);
      text.textContent = says;
      line.append(picture, text);
      return line;
    });
    list.replaceChildren(...lines);
  };
  let timer;
  const soon = () => { clearTimeout(timer); timer = setTimeout(() => { follow(); explain(); }, 200); };
  if (isColour(colour.value)) well.value = colour.value;
  branding.addEventListener('input', ({ target }) => {
    if (target === well) colour.value = well.value;
    if (target === colour && isColour(colour.value)) well.value = colour.value;
    soon();
  });
}
