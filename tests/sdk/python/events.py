"""Events as they are listed, and a delivery as the SDK verifies it."""

from scalekit.v1.events import events_pb2 as wire

from support import check


def run(client):
    events = client.events
    actions = client.actions
    made = actions.get_or_create_connected_account(connection_name="postcards", identifier="py-events").connected_account
    actions.delete_connected_account(connection_name="postcards", identifier="py-events")
    found = events.list_events_paginated(filter=wire.EventFilter(connected_account_id=made.id))[0]
    names = sorted(event.type for event in found.events)
    check("list_events_paginated", names == ["connected_account.created", "connected_account.deleted"], found)
    page = events.list_events_paginated(page_size=1)[0]
    check("a page of events", len(page.events) == 1 and page.next_page_token, page)
    second = events.list_events_paginated(page_size=1, page_token=page.next_page_token)[0]
    check("the next page", second.events[0].id != page.events[0].id, second)
