"""`python -m benchmarks [NAME...]`: run the benchmarks, print one line a figure."""

import argparse
import importlib

NAMES = [
    "metrics",
    "money",
    "intervals",
    "routers",
    "scoring",
    "store",
    "imports",
    "queries",
    "faithfulness",
    "check",
    "transport",
    "gateways",
    "page",
]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    names = parser.parse_args().names or NAMES
    for name in names:
        print(f"== {name}")
        for line in importlib.import_module(f"benchmarks.{name}").measure():
            print(line, flush=True)


if __name__ == "__main__":
    main()
