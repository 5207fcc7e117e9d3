// Passkeys: the form asks an authenticator before it is sent. Where there are none, the page says so instead.
const toBytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
const toText = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const WHY = {
  NotAllowedError: 'Nothing was chosen, or it took too long. Try again.',
  InvalidStateError: 'This device has a passkey of yours for this server already.',
  SecurityError: 'The browser does not take passkeys at this address.',
  NotSupportedError: 'This device has no way to keep a passkey.',
};

const makePasskey = async ({ dataset, elements }) => {
  const name = dataset.user ?? elements.email.value;
  const { rawId, response } = await navigator.credentials.create({ publicKey: {
    challenge: new TextEncoder().encode(dataset.challenge),
    rp: { id: dataset.rp, name: 'Keybearer' },
    user: { id: new TextEncoder().encode(dataset.member), name, displayName: dataset.display || elements.name?.value || name },
    pubKeyCredParams: dataset.algorithms.split(' ').map((alg) => ({ type: 'public-key', alg: Number(alg) })),
    excludeCredentials: dataset.known.split(' ').filter(Boolean).map((id) => ({ type: 'public-key', id: toBytes(id) })),
    authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
    attestation: 'none',
  } });
  return {
    id: toText(rawId), client_data: toText(response.clientDataJSON), attestation: toText(response.attestationObject),
    transports: response.getTransports?.() ?? [],
  };
};

const usePasskey = async ({ dataset }) => {
  const { rawId, response } = await navigator.credentials.get({ publicKey: {
    challenge: new TextEncoder().encode(dataset.challenge), rpId: dataset.rp, userVerification: 'required',
    allowCredentials: dataset.known.split(' ').filter(Boolean).map((id) => ({ type: 'public-key', id: toBytes(id) })),
  } });
  return {
    id: toText(rawId), client_data: toText(response.clientDataJSON), authenticator_data: toText(response.authenticatorData),
    signature: toText(response.signature), user_handle: response.userHandle ? toText(response.userHandle) : null,
  };
};

/** A page that was open for minutes asks for a new question first: one counts for ten. */
const renewed = async (form) => {
  if (performance.now() < 300_000) return;
  const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), 'text/html');
  const fresh = page.querySelector(`form[action="${form.getAttribute('action')}"]`);
  if (!fresh) return;
  Object.assign(form.dataset, fresh.dataset);
  for (const name of ['challenge', 'member']) form.elements[name].value = fresh.elements[name].value;
};

if (window.PublicKeyCredential) {
  for (const note of document.querySelectorAll('[data-no-passkey]')) note.hidden = true;
  for (const part of document.querySelectorAll('[data-with-passkey]')) part.hidden = false;
  for (const form of document.querySelectorAll('form[data-passkey]')) {
    const [said, field] = [form.querySelector('[data-passkey-said]'), form.querySelector('[data-password-field]')];
    form.hidden = false;
    const ways = form.querySelector('[data-ways]');
    const choose = () => {
      if (!ways || ways.hidden) return;
      const typed = form.elements.way.value === 'password';
      field.hidden = !typed;
      field.querySelector('.in').disabled = !typed;
    };
    if (ways && !form.querySelector('[aria-invalid]')) form.elements.way.value = 'passkey';
    if (ways) ways.hidden = false;
    ways?.addEventListener('change', choose);
    choose();
    form.addEventListener('submit', async (event) => {
      if (form.elements.way && form.elements.way.value !== 'passkey') return;
      event.preventDefault();
      said.hidden = true;
      try {
        await renewed(form);
        const answer = form.dataset.passkey === 'create' ? await makePasskey(form) : await usePasskey(form);
        form.elements.answer.value = JSON.stringify(answer);
        form.submit();
      } catch (error) {
        said.textContent = WHY[error.name] ?? `The browser could not use a passkey (${error.name}).`;
        said.hidden = false;
      }
    });
  }
}
