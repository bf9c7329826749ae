"""``python -m benchmarks [NAME…]``: measure pe_dvc beside what people use today."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.cases import CASES
from benchmarks.environment import MEMBERS, BenchEnvironment
from benchmarks.measure import measure
from benchmarks.report import machine, print_case, print_machine
from benchmarks.s3_server import S3Server
from benchmarks.s3_traffic import Pace


def main() -> None:
    arguments = _parser().parse_args()
    pace = Pace(arguments.latency_ms, arguments.rate_mib, arguments.total_rate_mib)
    facts = machine()
    print_machine(facts, pace)
    print(f"median of {arguments.rounds} whole processes after one warm-up, taken in turn")
    cases = []
    with tempfile.TemporaryDirectory(prefix="pe-dvc-bench-") as home, S3Server(pace=pace) as server:
        bench = BenchEnvironment(Path(home), server, members=arguments.members)
        for name in arguments.names or CASES:
            case = CASES[name](bench)
            results = measure(case, server, rounds=arguments.rounds, log=Path(home) / "log")
            print_case(case, results)
            sys.stdout.flush()
            rows = [result.to_json() for result in results]
            cases.append({"name": name, "work": case.work, "results": rows})
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        document = {"machine": facts, "pace": vars(pace), "cases": cases}
        arguments.json.write_text(json.dumps(document, indent=2) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--members", type=int, default=MEMBERS, help="files of the directory")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    parser.add_argument("--latency-ms", type=float, default=0, help="of the server, per request")
    parser.add_argument("--rate-mib", type=float, default=0, help="per connection and way")
    parser.add_argument("--total-rate-mib", type=float, default=0, help="of all, each way")
    return parser


if __name__ == "__main__":
    main()
