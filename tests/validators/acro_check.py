"""Asks acro of statistics: for each line of the input it prints the checks that each fails.

A line is a list of ``{"statistic": "mean", "values": […]}``, as JSON, and so is each answer. To
import acro takes seconds: so one process answers many tests. Runs in the environment of acro.lock.
acro's own settings hold: 10 values, 10 degrees of freedom, 2 values with 90 %, 10 % beside them.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import warnings


def main() -> None:
    import pandas as pd
    from acro import ACRO

    session = ACRO()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    answers, sys.stdout = sys.stdout, sys.stderr  # acro talks, too
    for line in sys.stdin:
        failed = []
        for question in json.loads(line):
            frame = pd.DataFrame({"group": "a", "same": "b", "value": question["values"]})
            if question["statistic"] == "count":
                session.crosstab(frame["group"], frame["same"])
            else:
                session.pivot_table(
                    frame, index=["group"], values="value", aggfunc=question["statistic"]
                )
            (*_, last) = session.results.results.values()
            failed.append(sorted(re.findall(r"(\w+Check): fail", last.summary)))
        print(json.dumps(failed), file=answers, flush=True)


if __name__ == "__main__":
    main()
