"""The relay, for nodes that are hubs: which events their peers' origins have, without the records."""

import hashlib
import json
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.errors import NotFound, Text
from app.feed import pages, relay
from app.web.asking import Here
from app.web.feed import CONTEXT, FEED
from app.web.problems import refusals
from app.web.replies import REVALIDATE, Place, Stamp, described, link, reply

router = APIRouter(tags=["feed"])

After = Annotated[int, Query(ge=0, le=pages.LARGEST, description="The `relaySequence` of the last event read")]
Limit = Annotated[int, Query(ge=1, le=relay.MOST, description="Events listed at once")]


@router.get("/relay", responses={**described(FEED, "Events of other nodes, each to be read at its origin"), **refusals(NotFound)})
def listed(here: Here, after: After = 0, limit: Limit = relay.PAGE) -> Response:
    """The newest event of each record of our peers, in the order in which this node learnt of them, without the records."""
    names = here.node.names
    if not here.node.settings.relay:
        raise NotFound(Text("Ce nœud ne fait pas suivre ce que disent les autres.", "This node does not pass on what others say."))
    with here.node.journal.read() as connection:
        document = relay.page(connection, names, after, limit)
    version = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:16]
    last = document["orderedItems"][-1]["published"] if document["orderedItems"] else None
    links = link(names.context, CONTEXT), link(names.hub, "hub"), link(names.relay, "self")
    return reply(here, FEED, document, Stamp(f"r{version}", last, REVALIDATE), Place(names.relay, None, links))
