#!/usr/bin/env bash
# What `make run` runs, on a text whose counts are known: every line is "one two two", so that
# the last table must say one = the records processed and two = twice as many. Then Ctrl-C, and
# nothing may be left of either run.
set -eu
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
fail() { echo "demo: $*"; cat "$out/log"; exit 1; }
cell() { awk -v key="$1" '$1 == key { v = $2 } END { gsub(",", "", v); print v }' "$out/log"; }
nothing_left() {
    [ ! -e /run/netns/millrace-demo ] || fail "its namespace is still there"
    [ -z "$(ls -d /tmp/millrace-demo.* /var/run/dpdk/millrace-demo 2>/dev/null)" ] || fail "it left files"
}
[ "$(id -u)" = 0 ] || { echo "only root may make network namespaces"; exit 77; }
scripts/netns create "demo-probe-$$" 2>"$out/log" || { echo "no network namespaces here"; exit 77; }
scripts/netns destroy "demo-probe-$$"

yes 'one two two' | head -n 1000 >"$out/text"
INPUT=$out/text RATE=100k SECONDS_MAX=5 scripts/run-demo >"$out/log" 2>&1 || fail "exit code $?"
nothing_left
records=$(awk '$1 == "processed" { gsub(",", ""); print $3 }' "$out/log")
[ "$records" -gt 100000 ] || fail "only $records records were processed"
[ "$(cell one)" = "$records" ] || fail "one is $(cell one), not $records"
[ "$(cell two)" = $((records * 2)) ] || fail "two is $(cell two), not $((records * 2))"
awk '$1 ~ /^(offered|processed|dropped)$/ { gsub(",", ""); p[$1] = $2; r[$1] = $3 }
     END { exit p["offered"] != p["processed"] + p["dropped"] || r["offered"] != r["processed"] + r["dropped"] }' \
    "$out/log" || fail "the ledger does not close"

# Ctrl-C goes to all processes of the terminal's group; so here: a group of its own.
setsid env --default-signal=INT scripts/run-demo >"$out/log" 2>&1 &
group=$!
for _ in $(seq 100); do
    [ "$(grep -c '^counts.top  interval' "$out/log")" -ge 2 ] && break
    sleep 0.2
done
[ "$(grep -c '^counts.top  interval' "$out/log")" -ge 2 ] || fail "no second table in 20 s"
kill -INT -- "-$group" || fail "it had ended before Ctrl-C"
wait "$group" || fail "exit code $? after Ctrl-C"
grep -q 'processed  *[1-9]' "$out/log" || fail "no summary after Ctrl-C"
nothing_left
