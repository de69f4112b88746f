#!/usr/bin/env bash
# Style as a test. tidy.sh checks everything below; tidy.sh includes only the include rules.
#
#   sizes      a function has at most 70 lines, a file of C at most 500
#   words      what is not used here, each with what to use instead
#   purity     lib/ (lib/io apart) knows no clock, file, thread or environment; all of lib/ no DPDK
#   includes   a room includes only itself and lower rooms
#   blanks     no tabs (but in the Makefile), no blanks at the end of a line, a newline at the end
#
# Prints file:line: what is wrong, what to do; exit 1 if there is anything.
set -u
cd "$(dirname "$0")/.."

mapfile -t c_files < <(find lib dpdk-app tests perf -name '*.[ch]' 2>/dev/null | sort)
mapfile -t texts < <(git ls-files --cached --others --exclude-standard -- '*.c' '*.h' '*.sh' '*.py' \
    '*.yaml' '*.yml' '*.md' 'scripts/*' '.ci/*' Makefile 2>/dev/null | grep -vE '^tests/.*/(golden|corpus)/' |
    sort -u | while read -r file; do [ ! -f "$file" ] || echo "$file"; done)

# room: the rooms it may include, besides itself. Siblings never include each other.
rooms='base:
rdd: base
job: base rdd
sched: base rdd
ckpt: base rdd
net: base rdd
io: base rdd'

