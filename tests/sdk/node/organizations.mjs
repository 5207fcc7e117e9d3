// Organizations as far as accounts are scoped to them.
import { check, raises } from './support.mjs';

export const run = async ({ organization }) => {
  const made = (await organization.createOrganization('Green Door', { externalId: 'green-1' })).organization;
  check('createOrganization', made.id.startsWith('org_') && made.displayName === 'Green Door', made);
  check('getOrganization', (await organization.getOrganization(made.id)).organization.externalId === 'green-1');
  const listed = await organization.listOrganization({ pageSize: 30 });
  check('listOrganization', listed.organizations.some((one) => one.id === made.id), listed);
  const changed = (await organization.updateOrganization(made.id, { displayName: 'Blue Door' })).organization;
  check('updateOrganization', changed.displayName === 'Blue Door', changed);
  await organization.deleteOrganization(made.id);
  await raises('a deleted organization', 'ScalekitNotFoundException', () => organization.getOrganization(made.id));
};
