"""No inference: any query under a membership answers as it would over a masked copy of the tables.

    FHIR_ACCESS_INFERENCE_SEED=7 FHIR_ACCESS_INFERENCE_QUERIES=100000 cargo xtask test inference

asks other queries, and more of them. A failure names the query by its number; it is the same one whenever the seed is.
"""

from concurrent.futures import ProcessPoolExecutor

import pytest
from clinic import DATA, memberships
from conftest import QUERIES, SEED
from harness import compare

NAMES = [membership.name for membership in memberships()]
PROCESSES = 2


def test_rows_of_synthea_are_among_them():
    if not DATA.exists():
        pytest.skip(f"{DATA.name} is not there: all rows are made up")


@pytest.mark.parametrize("name", NAMES)
def test_same_answers(name, clinic):
    count = -(-QUERIES // len(NAMES))
    with ProcessPoolExecutor(PROCESSES) as pool:
        parts = [range(first, count, PROCESSES) for first in range(PROCESSES)]
        results = [job.result() for job in [pool.submit(compare, name, SEED, part) for part in parts]]
    differences = [difference for _, found in results for difference in found]
    assert not differences, "\n\n".join(differences)
    total = {key: sum(counts[key] for counts, _ in results) for key in results[0][0]}
    assert total["run"] == count
    # Queries that all fail, or find nothing, would show nothing.
    assert total["errors"] < 0.25 * count and total["empty"] < 0.6 * count and total["rows"] > count and total["shown"] > count / 10, total
