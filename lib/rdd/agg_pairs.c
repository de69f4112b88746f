#include <string.h>

#include "base/assert.h"
#include "rdd/agg_pairs.h"

#define SLOTS_BITS 13 /* few of them taken by the rows of one vector */
#define SLOTS      (1u << SLOTS_BITS)

static inline uint32_t slot_of(const uint8_t *row)
{
    return (uint32_t)((uint64_t)(uintptr_t)row * 0x9e3779b97f4a7c15ull >> (64 - SLOTS_BITS));
}

void agg_pairs_begin(struct agg_pairs *p, uint8_t *const *row, uint32_t n)
{
    uint16_t last[SLOTS];                  /* of the chain in this slot, plus one */
    const uint8_t *seen[VEC_ROWS_MAX + 1]; /* rows so far, from 1 */
    uint32_t roots = 0, others = 0;

    MR_ASSERT(n <= VEC_ROWS_MAX);
    memset(last, 0, sizeof last);
    p->prev[0] = 0;
    p->nth[0] = UINT16_MAX; /* what comes behind nothing is the first */
    for (uint32_t i = 0; i < n; i++) {
        uint32_t s = slot_of(row[i]);
        seen[0] = seen[i + 1] = row[i]; /* an empty slot fits, and needs no branch of its own */
        while (__builtin_expect(seen[last[s]] != row[i], 0))
            s = (s + 1) % SLOTS;
        uint32_t before = last[s];
        p->prev[i + 1] = (uint16_t)before;
        p->nth[i + 1] = (uint16_t)(p->nth[before] + 1);
        last[s] = (uint16_t)(i + 1);
        p->root[roots] = (uint16_t)i;
        p->live[others] = (uint16_t)i;
        roots += !before;
        others += !!before;
    }
    p->roots_cnt = roots;
    p->live_cnt = others;
}

bool agg_pairs_round(struct agg_pairs *p)
{
    uint32_t left = 0, pairs = 0;

    for (uint32_t k = 0; k < p->live_cnt; k++) {
        uint32_t i = p->live[k], at = i + 1, before = p->prev[at], odd = p->nth[at] & 1;
        p->left[pairs] = (uint16_t)(before - 1);
        p->right[pairs] = (uint16_t)i;
        pairs += odd;
        p->live[left] = (uint16_t)i;
        left += 1 - odd;
        /* The one before an even one goes; the one before that is even. Without a branch, since
         * odd and even cannot be foretold: an odd one keeps what it has. */
        p->prev[at] = p->prev[before ^ ((before ^ at) & (0 - odd))];
        p->nth[at] = (uint16_t)(p->nth[at] >> (1 - odd));
    }
    p->live_cnt = left;
    p->cnt = pairs;
    return pairs > 0;
}
