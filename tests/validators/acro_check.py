"""Asks acro of statistics: ``acro_check.py FILE`` prints the checks that each fails, as JSON.

FILE has a list of ``{"statistic": "mean", "values": […]}``. Runs in the environment of acro.lock.
acro's own settings hold: 10 values, 10 degrees of freedom, 2 values with 90 %, 10 % beside them.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import warnings
from pathlib import Path


def main(file: str) -> None:
    import pandas as pd
    from acro import ACRO

    session = ACRO()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    asked = json.loads(Path(file).read_text())
    failed = []
    for question in asked:
        frame = pd.DataFrame({"group": "a", "same": "b", "value": question["values"]})
        if question["statistic"] == "count":
            session.crosstab(frame["group"], frame["same"])
        else:
            session.pivot_table(
                frame, index=["group"], values="value", aggfunc=question["statistic"]
            )
        (*_, last) = session.results.results.values()
        failed.append(sorted(re.findall(r"(\w+Check): fail", last.summary)))
    print(json.dumps(failed))


if __name__ == "__main__":
    main(sys.argv[1])
