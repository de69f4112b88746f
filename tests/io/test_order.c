#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/order.h"
#include "tests/io/make_rdd.h"
#include "tests/prng.h"
#include "tests/test.h"

// The reference: qsort of copies, every tie decided by the place where the row was gathered.
struct ref_row {
    const struct row_hdr *row;
    uint32_t at;
};

static enum row_order ref_order;

static int ref_cmp(const void *pa, const void *pb)
{
    const struct ref_row *a = pa, *b = pb;
    int c = 0;

    if (ref_order == ROWS_BY_KEY)
        c = enc_cmp(row_key(a->row), a->row->key_bytes, row_key(b->row), b->row->key_bytes);
    if (c == 0 && ref_order != ROWS_BY_RANK)
        c = (a->row->ord_hi > b->row->ord_hi) - (a->row->ord_hi < b->row->ord_hi);
    if (c == 0)
        c = (a->row->ord_lo > b->row->ord_lo) - (a->row->ord_lo < b->row->ord_lo);
    return c ? c : (a->at > b->at) - (a->at < b->at);
}

static void expect_sorted_as_reference(const struct make_rdd *m, const struct out_rows *o)
{
    uint32_t n = 0;
    struct ref_row *ref = calloc(o->cnt + 1u, sizeof *ref);

    for (uint32_t i = 0; i < m->rdd.blocks_cnt; i++) {
        const struct row_hdr *row = (const struct row_hdr *)m->block[i].base;
        for (uint32_t r = 0; r < m->block[i].hdr.rows; r++, row = row_next(row), n++)
            ref[n] = (struct ref_row){row, n};
    }
    EXPECT_EQ_INT(n, o->cnt);
    ref_order = m->rdd.stream->order;
    qsort(ref, n, sizeof *ref, ref_cmp);
    uint32_t bad = 0;
    for (uint32_t i = 0; i < n; i++)
        bad += ref[i].row != o->row[i].row;
    EXPECT_EQ_INT(bad, 0);
    free(ref);
}

// Kinds of keys: short words, few distinct ones, long common beginnings, zeros at the end, ints,
// addresses.
enum keys { KEYS_WORDS, KEYS_FEW, KEYS_PREFIX, KEYS_ZEROS, KEYS_INTS, KEYS_IPS, KEYS_CNT };

