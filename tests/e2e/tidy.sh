#!/usr/bin/env bash
# scripts/tidy.sh finds what it is there for, where it is, and nothing in clean code.
set -eu
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/scripts" "$tree/lib/base" "$tree/lib/rdd" "$tree/lib/sched" "$tree/lib/ckpt" "$tree/lib/io"
cp scripts/tidy.sh "$tree/scripts/"
cd "$tree"
git init -q .

fail() { echo "tidy: $*"; exit 1; }
clean() { scripts/tidy.sh >out || { cat out; fail "clean code was refused"; }; }
finds() { # FILE TEXT SENTENCE
    printf '%s\n' "$2" >"$1"
    ! scripts/tidy.sh >out || fail "nothing wrong found in: $2"
    grep -qF "$3" out || { cat out; fail "no '$3' for: $2"; }
    rm "$1"
}

clean
cat >lib/rdd/good.c <<'END'
#include "base/assert.h"
#include <stdio.h>
// strcpy(x) in a comment, /* and sprintf(y) */
/* strcat(x)
   atoi(x) */
static const char text[] = "gets(\" rand() // notes";
static int my_atoi(int c)
{
    return seam->open(c) + '"' + disk.open(c) + wall_time(c);
}
END
clean
finds lib/rdd/x.c 'a = atoi(b);' 'lib/rdd/x.c:1: atoi(): use strtol'
finds lib/io/x.c 'strcpy (a, b);' 'strcpy(): use snprintf'
finds lib/rdd/x.c 'fd = open(a, 0);' 'lib/ opens no files'
finds lib/rdd/x.c 'c = '\''"'\''; t = time(NULL);' 'lib/ reads no clock'
finds lib/base/x.h '#include "rdd/type.h"' 'lib/base may not include lib/rdd'
finds lib/sched/x.h '#include "ckpt/file.h"' 'lib/sched may not include lib/ckpt'
finds lib/rdd/x.h '#include "type.h"' 'the room is part of the name'
finds lib/io/x.h '#include <rte_ring.h>' 'lib/ knows no DPDK'
finds lib/rdd/x.c 'typedef struct { int a; } t;' 'write `struct name`'
finds lib/rdd/x.c '// TODO: later' 'an open end'
finds lib/rdd/x.c 'int a;  ' 'lib/rdd/x.c:1: blanks at the end'
finds lib/rdd/x.c $'\tint a;' 'lib/rdd/x.c:1: a tab'
finds lib/rdd/x.c "$(echo 'int f(void)'; echo '{'; yes '    f();' | head -n 69; echo '}')" 'a function of 71 lines'
finds lib/rdd/x.c "$(yes 'int a;' | head -n 501)" 'a file of 501 lines'
printf 'int a;' >lib/rdd/x.c
scripts/tidy.sh | grep -q 'no newline at the end' || fail "a missing newline was not found"
