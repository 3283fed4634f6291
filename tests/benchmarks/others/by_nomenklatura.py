"""Match rows by nomenklatura's logic-v2; to be run in an environment of its own: ``by_nomenklatura.py ROWS.json`` prints JSON.

Rows become organisations of FollowTheMoney. It scores the candidate pairs that it is given, ours: its own index is made for lists of names.
"""

import json
import logging
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from followthemoney import model
from nomenklatura.matching import get_algorithm
from nomenklatura.matching.types import ScoringConfig

DEFAULT = 0.7
"""The score at which its tools call two entities the same."""


def main() -> None:
    """Read rows and pairs, and print the score of each pair."""
    logging.disable(logging.CRITICAL)
    given = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    algorithm, config = get_algorithm("logic-v2"), ScoringConfig.defaults()
    assert algorithm is not None
    begun = time.process_time()
    entities = {row["id"]: _entity(row) for row in given["rows"]}
    pairs = [[left, right, algorithm.compare(entities[left], entities[right], config).score] for left, right in given["candidates"]]
    told = {"pairs": pairs, "seconds": time.process_time() - begun, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}
    sys.stdout.write(json.dumps({**told, "name": f"nomenklatura {version('nomenklatura')} logic-v2", "default": DEFAULT}))


def _entity(row: dict[str, Any]) -> Any:
    """Return a row as an organisation."""
    values = {
        "name": row["spelled"],
        "address": ", ".join(part for part in (f"{row['number']} {row['street']}".strip(), f"{row['postcode']} {row['city']}".strip()) if part),
        "phone": row["phone"],
        "email": row["email"],
        "website": f"https://{row['page']}" if row["page"] else "",
        "registrationNumber": row["siret"] or row["rna"],
    }
    properties = {name: [value] for name, value in values.items() if value}
    return model.get_proxy({"id": row["id"], "schema": "Organization", "properties": properties}, cleaned=False)


if __name__ == "__main__":
    main()
