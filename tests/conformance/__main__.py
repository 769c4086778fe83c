"""`python -m tests.conformance DIR [--kestra 1|2] [--json FILE] [-k WORD]`. Exit code 0 when every case passed."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.conformance.runner import report, run, to_json


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description="Run conformance cases.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--kestra", choices=("1", "2"), help="only this line of Kestra")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there")
    parser.add_argument(
        "-k", dest="word", metavar="WORD", help="only cases whose id, file or feature has WORD"
    )
    options = parser.parse_args(arguments)
    if not options.folder.exists():
        parser.error(f"no such file or folder: {options.folder}")
    results = list(run(options.folder, kestra=options.kestra, word=options.word))
    print(report(results))
    if options.json is not None:
        options.json.write_text(json.dumps(to_json(results), indent=1) + "\n", encoding="utf-8")
    if not results:
        print("no case found", file=sys.stderr)
        return 1
    return 0 if all(result.passed for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
