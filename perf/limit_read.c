/*
 * The limit of limits: a loop that only reads the bytes of a block.
 */
#include <immintrin.h>
#include <stdlib.h>

#include "base/assert.h"
#include "perf/blocks.h"
#include "perf/side.h"

static void read_feed(void *ctx, uint64_t interval, const struct block *b)
{
    __m256i *sum = ctx;
    __m256i x[4] = {*sum, *sum, *sum, *sum};
    uint32_t bytes = perf_block_bytes(b) & ~127u;

    (void)interval;
    for (uint32_t at = 0; at < bytes; at += 128) {
        const __m256i *p = (const __m256i *)(const void *)(b->base + at);
        for (uint32_t i = 0; i < 4; i++)
            x[i] = _mm256_xor_si256(x[i], _mm256_loadu_si256(p + i));
    }
    *sum = _mm256_xor_si256(_mm256_xor_si256(x[0], x[1]), _mm256_xor_si256(x[2], x[3]));
}

static void read_close(void *ctx, uint64_t interval)
{
    (void)ctx;
    (void)interval;
}

static void read_answer(void *ctx, struct strbuf *out)
{
    strbuf_printf(out, "%llx\n", (unsigned long long)_mm256_extract_epi64(*(__m256i *)ctx, 0));
}

struct side limit_read(void)
{
    void *sum = aligned_alloc(64, 64);

    MR_ASSERT(sum);
    _mm256_store_si256(sum, _mm256_setzero_si256());
    return (struct side){sum, read_feed, read_close, read_answer};
}
