/*
 * Microbenchmarks of combining by keys that are words: bench_keys. Vectors of 1,024 rows, 64
 * different ones, at every SIMD level of this CPU; the figure is nanoseconds for each row, the
 * least of many rounds, because whatever disturbs a round makes it longer.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/simd.h"
#include "perf/gen_frames.h"
#include "perf/micro.h"
#include "rdd/combine_fixed.h"
#include "tests/prng.h"

#define VECTORS  64u
#define ROUNDS   200u
#define KEYS_MAX 65536u
#define FEW_KEYS 100u
#define SUM_OFF  8u

struct vector {
    uint64_t number[VEC_ROWS_MAX];
    struct ip ip[VEC_ROWS_MAX];
    int64_t value[VEC_ROWS_MAX];
};

static struct vector vectors[VECTORS];
static struct combine_fixed numbers, addresses;

static void *taken(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) & ~(size_t)63);

    MR_ASSERT(p);
    return p;
}

/* The ranks of a Zipf law over n. */
static uint32_t *zipf_ranks(uint32_t n, uint32_t cnt, struct prng *p)
{
    double *upto = malloc(n * sizeof *upto), sum = 0;
    uint32_t *rank = malloc(cnt * sizeof *rank);

    MR_ASSERT(upto && rank);
    for (uint32_t i = 0; i < n; i++)
        upto[i] = sum += 1.0 / (i + 1);
    for (uint32_t k = 0; k < cnt; k++) {
        double at = (double)(prng_u64(p) >> 11) * 0x1p-53 * sum;
        uint32_t lo = 0, hi = n - 1;
        while (lo < hi) {
            uint32_t mid = (lo + hi) / 2;
            if (upto[mid] < at)
                lo = mid + 1;
            else
                hi = mid;
        }
        rank[k] = lo;
    }
    free(upto);
    return rank;
}

static void setup(void)
{
    static const uint8_t row_init[16];
    struct prng p = prng_of(1);
    uint32_t *rank = zipf_ranks(GEN_SOURCES, VECTORS * VEC_ROWS_MAX, &p);

    for (uint32_t k = 0; k < VECTORS; k++)
        for (uint32_t i = 0; i < VEC_ROWS_MAX; i++) {
            uint32_t source = (rank[k * VEC_ROWS_MAX + i] + 1) * 2654435761u;
            vectors[k].number[i] = prng_below(&p, FEW_KEYS);
            vectors[k].ip[i] = (struct ip){{[10] = 0xff, 0xff}};
            memcpy(vectors[k].ip[i].b + 12, &source, sizeof source);
            vectors[k].value[i] = (int64_t)prng_below(&p, 1500);
        }
    free(rank);
    combine_fixed_init(&numbers, taken(combine_fixed_bytes(KEYS_MAX, 1, 8)), KEYS_MAX, TYPE_INT, 8,
                       row_init);
    combine_fixed_init(&addresses, taken(combine_fixed_bytes(KEYS_MAX, 2, 16)), KEYS_MAX, TYPE_IP,
                       16, row_init);
}

static void count(const struct vector *v)
{
    combine_fixed_count(&numbers, &(struct fixed_keys){.word = v->number, .n = VEC_ROWS_MAX});
}

static void sum(const struct vector *v)
{
    struct fixed_keys k = {.word = (const uint64_t *)(const void *)v->ip, .n = VEC_ROWS_MAX};

    combine_fixed_sum(&addresses, &k, v->value, SUM_OFF);
}

static double measure(void (*vector)(const struct vector *v))
{
    double best = 0;

    for (uint32_t r = 0; r < ROUNDS; r++) {
        double took = now_ns();
        for (uint32_t k = 0; k < VECTORS; k++)
            vector(&vectors[k]);
        took = (now_ns() - took) / (VECTORS * VEC_ROWS_MAX);
        best = !r || took < best ? took : best;
    }
    return best;
}

int main(void)
{
    static const struct {
        const char *name;
        void (*vector)(const struct vector *v);
    } benches[] = {{"combine_fixed_count, 100 numbers", count},
                   {"combine_fixed_sum, Zipf addresses", sum}};

    setup();
    for (size_t i = 0; i < sizeof benches / sizeof benches[0]; i++) {
        printf("%-34s", benches[i].name);
        for (int level = SIMD_SCALAR; level < SIMD_AUTO; level++)
            if (simd_init((enum simd_level)level) == 0)
                printf("  %s %5.2f ns", simd_level_name(simd_level), measure(benches[i].vector));
        printf(" a row\n");
    }
    return 0;
}
