"""Organizations as far as accounts are scoped to them."""

from scalekit.common import exceptions
from scalekit.v1.organizations import organizations_pb2 as wire

from support import check, raises


def run(client):
    organizations, actions = client.organization, client.actions
    made = organizations.create_organization(wire.CreateOrganization(display_name="Blue Door", external_id="blue-1"))[0].organization
    check("create_organization", made.id.startswith("org_") and made.display_name == "Blue Door", made)
    got = organizations.get_organization(made.id)[0].organization
    check("get_organization", got.external_id == "blue-1", got)
    listed = organizations.list_organizations(page_size=30)[0].organizations
    check("list_organizations", made.id in [one.id for one in listed], listed)
    changed = organizations.update_organization(made.id, wire.UpdateOrganization(display_name="Red Door"))[0].organization
    check("update_organization", changed.display_name == "Red Door", changed)
    key = {"connection_name": "postcards", "identifier": "py-org"}
    account = actions.create_connected_account(organization_id=made.id, **key).connected_account
    check("an account of an organization", account.id.startswith("ca_"), account)
    listed = client.connected_accounts.list_connected_accounts(organization_id=made.id)[0].connected_accounts
    check("accounts of an organization", [one.id for one in listed] == [account.id], listed)
    actions.delete_connected_account(**key)
    organizations.delete_organization(made.id)
    raises("a deleted organization", exceptions.ScalekitNotFoundException, lambda: organizations.get_organization(made.id))
