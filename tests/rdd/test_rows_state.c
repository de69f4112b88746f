// States of rows against a list of rows: windows, wraps of the ring, groups, tops, intervals that
// do not fit; in any order of coming.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/strbuf.h"
#include "rdd/rows_state.h"
#include "tests/prng.h"
#include "tests/test.h"

#define ROWS_MAX    60000u
#define BLOCK_ROWS  512u
#define SCRATCH     (32u << 20)
#define TEXT_MAX    24u
#define INT64_BYTES 8u

struct model_row {
    uint64_t interval, ord;
    int64_t value;
    char key[TEXT_MAX];
};

struct fixture {
    struct prng prng;
    struct zone zone;
    struct exchange x;
    struct rows_state s;
    void *mem, *scratch_mem;
    struct arena scratch;
    struct model_row *row; // of the window and of the open interval
    uint32_t rows_cnt;
    uint64_t refused; // as the model has it
    uint64_t lost_until;
};

enum shape { PLAIN, GROUP, TOP };

static void setup(struct fixture *f, enum shape shape, uint64_t len, uint64_t state_bytes,
                  uint64_t seed)
{
    *f = (struct fixture){.prng = prng_of(seed)};
    const struct type *pair =
        type_tuple(&f->zone, (const struct type *const[]){&type_string, &type_int}, 2);
    f->x = (struct exchange){.kind = EX_ROWS,
                             .len = len,
                             .slide = 1,
                             .partitions = 1,
                             .state_bytes = state_bytes,
                             .type = pair,
                             .value = pair,
                             .top_cnt = shape == TOP ? 7 : 0};
    if (shape == GROUP) {
        f->x.group = true;
        f->x.key = &type_string;
        f->x.value = &type_int;
        f->x.type = type_tuple(
            &f->zone, (const struct type *const[]){&type_string, type_list(&f->zone, &type_int)},
            2);
    }
    f->mem = aligned_alloc(64, (state_bytes + 63) & ~63ull);
    f->scratch_mem = aligned_alloc(64, SCRATCH);
    arena_init(&f->scratch, f->scratch_mem, SCRATCH);
    f->row = calloc(ROWS_MAX, sizeof *f->row);
    rows_state_init(&f->s, &f->x, f->mem);
}

static void teardown(struct fixture *f)
{
    free(f->mem);
    free(f->scratch_mem);
    free(f->row);
    zone_free(&f->zone);
}

// The row as a stage writes it: groups and tops have the key apart.
static uint32_t put_row(uint8_t *to, const struct fixture *f, const struct model_row *m)
{
    uint32_t off = 0, len = (uint32_t)strlen(m->key);
    int64_t value = m->value;
    struct col col[2] = {{.kind = TYPE_STRING, .s = {(const uint8_t *)m->key, &off, &len}},
                         {.kind = TYPE_INT, .i = &value}};
    bool apart = f->x.group || f->x.top_cnt;
    const struct type *pair = f->x.group ? NULL : f->x.type;
    struct row_hdr h = {.ord_hi = 1, .ord_lo = m->ord};

    h.key_bytes = apart ? len : 0;
    h.val_bytes = apart ? INT64_BYTES : enc_row_bytes(pair, col, 0);
    uint32_t bytes = row_bytes(&h);
    memset(to, 0, bytes);
    memcpy(to, &h, sizeof h);
    if (apart) {
        memcpy(to + sizeof h, m->key, len);
        enc_row(to + sizeof h + len, &type_int, &col[1], 0);
    } else {
        enc_row(to + sizeof h, pair, col, 0);
    }
    return bytes;
}

static void shuffle_rows(struct prng *p, const struct model_row **row, uint32_t n)
{
    for (uint32_t i = n; i-- > 1;) {
        uint32_t at = (uint32_t)prng_below(p, i + 1);
        const struct model_row *x = row[i];
        row[i] = row[at];
        row[at] = x;
    }
}

