// Q13: colours of a developer, set over the API, and what the browser then paints: text on the main button, links, focus.
import { cli } from '../lib/world.mjs';
import { ratio } from './contrast.mjs';

/** Light, dark and grey, full and pale, what other products have, and the worst of the grid for black and for white text. */
const COLOURS = [
  '#000000', '#ffffff', '#777777', '#757575', '#ffcc00', '#00b2e3', '#4b7d87', '#ff0000', '#00ff00', '#0000ff',
  '#ff00ff', '#e8f4f8', '#1b1032', '#bd6a00',
];
const TEXT = 4.5;
const GRAPHIC = 3;

/** Writes the brand of the one environment. */
const pagesOf = async (server) => {
  const { access_token: token } = await fetch(`${server.url}/oauth/token`, {
    method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', client_id: server.client_id, client_secret: server.client_secret }),
  }).then((answer) => answer.json());
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const { environments: [{ id }] } = await fetch(`${server.url}/api/v1/environments`, { headers }).then((answer) => answer.json());
  return async (colour) => {
    const answer = await fetch(`${server.url}/api/v1/environments/${id}/pages`, { method: 'PATCH', headers, body: JSON.stringify({ colour }) });
    if (!answer.ok) throw new Error(`${colour}: ${answer.status} ${await answer.text()}`);
  };
};

/** What is painted on what, as `#rrggbb`: the main button's text, the links of the card, the ring around what has the focus. */
const painted = () => {
  const hex = (colour) => {
    const [red, green, blue, alpha = '1'] = colour.match(/[\d.]+/g);
    return Number(alpha) === 1 ? `#${[red, green, blue].map((part) => Number(part).toString(16).padStart(2, '0')).join('')}` : undefined;
  };
  const behind = (node) => (node ? hex(getComputedStyle(node).backgroundColor) ?? behind(node.parentElement) : '#ffffff');
  const button = document.querySelector('.card .btn.main');
  const link = document.querySelector('.card a:not(.btn)');
  button.focus({ focusVisible: true });
  const ring = getComputedStyle(button);
  return {
    fill: behind(button),
    text: [hex(getComputedStyle(button).color), behind(button)],
    link: link && [hex(getComputedStyle(link).color), behind(link)],
    focus: ring.outlineStyle === 'solid' && Number.parseFloat(ring.outlineWidth) >= 2 ? [hex(ring.outlineColor), behind(button.parentElement)] : undefined,
  };
};

/** Looks at a page with a main button and a link, in both themes, in each colour; then the pages are ours again. */
export const brands = async (pages, server) => {
  const keybearer = cli(server);
  await keybearer('connections', 'add', 'aws');
  const { link } = await keybearer('link', 'aws', '--user', 'brand@fieldnote.example'); // its form has a link beside a field
  const found = { pairs: 0, worst: Infinity, colours: COLOURS.length, faults: [] };
  const paint = await pagesOf(server);
  const page = await pages.open(link);
  for (const colour of COLOURS) {
    await paint(colour);
    await page.reload();
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      const { fill, ...pairs } = await page.evaluate(painted);
      if (fill !== colour) found.faults.push(`${colour} ${colorScheme}: the button is ${fill}`);
      for (const [name, least] of Object.entries({ text: TEXT, link: TEXT, focus: GRAPHIC })) {
        const value = pairs[name] ? ratio(...pairs[name]) : 0;
        found.pairs += 1;
        found.worst = Math.min(found.worst, value / least);
        if (value < least) found.faults.push(`${colour} ${colorScheme}: ${name} is ${value.toFixed(2)} of ${least}`);
      }
    }
  }
  await paint('');
  return found;
};
