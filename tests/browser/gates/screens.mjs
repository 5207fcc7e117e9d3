// Every screen with its address, once; the gates look at all of them. `w` is the filled world, `url` the server.

/** What a signed-in owner sees. A screen whose address depends on something made on the way gives a function. */
export const dashboard = (w) => ({
  'D2 overview': '/',
  'D3 connections': '/connections',
  'D4 catalogue': '/connections/new',
  'D4 catalogue, searched': '/connections/new?q=mail',
  'D4 catalogue, nothing found': '/connections/new?q=zzzzzz',
  'D5 begin': '/connections/new/github',
  'D5 set-up': `/connections/${w.github}/setup`,
  'D6 set-up, keys': `/connections/${w.datadog}/setup`,
  'D8 connection': `/connections/${w.postcards}`,
  'D8 connection, keys': `/connections/${w.datadog}`,
  'D9 review': `/connections/${w.postcards}/review?scope=profile.read&scope=postcards.delete`,
  'D10 replace': `/connections/${w.postcards}/credentials`,
  'D11 delete': `/connections/${w.postcards}/delete`,
  'D12 accounts': '/accounts',
  'D12 accounts, filtered to none': '/accounts?q=nobody-of-that-name',
  'D13 account': `/accounts/${w.ada}`,
  'D13 account that needs a sign-in': `/accounts/${w.sol}`,
  'D13 delete': `/accounts/${w.ada}/delete`,
  'D14 link': '/links',
  'D16 logs': '/logs',
  'D16 logs, one reference': `/logs?q=${w.reference}`,
  'D22 settings': '/settings',
  'D22 people': '/settings/people',
  'D26 not found': '/connections/none',
});

/** What anybody sees who is not signed in. */
export const outside = { 'D1 sign in': '/login', 'D0 set-up link used': '/setup?t=nothing' };
