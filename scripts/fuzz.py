#!/usr/bin/env python3
"""Runs every fuzz target from its seed corpus, all at once, and says which survived.

New inputs and reproducers go below the build folder, so that the checkout stays as it is.
"""
import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = ROOT / "tests" / "fuzz"


def start(name, build, seconds):
    """The running fuzzer and its log, or None where it is not built."""
    binary = build / "tests" / "fuzz" / f"{name}_fuzz"
    if not binary.exists():
        return None
    found = build / "corpus" / name
    crashes = build / "crashes" / name
    found.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    command = [binary, f"-max_total_time={seconds}", "-timeout=30", "-rss_limit_mb=2048",
               f"-artifact_prefix={crashes}/", found]
    seeds = SOURCES / "corpus" / name
    if seeds.is_dir():
        command.append(seeds)
    log = build / f"{name}_fuzz.log"
    with log.open("wb") as output:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output), log


def run_all(build, seconds):
    """Per fuzz target: (name, "passed" | "failed" | "skipped", what to tell the user)."""
    names = sorted(source.name.removesuffix("_fuzz.cpp") for source in SOURCES.glob("*_fuzz.cpp"))
    running = [(name, start(name, build, seconds)) for name in names]
    outcomes = []
    for name, started in running:
        if not started:
            outcomes.append((f"fuzz {name}", "skipped", f"{name}_fuzz is not built in {build}"))
            continue
        process, log = started
        status = process.wait()
        lines = log.read_text(errors="replace").splitlines()
        if status == 0:
            done = [line for line in lines if line.startswith("Done ")]
            outcomes.append((f"fuzz {name}", "passed", done[-1] if done else ""))
        else:
            tail = "\n".join(lines[-40:])
            outcomes.append((f"fuzz {name}", "failed", f"{tail}\nexit status {status}; the input that did it is "
                             f"below {build / 'crashes' / name}, the whole log is {log}"))
    return outcomes


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="build folder of the fuzz preset")
    parser.add_argument("--seconds", type=int, required=True)
    args = parser.parse_args()
    outcomes = run_all(args.build, args.seconds)
    for name, outcome, detail in outcomes:
        print(f"{name}: {outcome}: {detail}")
    return 0 if outcomes and all(outcome == "passed" for _, outcome, _ in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
