# Sourced by the stages: one line a check, its output only when it fails, and the count at the end.
set -uo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
assay="${ASSAY:-$top/.build/release/assay}"
passed=0 failed=0 skipped=0
scratch=$(mktemp -d "${TMPDIR:-/tmp}/assay-ci.XXXXXX")
chmod 755 "$scratch"
trap 'rm -rf "$scratch"' EXIT

# What the stages build: images/minimal, or the copy with a lock of today that the release stage has made of it when
# the archive has dropped locked files and unavailable.txt names them.
test_image() { cat "$top/build/test-image" 2>/dev/null || echo images/minimal; }

# missing_files FACTS: `SHA256 NAME` for each locked file that nobody has, of what `assay lock --check --json` printed.
missing_files() {
    python3 -c 'import json, sys
for item in json.load(open(sys.argv[1]))["unavailable"]: print(item["sha256"], item["name"])' "$1"
}

# all_named IMAGE FILE: whether each line of FILE is one of the image's unavailable.txt; prints those that are not.
all_named() { ! grep -vxFf <(grep -v '^#' "$1/unavailable.txt" 2>/dev/null) "$2"; }

# check WHAT COMMAND…: passes when the command exits 0.
check() {
    local what=$1 start=$SECONDS
    shift
    if "$@" >"$scratch/output" 2>&1 </dev/null; then
        echo "ok   $what ($((SECONDS - start)) s)"
        passed=$((passed + 1))
    else
        echo "FAIL $what (exit $?)"
        tail -n 60 "$scratch/output" | sed 's/^/     /'
        failed=$((failed + 1))
        return 1
    fi
}

# refuses WHAT CODE TEXT COMMAND…: passes when the command exits with CODE and its message contains TEXT.
refuses() {
    local what=$1 code=$2 text=$3 got=0
    shift 3
    "$@" >"$scratch/output" 2>&1 </dev/null || got=$?
    if [ $got = "$code" ] && grep -qF -- "$text" "$scratch/output"; then
        echo "ok   $what: $(grep -m1 -F -- "$text" "$scratch/output" | head -c 160)"
        passed=$((passed + 1))
    else
        echo "FAIL $what: exit $got where $code was expected, or no '$text' in:"
        tail -n 20 "$scratch/output" | sed 's/^/     /'
        failed=$((failed + 1))
        return 1
    fi
}

skip() {
    echo "skip $1: $2"
    skipped=$((skipped + 1))
}

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ $failed = 0 ]
    exit
}
