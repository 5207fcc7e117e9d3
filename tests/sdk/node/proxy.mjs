// `actions.request` in every form that the SDK has.
import { check, raises } from './support.mjs';

const who = { connectionName: 'postcards', identifier: 'node-ada' };

export const run = async ({ actions }) => {
  const me = await actions.request({ ...who, path: '/me' });
  check('request GET', me.status === 200 && me.data.name === 'Ada Obi', me.data);
  const slash = await actions.request({ ...who, path: 'me' });
  check('a path without a slash', slash.status === 200, slash.data);
  const sent = await actions.request({ ...who, path: '/postcards', method: 'POST', body: { to: 'Ben', text: 'json' } });
  check('request with JSON', sent.status === 201, sent.data);
  const form = await actions.request({ ...who, path: '/postcards', method: 'POST', formData: { to: 'Cy', text: 'form' } });
  check('request with form data', form.status === 201, form.data);
  const query = await actions.request({ ...who, path: '/postcards', queryParams: { limit: 1, tags: ['a', 'b'] } });
  check('request with a query', query.status === 200, query.data);
  await raises("the provider's answer as an error", 'ScalekitNotFoundException', () => actions.request({ ...who, path: '/nothing-here' }));
  await raises('a user that is not there', 'ScalekitNotFoundException', () => actions.request({ ...who, identifier: 'nobody', path: '/me' }));
  const all = await Promise.all(Array.from({ length: 20 }, () => actions.request({ ...who, path: '/me' })));
  check('twenty calls at once', all.every((answer) => answer.status === 200));
};
