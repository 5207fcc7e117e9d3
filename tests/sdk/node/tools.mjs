// Tools from an empty catalogue: the right types, and errors that say so.
import { check, raises } from './support.mjs';

const NOT_FOUND = 'ScalekitNotFoundException';

export const run = async ({ actions, tools }) => {
  const { connectedAccount: account } = await actions.getConnectedAccount({ connectionName: 'postcards', identifier: 'node-ada' });
  check('listTools', (await tools.listTools({ pageSize: 5000 })).tools.length === 0);
  check('listTools of an account', (await tools.listTools({ filter: { connectedAccountId: account.id } })).tools.length === 0);
  check('listScopedTools', (await tools.listScopedTools('node-ada', { filter: { connectionNames: ['postcards'] } })).tools.length === 0);
  check('listAvailableTools', (await tools.listAvailableTools('node-ada', { pageSize: 10 })).tools.length === 0);
  const ran = { toolName: 'send_card', toolInput: { n: 1 } };
  await raises('executeTool', NOT_FOUND, () => actions.executeTool({ ...ran, identifier: 'node-ada', connector: 'postcards' }), 'tool not found');
  await raises('executeTool for an account', NOT_FOUND, () => tools.executeTool({ toolName: 'send_card', connectedAccountId: account.id }), 'tool not found');
  await raises('executeTool for nobody', NOT_FOUND, () => actions.executeTool({ ...ran, identifier: 'nobody', connector: 'postcards' }), 'account');
  await raises('tools of an account that is not there', NOT_FOUND, () => tools.listTools({ filter: { connectedAccountId: 'ca_1' } }));
};
