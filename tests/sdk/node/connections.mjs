// Connections as they are listed; those of the vendor's single sign-on are refused as not offered.
import { check, raises } from './support.mjs';

export const run = async ({ actions, connection }) => {
  const apps = await actions.listConnections();
  const postcards = apps.connections.find((app) => app.connectionName === 'postcards');
  check('listConnections', postcards && postcards.type === 'OAUTH' && postcards.status === 'COMPLETED', apps);
  const page = await actions.listConnections({ pageSize: 1 });
  check('a page of connections', page.connections.length === 1 && page.totalSize > 1, page);
  const next = await actions.listConnections({ pageSize: 1, pageToken: page.nextPageToken });
  check('the next page', next.connections[0].id !== page.connections[0].id, next);
  const named = await connection.listAppConnections({ provider: 'POSTCARDS', query: 'postc' });
  check('listAppConnections', named.connections.length === 1 && named.connections[0].keyId === 'postcards', named);
  const listed = await connection.listConnections('');
  check('connection.listConnections', listed.connections.some((one) => one.keyId === 'postcards'), listed);
  const byDomain = await connection.listConnectionsByDomain('example.com');
  check('listConnectionsByDomain', byDomain.connections.length === 0, byDomain);
  const refused = 'ScalekitNotImplementedException';
  await raises('createConnection of an organization', refused, () => connection.createConnection('org_1', { providerKey: 'LUGGAGE', type: 8 }));
  await raises('getConnection of an organization', refused, () => connection.getConnection('org_1', 'conn_1'));
  await raises('enableConnection of an organization', refused, () => connection.enableConnection('org_1', 'conn_1'));
  await raises('disableConnection of an organization', refused, () => connection.disableConnection('org_1', 'conn_1'));
  await raises('deleteConnection of an organization', refused, () => connection.deleteConnection('org_1', 'conn_1'));
};