// The rows of interval n, which are the last of the model, in blocks and in any order.
static uint64_t merge_rows(struct fixture *f, uint32_t from)
{
    uint32_t n = f->rows_cnt - from, cnt = 0, used = 0;
    const struct model_row **order = calloc(n + 1, sizeof *order);
    uint8_t *body = aligned_alloc(64, (BLOCK_ROWS * 256 + 63) & ~63u);
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < n; i++)
        order[i] = &f->row[from + i];
    shuffle_rows(&f->prng, order, n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t b = put_row(body + used, f, order[i]);
        used += b;
        bytes += b;
        if (++cnt == BLOCK_ROWS || i + 1 == n || prng_chance(&f->prng, 1)) {
            struct block block = {.hdr = {.rows = cnt, .bytes = used}, .base = body};
            rows_state_merge(&f->s, &block);
            cnt = used = 0;
        }
    }
    free(body);
    free(order);
    return bytes;
}

static int by_order(const void *x, const void *y)
{
    const struct model_row *a = x, *b = y;

    if (a->interval != b->interval)
        return a->interval < b->interval ? -1 : 1;
    return a->ord < b->ord ? -1 : a->ord > b->ord;
}

static int by_key(const void *x, const void *y)
{
    const struct model_row *a = x, *b = y;
    int c = strcmp(a->key, b->key);

    return c ? c : by_order(x, y);
}

static int by_rank(const void *x, const void *y)
{
    const struct model_row *a = x, *b = y;

    if (a->value != b->value)
        return a->value > b->value ? -1 : 1;
    return by_key(x, y);
}

static void model_emit(struct fixture *f, struct strbuf *out)
{
    uint32_t n = f->rows_cnt;

    qsort(f->row, n, sizeof *f->row, f->x.group ? by_key : f->x.top_cnt ? by_rank : by_order);
    if (f->x.top_cnt && n > f->x.top_cnt)
        n = (uint32_t)f->x.top_cnt;
    for (uint32_t i = 0; i < n; i++) {
        const struct model_row *m = &f->row[i];
        if (!f->x.group || i == 0 || strcmp(m->key, m[-1].key))
            strbuf_printf(out, "%s%s:", i ? "\n" : "", m->key);
        strbuf_printf(out, " %lld", (long long)m->value);
    }
}

static void state_emit(struct fixture *f, struct strbuf *out)
{
    struct col col[4];
    struct vec v = {.col = col};
    uint32_t cursor = 0, lines = 0;

    for (;;) {
        arena_reset(&f->scratch);
        int n = rows_state_emit(&f->s, &cursor, &v, &f->scratch);
        MR_ASSERT(n >= 0);
        if (!n)
            return;
        for (uint32_t i = 0; i < v.rows; i++) {
            strbuf_printf(out, "%s%.*s:", lines++ ? "\n" : "", (int)col[0].s.len[i],
                          (const char *)col[0].s.base + col[0].s.off[i]);
            if (!f->x.group)
                strbuf_printf(out, " %lld", (long long)col[1].i[i]);
            for (uint32_t k = 0; f->x.group && k < col[1].l.cnt[i]; k++)
                strbuf_printf(out, " %lld",
                              (long long)col[1].l.elems->col[0].i[col[1].l.off[i] + k]);
        }
    }
}

static void forget(struct fixture *f, uint64_t interval)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < f->rows_cnt; i++)
        if (f->row[i].interval + f->x.len > interval)
            f->row[n++] = f->row[i];
    f->rows_cnt = n;
}

static uint64_t model_bytes(const struct fixture *f, uint32_t from)
{
    uint8_t row[256];
    uint64_t bytes = 0;

    for (uint32_t i = from; i < f->rows_cnt; i++)
        bytes += put_row(row, f, &f->row[i]);
    return bytes;
}

static void one_interval(struct fixture *f, uint64_t n, uint32_t rows, uint32_t keys)
{
    struct strbuf is = {0}, expected = {0};

    forget(f, n);
    uint32_t from = f->rows_cnt;
    rows_state_begin(&f->s, n);
    for (uint32_t i = 0; i < rows; i++) {
        struct model_row *m = &f->row[f->rows_cnt++];
        uint64_t k = prng_below(&f->prng, keys);
        *m = (struct model_row){n, i, prng_between(&f->prng, -50, 50), ""};
        if (k)
            snprintf(m->key, sizeof m->key, "%.*s%llu", (int)(k % 13), "abcdefghijklm",
                     (unsigned long long)k);
    }
    uint64_t window_bytes = model_bytes(f, 0);
    merge_rows(f, from);
    if (window_bytes > f->s.ring_bytes / 8 * 7) { // an interval is in as a whole or not at all
        f->rows_cnt = from;
        f->refused += rows;
        f->lost_until = n + f->x.len;
    }
    rows_state_end(&f->s);
    EXPECT_EQ_INT(f->s.refused, f->refused);
    EXPECT_EQ_INT(rows_state_complete(&f->s), n >= f->lost_until);
    model_emit(f, &expected);
    state_emit(f, &is);
    EXPECT_EQ_STR(is.s ? is.s : "", expected.s ? expected.s : "");
    strbuf_release(&is);
    strbuf_release(&expected);
}

