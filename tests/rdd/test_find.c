// Finding a needle, each SIMD form held to a loop over places. Every input lies in memory of
// exactly its size, so that a read beyond it is seen by AddressSanitizer.

#include "rdd/find.h"
#include "tests/rdd/expr_harness.h"

#include <stdlib.h>
#include <string.h>

static uint8_t *random_bytes(struct prng *p, uint32_t n, const char *letters)
{
    uint8_t *s = malloc(n ? n : 1);

    for (uint32_t i = 0; i < n; i++)
        s[i] = (uint8_t)letters[prng_below(p, strlen(letters))];
    return s;
}

static const uint8_t *find_naive(const uint8_t *s, uint32_t n, const uint8_t *x, uint32_t x_len)
{
    for (uint32_t i = 0; i + x_len <= n; i++)
        if (memcmp(s + i, x, x_len) == 0)
            return s + i;
    return NULL;
}

static void check_find(const uint8_t *s, uint32_t n, const uint8_t *x, uint32_t x_len)
{
    struct needle nd;

    needle_init(&nd, x, x_len);
    EXPECT(nd.rare_off[0] <= nd.rare_off[1] && nd.rare_off[1] < x_len);
    // Every hit from the start on.
    for (const uint8_t *at = s;;) {
        const uint8_t *want = find_naive(at, n - (uint32_t)(at - s), x, x_len);
        EXPECT(find_first(&nd, at, s + n) == want);
        if (!want)
            break;
        at = want + 1;
    }
}

TEST(find, first_place)
{
    struct prng p = prng_of(prng_seed(8));

    for (int i = 0; i < 600; i++) {
        const char *letters = i % 3 ? "ab" : "abcdefgh ";
        uint32_t n = (uint32_t)prng_below(&p, i % 2 ? 700 : 80);
        uint32_t x_len = 1 + (uint32_t)prng_below(&p, i % 5 ? 6 : 90);
        uint8_t *s = random_bytes(&p, n, letters), *x = random_bytes(&p, x_len, letters);
        // Half of the needles are there for certain, many at the very end.
        if (i % 2 && x_len <= n)
            memcpy(s + (prng_chance(&p, 50) ? n - x_len : prng_below(&p, n - x_len + 1)), x, x_len);
        for (simd_first(); simd_next();)
            check_find(s, n, x, x_len);
        free(s);
        free(x);
    }
}
