#!/bin/sh
# Runs every fuzz test of the module: fuzz.sh [inputs each].
#
# Each package is built once, and as many fuzz tests run at the same time as the
# machine has processors, each with one worker. The bound is a number of inputs
# and not a time, because go test reports inputs that still run when the time is
# over as failed ("context deadline exceeded").
set -eu
cd "$(dirname "$0")/../.."
each=${1:-20000}
processors=$(getconf _NPROCESSORS_ONLN)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
corpus=$(go env GOCACHE)/fuzz
module=$(go list -m)

# build PACKAGE, the folder of one
cat >"$work/build" <<'SH'
set -eu
go test -c -fuzz=. -o "$1/$(echo "$2" | tr / _).test" "./$2"
SH

# fuzz WORK EACH CORPUS PACKAGE TEST; -fuzzminimizetime: otherwise most of the
# time goes into shrinking inputs that are merely new.
cat >"$work/fuzz" <<'SH'
set -eu
binary=$1/$(echo "$4" | tr / _).test
log=$binary.$5.log
begin=$(date +%s)
if (cd "$4" && "$binary" -test.run='^$' -test.fuzz="^$5\$" -test.fuzztime="$2x" -test.fuzzminimizetime=1x \
        -test.parallel=1 -test.fuzzcachedir="$3/$4") >"$log" 2>&1; then
    echo "ok    $4 $5 $(($(date +%s) - begin)) s"
else
    cat "$log"
    echo "FAIL  $4 $5"
    exit 1
fi
SH

grep -rlE --include='*_test.go' '^func Fuzz' . | sed 's|^\./||' | sort | while read -r file; do
    for name in $(sed -nE 's/^func (Fuzz[A-Za-z0-9_]*)\(.*/\1/p' "$file"); do
        echo "$(dirname "$file") $name"
    done
done >"$work/tests"
[ -s "$work/tests" ] || { echo "no fuzz test was found" >&2; exit 1; }
cut -d' ' -f1 "$work/tests" | sort -u | xargs -P "$processors" -n 1 sh "$work/build" "$work"
xargs -P "$processors" -n 2 sh "$work/fuzz" "$work" "$each" "$corpus/$module" <"$work/tests"