static void check(enum shape shape, uint64_t len, uint64_t state_bytes, uint32_t rows,
                  uint32_t keys)
{
    struct fixture f;

    setup(&f, shape, len, state_bytes, prng_seed(1) + len * 7 + rows + shape);
    for (uint64_t n = 5; n < 45; n++)
        one_interval(&f, n, (uint32_t)prng_below(&f.prng, rows + 1), keys);
    teardown(&f);
}

TEST(rows_state, keeps_a_window)
{
    for (int shape = PLAIN; shape <= TOP; shape++)
        for (uint64_t len = 1; len < 6; len++)
            check((enum shape)shape, len, 1u << 20, 300, 20);
}

TEST(rows_state, wraps_and_refuses_whole_intervals)
{
    for (int shape = PLAIN; shape <= TOP; shape++)
        for (uint64_t len = 1; len < 6; len++) {
            check((enum shape)shape, len, 65536, 700, 30);
            check((enum shape)shape, len, 65536 + 64 * len, 2400 / (uint32_t)len, 30);
        }
}

TEST(rows_state, groups_are_longer_than_a_vector)
{
    check(GROUP, 3, 4u << 20, 9000, 3);
    check(GROUP, 2, 4u << 20, 9000, 5000);
    check(TOP, 2, 4u << 20, 9000, 5000);
    check(PLAIN, 2, 4u << 20, 9000, 5000);
}

// Rows without key and value are the shortest there are: the index must hold as many as the ring.
TEST(rows_state, full_of_the_shortest_rows)
{
    struct fixture f;
    uint8_t *body = calloc(BLOCK_ROWS, sizeof(struct row_hdr));
    struct block b = {.hdr = {.rows = BLOCK_ROWS}, .base = body};
    uint32_t cursor = 0, rows = 0;
    struct col col[4];
    struct vec v = {.col = col};
    int n;

    setup(&f, PLAIN, 3, 65536, 1);
    f.x.type = &type_string;
    for (uint64_t i = 0; i < 9; i++) {
        rows_state_begin(&f.s, i);
        rows_state_merge(&f.s, &b);
        b.hdr.rows = i % 3 == 2 ? 400 : 0;
        rows_state_merge(&f.s, &b);
        b.hdr.rows = BLOCK_ROWS;
        rows_state_end(&f.s);
        EXPECT(rows_state_complete(&f.s));
    }
    while ((n = rows_state_emit(&f.s, &cursor, &v, &f.scratch)) > 0)
        rows += (uint32_t)n;
    EXPECT_EQ_INT(rows, 3 * BLOCK_ROWS + 400);
    teardown(&f);
    free(body);
}

// A list that the scratch does not hold is left out, and the result says so; others stay.
TEST(rows_state, a_list_beyond_the_scratch)
{
    struct fixture f;

    setup(&f, GROUP, 1, 4u << 20, 1);
    rows_state_begin(&f.s, 0);
    for (uint32_t i = 0; i < 20000; i++)
        f.row[f.rows_cnt++] = (struct model_row){0, i, (int64_t)i, "long"};
    f.row[f.rows_cnt++] = (struct model_row){0, 20000, 1, "a"};
    f.row[f.rows_cnt++] = (struct model_row){0, 20001, 2, "z"};
    merge_rows(&f, 0);
    rows_state_end(&f.s);
    f.scratch.bytes = 128u << 10;
    struct strbuf out = {0};
    state_emit(&f, &out);
    EXPECT_EQ_STR(out.s, "a: 1\nz: 2");
    EXPECT_EQ_INT(f.s.too_long, 20000);
    EXPECT(!rows_state_complete(&f.s));
    rows_state_begin(&f.s, 1);
    rows_state_end(&f.s);
    EXPECT(rows_state_complete(&f.s));
    strbuf_release(&out);
    teardown(&f);
}
