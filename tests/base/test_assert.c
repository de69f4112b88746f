#include "base/asan.h"
#include "base/assert.h"
#include "tests/prng.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

static void assert_that(void *arg)
{
    MR_ASSERT(*(int *)arg == 1);
}

static void do_nothing(void *arg)
{
    (void)arg;
}

TEST(assert, stops_the_process_when_it_does_not_hold)
{
    int good = 1, bad = 0;
    assert_that(&good);
    EXPECT_ABORT(assert_that, &bad);
    EXPECT(test_cmp_abort(do_nothing, NULL, "do_nothing") != NULL);
}

TEST(assert, evaluates_its_condition_once)
{
    int calls_cnt = 0;
    MR_ASSERT(++calls_cnt == 1);
    EXPECT_EQ_INT(calls_cnt, 1);
}

#ifdef MR_ASAN
TEST(asan, sees_poison)
{
    char *page = calloc(1, 4096);
    MR_POISON(page, 4096);
    EXPECT(__asan_address_is_poisoned(page + 100));
    MR_UNPOISON(page, 4096);
    EXPECT(!__asan_address_is_poisoned(page + 100));
    free(page);
}
#endif

// The harness itself: each comparison must see a difference, and only a difference.
TEST(harness, comparisons)
{
    EXPECT(test_cmp_int(1, 1, "a", "b") == NULL);
    EXPECT_HAS_STR(test_cmp_int(1, 2, "a", "b"), "a is 1 (0x1), expected b = 2");
    EXPECT(test_cmp_str("x", "x", "a", "b") == NULL);
    EXPECT_HAS_STR(test_cmp_str("abc", "abd", "a", "b"), "at byte 2");
    EXPECT(test_cmp_str(NULL, "", "a", "b") != NULL);
    EXPECT(test_cmp_mem("abc", "abc", 3, "a") == NULL);
    EXPECT_HAS_STR(test_cmp_mem("abc", "aXc", 3, "a"), "byte 1 of 3");
    EXPECT(test_cmp_part("abc", "bc", "a") == NULL);
    EXPECT_HAS_STR(test_cmp_part("abc", "cb", "a"), "has no");
    EXPECT_EQ_STR("same", "same");
    EXPECT_EQ_MEM("same", "same", 4);
}

TEST(harness, prng_is_the_same_everywhere)
{
    struct prng p = prng_of(42);
    EXPECT_EQ_INT(prng_u64(&p), (int64_t)0xbdd732262feb6e95u);
    for (int i = 0; i < 1000; i++) {
        EXPECT(prng_below(&p, 7) < 7);
        int64_t v = prng_between(&p, -3, 3);
        EXPECT(v >= -3 && v <= 3);
        double f = prng_f64(&p);
        EXPECT(f >= 0 && f < 1);
    }
}