static void put_key(struct strbuf *key, enum keys kind, struct prng *p)
{
    char buf[64];
    uint8_t ip[16] = {[10] = 0xff, 0xff, 10, 0};
    uint64_t n = prng_below(p, 20);

    strbuf_clear(key);
    switch (kind) {
    case KEYS_WORDS:
        for (uint64_t i = 0; i < n; i++)
            strbuf_add(key, &"abcdefghij"[prng_below(p, 10)], 1);
        break;
    case KEYS_FEW: strbuf_add(key, "xxxxxxxxxxxx", prng_below(p, 12)); break;
    case KEYS_PREFIX:
        snprintf(buf, sizeof buf, "https://example.org/page/%llu",
                 (unsigned long long)prng_below(p, 500));
        strbuf_puts(key, buf);
        break;
    case KEYS_ZEROS:
        strbuf_add(key, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", n);
        if (prng_chance(p, 20))
            strbuf_add(key, "\1", 1);
        break;
    case KEYS_INTS: enc_put_int(key, prng_between(p, -300, 300)); break;
    case KEYS_IPS:
        ip[14] = (uint8_t)prng_below(p, 4);
        ip[15] = (uint8_t)prng_below(p, 256);
        enc_put_ip(key, ip);
        break;
    case KEYS_CNT: break;
    }
}

static void make_random(struct make_rdd *m, const struct out_stream *s, enum keys kind,
                        uint32_t rows_cnt, struct prng *p)
{
    struct strbuf key = {0}, value = {0};

    make_rdd(m, s, 1);
    make_block(m);
    for (uint32_t i = 0; i < rows_cnt; i++) {
        if (m->rdd.blocks_cnt < MAKE_BLOCKS_MAX && prng_chance(p, 1))
            make_block(m);
        put_key(&key, kind, p);
        strbuf_clear(&value);
        enc_put_int(&value, i);
        make_row(m, prng_below(p, 3), prng_below(p, 1u << prng_below(p, 20)), s->key ? &key : NULL,
                 &value);
    }
    strbuf_release(&key);
    strbuf_release(&value);
}

TEST(order, random_rows_sort_as_the_reference_says)
{
    struct prng p = prng_of(prng_seed(11));
    struct out_rows o = {0};
    static struct make_rdd m;

    for (int order = ROWS_BY_KEY; order <= ROWS_BY_RANK; order++) {
        for (int kind = 0; kind < KEYS_CNT; kind++) {
            for (int round = 0; round < 12; round++) {
                struct out_stream s = make_counts;
                s.order = (enum row_order)order;
                if (order == ROWS_AS_CAME)
                    s.key = NULL;
                make_random(&m, &s, (enum keys)kind,
                            (uint32_t)prng_below(&p, round < 6 ? 60 : 3000), &p);
                EXPECT_EQ_INT(out_rows_sort(&o, &m.rdd), 0);
                expect_sorted_as_reference(&m, &o);
                make_release(&m);
            }
        }
    }
    out_rows_release(&o);
}

TEST(order, an_rdd_without_rows_or_blocks)
{
    struct out_rows o = {0};
    static struct make_rdd m;

    make_rdd(&m, &make_counts, 1);
    EXPECT_EQ_INT(out_rows_sort(&o, &m.rdd), 0);
    EXPECT_EQ_INT(o.cnt, 0);
    uint64_t none = out_rows_digest(&o);
    make_block(&m);
    EXPECT_EQ_INT(out_rows_sort(&o, &m.rdd), 0);
    EXPECT_EQ_INT(o.cnt, 0);
    EXPECT(out_rows_digest(&o) == none);
    out_rows_release(&o);
    make_release(&m);
}

static uint64_t digest_of(const struct make_rdd *m)
{
    struct out_rows o = {0};

    EXPECT_EQ_INT(out_rows_sort(&o, &m->rdd), 0);
    uint64_t d = out_rows_digest(&o);
    out_rows_release(&o);
    return d;
}

// The same rows, cut into blocks in another way and given in another order.
TEST(order, the_digest_does_not_show_partitions)
{
    static const char *const word[] = {"the", "quick", "brown", "fox", "jumps"};
    static const int way[][5] = {{0, 1, 2, 3, 4}, {4, 2, 0, 1, 3}, {3, 4, 1, 0, 2}};
    uint64_t d[3];

    for (int w = 0; w < 3; w++) {
        static struct make_rdd m;
        make_rdd(&m, &make_counts, 1);
        for (int i = 0; i < 5; i++)
            make_count(&m, word[way[w][i]], way[w][i]);
        d[w] = digest_of(&m);
        make_release(&m);
    }
    EXPECT(d[0] == d[1]);
    EXPECT(d[0] == d[2]);
}

TEST(order, the_digest_shows_every_difference)
{
    static const struct {
        const char *key[2];
        int64_t value[2];
    } table[] = {
        {{"a", "b"}, {1, 2}}, {{"a", "b"}, {1, 3}},  {{"a", "b"}, {2, 1}},   {{"a", "c"}, {1, 2}},
        {{"", "ab"}, {1, 2}}, {{"a", NULL}, {1, 0}}, {{NULL, NULL}, {0, 0}},
    };
    enum { CASES = sizeof table / sizeof table[0] };
    uint64_t d[CASES];

    for (int i = 0; i < CASES; i++) {
        static struct make_rdd m;
        make_rdd(&m, &make_counts, 1);
        for (int k = 0; k < 2 && table[i].key[k]; k++)
            make_count(&m, table[i].key[k], table[i].value[k]);
        d[i] = digest_of(&m);
        make_release(&m);
        for (int j = 0; j < i; j++)
            EXPECT(d[i] != d[j]);
    }
}

// Thirty rows that agree in their first 60 KB: every call of the sort goes 8 bytes deeper.
TEST(order, long_common_beginnings)
{
    enum { LEN = 60000, ROWS = 30 };
    struct strbuf key = {0}, value = {0};
    struct out_rows o = {0};
    static struct make_rdd m;
    char *as = malloc(LEN);

    memset(as, 'a', LEN);
    make_rdd(&m, &make_counts, 1);
    make_block(&m);
    for (int i = 0; i < ROWS; i++) {
        char last = (char)('A' + (i * 7) % ROWS);
        strbuf_clear(&key);
        strbuf_add(&key, as, LEN);
        strbuf_add(&key, &last, 1);
        make_row(&m, 0, 0, &key, &key);
    }
    EXPECT_EQ_INT(out_rows_sort(&o, &m.rdd), 0);
    expect_sorted_as_reference(&m, &o);
    out_rows_release(&o);
    make_release(&m);
    strbuf_release(&key);
    strbuf_release(&value);
    free(as);
}
