/*
 * The engine against the reference: every program, on random records, at random cuts into
 * datagrams and blocks, any number of workers and queues, any interleaving of their vectors, every
 * SIMD level; each interval's output must be the same bytes.
 */
#include <string.h>

#include "tests/engine/trial.h"
#include "tests/test.h"

#define INTERVALS 11u

static void run_trial(const struct program *p, uint64_t seed)
{
    struct trial t;
    struct prng chance = prng_of(seed ^ 0x5eed);

    if (!trial_begin(&t, p, seed, prng_below(&chance, 3), NULL))
        return;
    for (uint64_t n = t.first; n < t.first + INTERVALS; n++) {
        trial_interval(&t, n);
        for (uint64_t k = prng_below(&chance, 400); k && engine_step(t.engine); k--)
            ;
    }
    trial_end(&t, t.first + INTERVALS - 1);
    /* a lambda behind a window is computed once for a row, and again by the reference */
    if (strstr(p->name, "_fails"))
        EXPECT_EQ_INT(t.failed, t.ref_failed);
}

static void run_programs(uint32_t from, uint32_t step)
{
    uint64_t seed = prng_seed(1);

    for (uint32_t i = from; i < programs_cnt; i += step)
        for (uint64_t k = 0; k < 6; k++)
            run_trial(&programs[i], seed * 1000 + k);
}

TEST(engine, agrees_with_the_reference_0)
{
    run_programs(0, 4);
}
TEST(engine, agrees_with_the_reference_1)
{
    run_programs(1, 4);
}
TEST(engine, agrees_with_the_reference_2)
{
    run_programs(2, 4);
}
TEST(engine, agrees_with_the_reference_3)
{
    run_programs(3, 4);
}
