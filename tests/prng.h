#ifndef TESTS_PRNG_H
#define TESTS_PRNG_H

// The only randomness of the tests: SplitMix64, so that one seed is one run on every machine.
// `SEED=n` in the environment replaces the default of a test; print the seed when a test fails.

#include <stdint.h>
#include <stdlib.h>

struct prng {
    uint64_t state;
};

static inline struct prng prng_of(uint64_t seed)
{
    return (struct prng){seed};
}

static inline uint64_t prng_seed(uint64_t otherwise)
{
    const char *text = getenv("SEED");
    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

static inline uint64_t prng_u64(struct prng *p)
{
    uint64_t z = (p->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// Uniform in [0, n); n > 0.
static inline uint64_t prng_below(struct prng *p, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)prng_u64(p) * n) >> 64);
}

// Uniform in [low, high], both included.
static inline int64_t prng_between(struct prng *p, int64_t low, int64_t high)
{
    return low + (int64_t)prng_below(p, (uint64_t)(high - low) + 1);
}

// Uniform in [0, 1).
static inline double prng_f64(struct prng *p)
{
    return (double)(prng_u64(p) >> 11) * 0x1p-53;
}

static inline int prng_chance(struct prng *p, unsigned percent)
{
    return prng_below(p, 100) < percent;
}

static inline void prng_fill(struct prng *p, void *out, size_t n_bytes)
{
    uint8_t *to = out;
    for (size_t i = 0; i < n_bytes; i++)
        to[i] = (uint8_t)(prng_u64(p) >> 56);
}

#endif
