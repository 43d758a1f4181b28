#!/usr/bin/env python3
"""Runs the tests of a build folder and the fuzz targets; prints what failed, what was skipped and why, and one
closing line with the counts."""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree

import fuzz

# How GoogleTest and unittest say why a test was skipped.
SKIP_REASON = re.compile(r": Skipped\n(.+)|skipped ['\"](.+)['\"]")


def run_ctest(build):
    """Per test: (name, "passed" | "failed" | "skipped", its output or the reason)."""
    results = (build / "tests.xml").resolve()
    results.unlink(missing_ok=True)
    subprocess.run(["ctest", "--test-dir", build, "--quiet", "--no-tests=error", "--parallel", str(os.cpu_count()),
                    "--output-junit", results], check=False)
    if not results.exists():
        return [("ctest", "failed", f"it wrote no results; run ctest --test-dir {build}")]
    outcomes = []
    for case in xml.etree.ElementTree.parse(results).iter("testcase"):
        output = (case.findtext("system-out") or "").strip()
        not_run = case.find("skipped")
        why_not = not_run.get("message") if not_run is not None else ""
        if why_not.startswith("SKIP_"):
            reason = SKIP_REASON.search(output)
            outcomes.append((case.get("name"), "skipped", reason.group(1) or reason.group(2) if reason else why_not))
        else:
            passed = case.get("status") == "run"
            outcomes.append((case.get("name"), "passed" if passed else "failed", output or why_not))
    return outcomes


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build folder with the tests")
    parser.add_argument("--fuzz", type=pathlib.Path, help="build folder of the fuzz preset; without it, no fuzzing")
    parser.add_argument("--fuzz-seconds", type=int, default=30, help="per fuzz target")
    args = parser.parse_args()

    print(f"Running the tests of {args.build}", flush=True)
    outcomes = run_ctest(args.build)
    if args.fuzz:
        print(f"Fuzzing each target for {args.fuzz_seconds} s", flush=True)
        outcomes += fuzz.run_all(args.fuzz, args.fuzz_seconds)

    for name, outcome, detail in outcomes:
        if outcome == "skipped":
            print(f"SKIPPED {name}: {detail}")
    for name, outcome, detail in outcomes:
        if outcome == "failed":
            print(f"\nFAILED {name}\n{detail}")
    count = {kind: sum(outcome == kind for _, outcome, _ in outcomes) for kind in ("passed", "failed", "skipped")}
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 0 if count["failed"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
