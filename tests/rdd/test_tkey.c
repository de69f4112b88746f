// Keys of tables: equality and order are those of their bytes, wherever these lie; the partition
// hash is a constant of the format.

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "rdd/tkey.h"
#include "tests/rdd/expr_harness.h"

static struct tkey key_of(const void *p, uint32_t len)
{
    uint32_t zero = 0;
    struct enc_keys e = {p, &zero, &len};
    struct tkey k;

    tkeys_load(&k, &e, NULL, 1);
    return k;
}

static uint64_t hash_of(const struct tkey *k)
{
    uint64_t h;

    tkeys_hash(&h, k, 1);
    return h;
}

TEST(tkey, is_its_bytes)
{
    struct prng p = prng_of(prng_seed(1));

    for (uint32_t i = 0; i < 20000; i++) {
        uint8_t a[40], b[40];
        uint32_t an = (uint32_t)prng_below(&p, 33), bn = prng_chance(&p, 60) ? an : an / 2;
        for (uint32_t k = 0; k < sizeof a; k++) {
            a[k] = (uint8_t)prng_below(&p, 2);
            b[k] = prng_chance(&p, 95) ? a[k] : 1;
        }
        uint8_t *ha = malloc(an + 1), *hb = malloc(bn + 1); // no byte behind them
        memcpy(ha, a, an);
        memcpy(hb, b, bn);
        struct tkey x = key_of(ha, an), y = key_of(hb, bn);
        bool same = an == bn && memcmp(a, b, an) == 0;
        EXPECT_EQ_INT(tkey_equal(&x, &y), same);
        EXPECT_EQ_INT(tkey_cmp(&x, &y), enc_cmp(a, an, b, bn));
        EXPECT_EQ_MEM(tkey_bytes(&x), a, an);
        EXPECT_EQ_INT(x.len, an);
        if (same) {
            EXPECT_EQ_INT(hash_of(&x), hash_of(&y));
            EXPECT_EQ_INT(tkey_rank(&x), tkey_rank(&y));
        } else {
            EXPECT(hash_of(&x) != hash_of(&y));
            EXPECT(tkey_rank(&x) != tkey_rank(&y));
        }
        free(ha);
        free(hb);
    }
}

// What lies behind a key, and where the page ends, does not show.
TEST(tkey, does_not_depend_on_where_it_lies)
{
    uint8_t *page = aligned_alloc(4096, 2 * 4096);
    struct prng p = prng_of(2);

    for (uint32_t len = 0; len <= TKEY_INLINE; len++)
        for (uint32_t before = 0; before < 40; before++) {
            uint8_t *at = page + 4096 - before;
            prng_fill(&p, page + 4096 - 64, 128);
            memset(at, 'k', len);
            struct tkey k = key_of(at, len), want = key_of("kkkkkkkkkkkkkkkkkkkkkkk", len);
            EXPECT_EQ_MEM(&k, &want, sizeof k);
        }
    free(page);
}

TEST(tkey, takes_the_selected_rows)
{
    uint32_t off[] = {0, 3, 6, 9}, len[] = {3, 3, 3, 15};
    uint16_t sel[] = {1, 3};
    struct enc_keys e = {(const uint8_t *)"aaabbbcccdddddddddddddddd", off, len};
    struct tkey k[2];

    tkeys_load(k, &e, sel, 2);
    EXPECT_EQ_MEM(tkey_bytes(&k[0]), "bbb", 3);
    EXPECT_EQ_INT(k[1].len, 15);
    EXPECT(tkey_bytes(&k[1]) == e.base + 9);
}

