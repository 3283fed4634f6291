"""Match rows by Splink on DuckDB, without labels; to be run in an environment of its own: ``by_splink.py ROWS.json`` prints JSON.

As its documentation has it for a file with duplicates: exact and fuzzy levels, term frequencies, u from random pairs, m by EM on a few blockings.
"""

import json
import logging
import resource
import sys
import time
import warnings
from contextlib import suppress
from pathlib import Path

import pandas as pd
import splink
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

DEFAULT = 4.25
"""The match weight of a probability of .95, at which its tutorials cluster."""

LEAST = -5.0
CONTACTS = ("phone", "email", "page", "siret", "rna")


def main() -> None:
    """Read rows, link them, and print the weight of each pair that it looked at."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    rows = json.loads(Path(sys.argv[1]).read_text("utf-8"))["rows"]
    frame = pd.DataFrame(rows).replace({"": None})
    used = [name for name in CONTACTS if frame[name].notna().any()]
    begun = time.process_time()
    linker = Linker(DuckDBAPI().register(frame), _settings(frame, used))
    linker.training.estimate_probability_two_random_records_match([block_on("name", "city"), *(block_on(name) for name in used)], recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
    for rule in ("name", *used[:2], *(name for name in ("city",) if frame[name].notna().any())):
        with suppress(ValueError):  # it gives up where a level is never seen; the other blockings train it
            linker.training.estimate_parameters_using_expectation_maximisation(block_on(rule))
    found = linker.inference.predict(threshold_match_weight=LEAST).as_pandas_dataframe()
    pairs = [[left, right, float(weight)] for left, right, weight in zip(found["id_l"], found["id_r"], found["match_weight"], strict=True)]
    told = {"pairs": pairs, "seconds": time.process_time() - begun, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}
    sys.stdout.write(json.dumps({**told, "name": f"Splink {splink.__version__}", "default": DEFAULT}))


def _settings(frame: pd.DataFrame, used: list[str]) -> SettingsCreator:
    """Compare names, places and contacts; block by each contact, by name, and by the beginning of the name in one place."""
    places = [name for name in ("street", "postcode", "city") if frame[name].notna().any()]
    comparisons = [cl.JaroWinklerAtThresholds("name", [0.95, 0.88, 0.7]).configure(term_frequency_adjustments=True)]
    if "street" in places:
        comparisons.append(cl.LevenshteinAtThresholds("street", [2, 5]))
    comparisons += [cl.ExactMatch(name).configure(term_frequency_adjustments=True) for name in places if name != "street"]
    comparisons += [cl.ExactMatch(name).configure(term_frequency_adjustments=True) for name in used]
    where = next((name for name in ("postcode", "city") if name in places), "name")
    blocks = [block_on("name"), block_on("substr(name,1,4)", where), *(block_on(name) for name in used)]
    return SettingsCreator(
        link_type="dedupe_only", unique_id_column_name="id", comparisons=comparisons, blocking_rules_to_generate_predictions=blocks
    )


if __name__ == "__main__":
    main()
