// Pairs of a vector: whatever the rows, every value comes into the first one of its row, in at most
// log2 rounds, and only neighbours of one row meet.
#include <stdlib.h>
#include <string.h>

#include "rdd/agg_pairs.h"
#include "tests/prng.h"
#include "tests/test.h"

#define ROWS 600u

static uint32_t rounds_for(uint32_t longest)
{
    uint32_t rounds = 0;

    while (1u << rounds < longest)
        rounds++;
    return rounds;
}

// Which row records go to: case by case all to one, each to its own, or skewed.
static uint32_t draw(struct prng *prng, uint32_t shape, uint32_t i)
{
    switch (shape) {
    case 0: return 0;
    case 1: return i % ROWS;
    case 2: return (uint32_t)prng_below(prng, ROWS);
    default: return (uint32_t)(prng_below(prng, ROWS) * prng_below(prng, ROWS) / ROWS);
    }
}

static void try_one(struct prng *prng, uint32_t shape, uint32_t n)
{
    static uint8_t rows[ROWS * 24];
    struct agg_pairs *p = calloc(1, sizeof *p);
    uint8_t *row[VEC_ROWS_MAX];
    uint32_t sum[VEC_ROWS_MAX], first[ROWS], records[ROWS] = {0}, longest = 0, rounds = 0, seen = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t r = draw(prng, shape, i);
        row[i] = rows + r * 24;
        sum[i] = 1;
        first[r] = records[r]++ ? first[r] : i;
        longest = records[r] > longest ? records[r] : longest;
        seen += records[r] == 1;
    }
    agg_pairs_begin(p, row, n);
    while (agg_pairs_round(p)) {
        rounds++;
        for (uint32_t k = 0; k < p->cnt; k++) {
            EXPECT(row[p->left[k]] == row[p->right[k]] && p->left[k] < p->right[k]);
            sum[p->left[k]] += sum[p->right[k]];
            sum[p->right[k]] = 0;
        }
    }
    EXPECT_EQ_INT(rounds, rounds_for(longest));
    EXPECT_EQ_INT(p->roots_cnt, seen);
    for (uint32_t k = 0; k < p->roots_cnt; k++) {
        uint32_t r = (uint32_t)(row[p->root[k]] - rows) / 24;
        EXPECT_EQ_INT(p->root[k], first[r]);
        EXPECT_EQ_INT(sum[p->root[k]], records[r]);
    }
    free(p);
}

TEST(agg_pairs, every_value_comes_into_the_first_of_its_row)
{
    static const uint32_t sizes[] = {0, 1, 2, 3, 64, 1000, VEC_ROWS_MAX};
    struct prng prng = prng_of(prng_seed(11));

    for (uint32_t shape = 0; shape < 4; shape++)
        for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
            try_one(&prng, shape, sizes[i]);
}
