#ifndef TESTS_TEST_H
#define TESTS_TEST_H

// The face of the tests. The same sources run under Criterion (one process per test) and, built
// with MR_PLAIN_RUNNER, under tests/plain_main.c (all in one process), because Criterion does not
// start under ThreadSanitizer.
//
//     TEST(cursor, reads_past_the_end)
//     {
//         REQUIRE(open_cursor(&c) == 0);          // ends the test
//         EXPECT_EQ_INT(cursor_left(&c), 0);      // goes on
//     }
//
// Tests share no state and clean up after themselves: they may run in any order and in one process.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef MR_PLAIN_RUNNER

struct test_case {
    const char *suite;
    const char *name;
    void (*body)(void);
    struct test_case *next;
};

void test_register(struct test_case *test);
void test_fail(const char *file, int line, const char *why);

#define TEST(suite_, name_)                                                               \
    static void suite_##__##name_##_body(void);                                           \
    __attribute__((constructor)) static void suite_##__##name_##_register(void)           \
    {                                                                                     \
        static struct test_case test = {#suite_, #name_, suite_##__##name_##_body, NULL}; \
        test_register(&test);                                                             \
    }                                                                                     \
    static void suite_##__##name_##_body(void)

#define TEST_FAIL(why) test_fail(__FILE__, __LINE__, why)

#else

#include <criterion/criterion.h>

#define TEST(suite_, name_) Test(suite_, name_)
#define TEST_FAIL(why)      cr_expect_fail("%s", why)

#endif

// Each comparison returns NULL when it holds, else a sentence valid until the next one.
const char *test_cmp_int(intmax_t a, intmax_t b, const char *a_text, const char *b_text);
const char *test_cmp_str(const char *a, const char *b, const char *a_text, const char *b_text);
const char *test_cmp_mem(const void *a, const void *b, size_t n_bytes, const char *a_text);
const char *test_cmp_part(const char *text, const char *part, const char *a_text);
const char *test_cmp_abort(void (*fn)(void *), void *arg, const char *text);

#define TEST_TRY_(call)            \
    do {                           \
        const char *why_ = (call); \
        if (why_ != NULL)          \
            TEST_FAIL(why_);       \
    } while (0)

#define EXPECT(cond)                       \
    do {                                   \
        if (!(cond))                       \
            TEST_FAIL("expected: " #cond); \
    } while (0)

// For what the rest of a test stands on. Only in functions that return void.
#define REQUIRE(cond)                      \
    do {                                   \
        if (!(cond)) {                     \
            TEST_FAIL("required: " #cond); \
            return;                        \
        }                                  \
    } while (0)

#define EXPECT_EQ_INT(a, b)          TEST_TRY_(test_cmp_int((intmax_t)(a), (intmax_t)(b), #a, #b))
#define EXPECT_EQ_STR(a, b)          TEST_TRY_(test_cmp_str((a), (b), #a, #b))
#define EXPECT_EQ_MEM(a, b, n_bytes) TEST_TRY_(test_cmp_mem((a), (b), (n_bytes), #a))
#define EXPECT_HAS_STR(text, part)   TEST_TRY_(test_cmp_part((text), (part), #text))
// fn(arg), run in a child process, must end in abort(), as MR_ASSERT does.
#define EXPECT_ABORT(fn, arg) TEST_TRY_(test_cmp_abort((fn), (arg), #fn "(" #arg ")"))

#endif
