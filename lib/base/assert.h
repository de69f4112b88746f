#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

// Assertions that stay on.
//
// MR_ASSERT states what the program itself guarantees: an invariant, a contract between rooms.
// It is never a check of input: bad packets, records and files have counters and errors. When it
// does not hold the process stops, because a wrong answer is worse than none.

#include <stdio.h>
#include <stdlib.h>

__attribute__((noreturn, cold, noinline, unused)) static void mr_assert_failed(const char *file,
                                                                               int line,
                                                                               const char *cond)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, cond);
    abort();
}

#define MR_ASSERT(cond)                                  \
    do {                                                 \
        if (__builtin_expect(!(cond), 0))                \
            mr_assert_failed(__FILE__, __LINE__, #cond); \
    } while (0)

#endif
