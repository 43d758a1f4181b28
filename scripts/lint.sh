#!/usr/bin/env bash
# Layout of all C++ files, then static analysis of src/: lint.sh [--changed]
# With --changed, only the files that differ from the main branch are analysed.
set -euo pipefail
cd "$(dirname "$0")/.."

folders=()
for folder in src tests bench; do [ -d "$folder" ] && folders+=("$folder"); done
status=0
find "${folders[@]}" -name '*.cpp' -print0 -o -name '*.h' -print0 | xargs -0 clang-format --dry-run -Werror || status=1

if [ "${1:-}" = --changed ]; then
  mapfile -t files < <(git diff --name-only --diff-filter=d main -- 'src/*.cpp'; git ls-files --others -- 'src/*.cpp')
else
  mapfile -t files < <(find src -name '*.cpp' | sort)
fi
# Without what only GCC knows: some flags, and its precompiled headers.
mkdir -p build/lint
sed -E 's/ -f(no-tree-reassoc|schedule-insns|sched-pressure)//g; s/ +-include [^ ]+cmake_pch.hxx//g' build/release/compile_commands.json > build/lint/compile_commands.json
if [ ${#files[@]} -gt 0 ]; then
  printf '%s\0' "${files[@]}" |
    xargs -0 -n 1 -P "$(nproc)" clang-tidy-19 -p build/lint --quiet 2> >(grep -v 'warnings\? generated' >&2) || status=1
fi
[ $status -eq 0 ] && echo "${#files[@]} files analysed, no finding." || echo "lint found something, see above." >&2
exit $status
