// Events as they are listed.
import { check } from './support.mjs';

export const run = async ({ actions, events }) => {
  const who = { connectionName: 'postcards', identifier: 'node-events' };
  const made = (await actions.getOrCreateConnectedAccount(who)).connectedAccount;
  await actions.deleteConnectedAccount(who);
  const found = await events.listEventsPaginated(100, undefined, { connectedAccountId: made.id });
  const names = found.events.map((event) => event.type).sort();
  check('listEventsPaginated', names.join() === 'connected_account.created,connected_account.deleted', found);
  const page = await events.listEventsPaginated(1);
  const next = await events.listEventsPaginated(1, page.nextPageToken);
  check('the next page of events', next.events[0].id !== page.events[0].id, next);
};
