#!/bin/sh
# Runs every fuzz test of the module, one after the other: fuzz.sh [inputs each].
# A number of inputs and not a time, because go test reports inputs that are
# still running when its time is up as failed ("context deadline exceeded").
set -eu
cd "$(dirname "$0")/../.."
each=${1:-20000}
grep -rlE --include='*_test.go' '^func Fuzz' . | sort | while read -r file; do
    for name in $(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$file"); do
        echo "$(dirname "$file") $name"
        # Shrinking inputs that are merely new takes most of the time otherwise.
        go test "$(dirname "$file")" -run '^$' -fuzz "^$name\$" -fuzztime "${each}x" -fuzzminimizetime 1x
    done
done