includes() {
    [ ${#c_files[@]} = 0 ] || awk -v rooms="$rooms" '
        BEGIN {
            n = split(rooms, line, "\n")
            for (i = 1; i <= n; i++) {
                split(line[i], part, ":")
                known[part[1]] = 1
                allowed[part[1], part[1]] = 1
                m = split(part[2], lower, " ")
                for (j = 1; j <= m; j++) allowed[part[1], lower[j]] = 1
            }
        }
        !/^[ \t]*#[ \t]*include/ || FILENAME !~ /^lib\// { next }
        { split(FILENAME, path, "/"); room = path[2] }
        match($0, /"[^"]*"/) {
            target = substr($0, RSTART + 1, RLENGTH - 2)
            split(target, to, "/")
            if (target !~ /\//)
                say("include \"" room "/" target "\": the room is part of the name")
            else if (!known[to[1]])
                say("lib/ includes \"" target "\": only rooms of lib/ may be included here")
            else if (!allowed[room, to[1]])
                say("lib/" room " may not include lib/" to[1] " (scripts/tidy.sh lists what may)")
        }
        /[<"]rte_/ { say("lib/ knows no DPDK: what it needs from there comes through a seam") }
        function say(what) { print FILENAME ":" FNR ": " what; bad = 1 }
        END { exit bad }' "${c_files[@]}"
}

# pattern | where (a regex of paths) | what to do instead
words='strcpy|.|snprintf, or memcpy with a known length
strcat|.|snprintf or struct strbuf
strncpy|.|snprintf, or memcpy with a known length
strncat|.|snprintf or struct strbuf
sprintf|.|snprintf
vsprintf|.|vsnprintf
gets|.|fgets
strtok|.|strcspn and strspn
strtok_r|.|strcspn and strspn
sscanf|^lib/|a cursor that says where it failed
atoi|.|strtol with every error looked at
atol|.|strtol with every error looked at
atoll|.|strtoll with every error looked at
atof|.|strtod with every error looked at
rand|.|tests/prng.h, or the random seam
srand|.|tests/prng.h, or the random seam
random|.|tests/prng.h, or the random seam
drand48|.|tests/prng.h, or the random seam
alloca|.|a bounded array
assert|^(lib|dpdk-app)/|MR_ASSERT of base/assert.h, which stays on
localtime|.|gmtime_r: all times are UTC
gmtime|.|gmtime_r
ctime|.|gmtime_r and snprintf
asctime|.|gmtime_r and snprintf
usleep|.|nanosleep
system|.|nothing: no shell from C
popen|.|nothing: no shell from C
signal|^(lib|dpdk-app)/|sigaction
setjmp|.|return an error
longjmp|.|return an error
fopen|^lib/(base|rdd|job|sched|ckpt|net)/|the disk seam: lib/ opens no files
open|^lib/(base|rdd|job|sched|ckpt|net)/|the disk seam: lib/ opens no files
socket|^lib/(base|rdd|job|sched|ckpt|net)/|the wire seam: lib/ opens no sockets
pthread_create|^lib/(base|rdd|job|sched|ckpt|net)/|nothing: lib/ starts no threads
clock_gettime|^lib/(base|rdd|job|sched|ckpt|net)/|the clock seam: lib/ reads no clock
gettimeofday|^lib/|the clock seam: lib/ reads no clock
time|^lib/(base|rdd|job|sched|ckpt|net)/|the clock seam: lib/ reads no clock
printf|^lib/|struct strbuf: lib/ prints nothing
exit|^lib/|return an error'

# One pass over the C: comments, strings and character constants are blanked first, so that a word is
# only found where it is code. A function lies between a "{" and a "}" at the left edge.
code() {
    [ ${#c_files[@]} = 0 ] || awk -v words="$words" '
        BEGIN {
            n = split(words, line, "\n")
            for (i = 1; i <= n; i++) {
                split(line[i], part, "|")
                where[part[1]] = substr(line[i], length(part[1]) + 2)
                sub(/\|[^|]*$/, "", where[part[1]])
                instead[part[1]] = part[split(line[i], part, "|")]
            }
        }
        FNR == 1 { if (last != "") file_end(); last = FILENAME; in_comment = 0; body = 0 }
        { lines = FNR }
        /(^|[^A-Z])(TODO|FIXME|XXX|HACK)([^A-Z]|$)/ { say("an open end in the source: do it, or open an issue") }
        /^\{/ { body = FNR }
        /^\}/ && body { if (FNR - body + 1 > 70) say_at(body, "a function of " FNR - body + 1 " lines: 70 at most"); body = 0 }
        /typedef[ \t]+(struct|union|enum)/ && !/\(\*/ { say("typedef of a struct: write `struct name`") }
        /#[ \t]*pragma[ \t]+once/ { say("#pragma once: use an include guard") }
        /__DATE__|__TIME__/ { say("a date of the build: the same source must give the same program") }
        {
            text = $0
            if (in_comment) {
                if (!match(text, /\*\//)) next
                text = substr(text, RSTART + 2)
                in_comment = 0
            }
            if (text ~ /["\x27]/) {
                gsub(/\\\\/, "", text)
                gsub(/\\["\x27]/, "", text)
                gsub(/"[^"]*"/, "\"\"", text)
                gsub(/\x27[^\x27]*\x27/, "0", text)
            }
            sub(/\/\/.*/, "", text)
            gsub(/\/\*[^*]*\*\//, "", text)
            if (match(text, /\/\*/)) { text = substr(text, 1, RSTART - 1); in_comment = 1 }
            while (match(text, /[A-Za-z_][A-Za-z0-9_]*[ \t]*\(/)) {
                word = substr(text, RSTART, RLENGTH)
                before = RSTART > 1 ? substr(text, RSTART - 1, 1) : ""
                text = substr(text, RSTART + RLENGTH)
                sub(/[ \t]*\($/, "", word)
                # x.open( and x->open( are members, seams among them.
                if ((word in where) && before != "." && before != ">" && FILENAME ~ where[word])
                    say(word "(): use " instead[word])
            }
        }
        END { if (last != "") file_end(); exit bad }
        function file_end() {
            if (lines > 500) { print last ":" lines ": a file of " lines " lines: 500 at most, one idea each"; bad = 1 }
        }
        function say(what) { say_at(FNR, what) }
        function say_at(at, what) { print FILENAME ":" at ": " what; bad = 1 }' "${c_files[@]}"
}

blanks() {
    local bad=0
    [ ${#texts[@]} != 0 ] || return 0
    grep -nHE '[[:blank:]]+$' "${texts[@]}" | sed -E 's/^([^:]*:[0-9]+):.*/\1: blanks at the end of the line/' | grep . && bad=1
    printf '%s\n' "${texts[@]}" | grep -v '^Makefile$' | xargs -r grep -nHP '\t' |
        sed -E 's/^([^:]*:[0-9]+):.*/\1: a tab/' | grep . && bad=1
    for file in "${texts[@]}"; do
        [ ! -s "$file" ] || [ -z "$(tail -c 1 "$file")" ] || { echo "$file: no newline at the end"; bad=1; }
    done
    return $bad
}

bad=0
includes || bad=1
if [ "${1:-}" != includes ]; then
    code || bad=1
    blanks || bad=1
fi
exit $bad
