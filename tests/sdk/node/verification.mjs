// Custom verification: the account waits until the app names the person who signed in.
import { api, check, consent, raises } from './support.mjs';

const VERIFY = 'http://localhost:9/verify?keep=1';

export const run = async ({ actions }) => {
  const { environments } = await api('GET', '/api/v1/environments');
  const setting = `/api/v1/environments/${environments[0].id}/settings/agent-actions`;
  await api('PATCH', setting, { user_verify_mode: 'USER_VERIFY_MODE_B2B' });
  try {
    await verified(actions);
    await mismatch(actions);
  } finally {
    await api('PATCH', setting, { user_verify_mode: 'USER_VERIFY_MODE_NONE' });
  }
};

const waiting = async (actions, user) => {
  const who = { connectionName: 'postcards', identifier: user };
  const { link } = await actions.getAuthorizationLink({ ...who, state: 'app-state', userVerifyUrl: VERIFY });
  const back = new URL(await consent(link));
  check(`${user}: sent to the app`, back.host === 'localhost:9' && back.searchParams.get('keep') === '1', back.href);
  check(`${user}: with the state it gave`, back.searchParams.get('state') === 'app-state', back.href);
  const { connectedAccount } = await actions.getConnectedAccount(who);
  check(`${user}: the account waits`, connectedAccount.status === 4, connectedAccount.status);
  return { who, authRequestId: back.searchParams.get('auth_request_id') };
};

const verified = async (actions) => {
  const { who, authRequestId } = await waiting(actions, 'node-verify');
  const done = await actions.verifyConnectedAccountUser({ authRequestId, identifier: who.identifier });
  check('verifyConnectedAccountUser', done.postUserVerifyRedirectUrl.startsWith('http'), done);
  check('active after verification', (await actions.getConnectedAccount(who)).connectedAccount.status === 1);
  check('a call after that', (await actions.request({ ...who, path: '/me' })).status === 200);
  await raises('verified twice', 'ScalekitNotFoundException', () => actions.verifyConnectedAccountUser({ authRequestId, identifier: who.identifier }), 'no longer valid');
};

const mismatch = async (actions) => {
  const { who, authRequestId } = await waiting(actions, 'node-victim');
  await raises('another person', 'ScalekitForbiddenException', () => actions.verifyConnectedAccountUser({ authRequestId, identifier: 'node-attacker' }));
  const { connectedAccount } = await actions.getConnectedAccount(who);
  check('and the account is not connected', connectedAccount.status !== 1, connectedAccount.status);
};