// Two pages that may be read, between two that may not.
static uint8_t *guarded_pages(void)
{
    uint8_t *p = mmap(NULL, 4 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    MR_ASSERT(p != MAP_FAILED && !mprotect(p + 4096, 2 * 4096, PROT_READ | PROT_WRITE));
    return p + 4096;
}

// A vector of keys of both kinds, many at the edges of the pages: loaded and hashed at once they
// are what they are one after the other.
TEST(tkey, loads_and_hashes_at_once)
{
    static struct tkey k[VEC_ROWS_MAX], want[VEC_ROWS_MAX];
    uint32_t off[VEC_ROWS_MAX], len[VEC_ROWS_MAX], hash[VEC_ROWS_MAX];
    uint64_t want_hash[VEC_ROWS_MAX];
    uint16_t sel[VEC_ROWS_MAX], longs[VEC_ROWS_MAX];
    uint8_t *pages = guarded_pages();
    struct prng p = prng_of(prng_seed(3));
    struct enc_keys e = {pages, off, len};

    prng_fill(&p, pages, 2 * 4096);
    for (uint32_t round = 0; round < 200; round++) {
        uint32_t n = (uint32_t)prng_below(&p, VEC_ROWS_MAX + 1), live = 0;
        uint32_t longest = round % 3 ? TKEY_INLINE : 40, edges = round % 5 ? 1 : 30;
        for (uint32_t i = 0; i < n; i++) {
            uint32_t last = 2 * 4096 - (len[i] = (uint32_t)prng_below(&p, longest + 1));
            off[i] = prng_chance(&p, edges) ? (prng_chance(&p, 50) ? 0 : last)
                                            : (uint32_t)prng_below(&p, last + 1);
            sel[live] = (uint16_t)i;
            live += round % 2 || prng_chance(&p, 70);
        }
        tkeys_load(want, &e, round % 2 ? NULL : sel, live);
        tkeys_hash(want_hash, want, live);
        for (simd_first(); simd_next();) {
            uint32_t cnt = tkeys_load_hash(k, hash, &e, round % 2 ? NULL : sel, live, longs),
                     at = 0;
            EXPECT_EQ_MEM(k, want, live * sizeof *k);
            for (uint32_t i = 0; i < live; i++)
                if (!tkey_is_short(&want[i]))
                    EXPECT_EQ_INT(longs[at++], i);
            EXPECT_EQ_INT(cnt, at);
            for (uint32_t i = 0; i < live; i++)
                EXPECT_EQ_INT(hash[i], want_hash[i] >> 32);
        }
    }
    munmap(pages - 4096, 4 * 4096);
}

TEST(tkey, partitions_are_even_and_fixed)
{
    uint32_t cnt[64] = {0};

    for (uint32_t i = 0; i < 64000; i++) {
        struct tkey k = key_of(&i, 4);
        uint32_t at = tkey_partition(&k, 64);
        EXPECT(at < 64);
        cnt[at]++;
        EXPECT_EQ_INT(tkey_partition(&k, 1), 0);
    }
    for (uint32_t i = 0; i < 64; i++)
        EXPECT(cnt[i] > 850 && cnt[i] < 1150);
    static const struct {
        const char *key;
        uint64_t rank;
    } fixed[] = {{"", 0x1ff5c2923a788d2c},
                 {"the", 0xd018d58e34ba5c44},
                 {"a-key-of-many-bytes-that-is-not-inline", 0x642b7d3910636aa5}};
    for (uint32_t i = 0; i < 3; i++) {
        struct tkey k = key_of(fixed[i].key, (uint32_t)strlen(fixed[i].key));
        EXPECT_EQ_INT(tkey_rank(&k), fixed[i].rank);
    }
}

// The table's own hash is another under another seed; the rank is not.
TEST(tkey, hash_is_seeded)
{
    struct tkey k = key_of("the", 3);
    uint64_t seed = tkey_seed[0], hash = hash_of(&k), rank = tkey_rank(&k);

    tkey_seed[0] ^= 0x1234567;
    EXPECT(hash_of(&k) != hash);
    EXPECT_EQ_INT(tkey_rank(&k), rank);
    tkey_seed[0] = seed;
    EXPECT_EQ_INT(hash_of(&k), hash);
}
