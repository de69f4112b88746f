#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "tests/rdd/rows_model.h"
#include "tests/test.h"

#define INT64_BYTES 8u

void rows_setup(struct rows_fixture *f, enum rows_shape shape, uint64_t len, uint64_t state_bytes,
                uint64_t seed)
{
    *f = (struct rows_fixture){.prng = prng_of(seed)};
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

void rows_teardown(struct rows_fixture *f)
{
    free(f->mem);
    free(f->scratch_mem);
    free(f->row);
    zone_free(&f->zone);
}

uint32_t rows_put(uint8_t *to, const struct rows_fixture *f, const struct model_row *m)
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

void rows_merge_block(struct rows_fixture *f, const struct block *b)
{
    struct rows_reader r;
    int rc;

    rows_block_open(&r, b, &f->x);
    while ((rc = rows_block_check(&r)) > 0)
        ;
    EXPECT_EQ_INT(rc, 0);
    for (bool more = true; more;) {
        uint64_t from = f->s.best.from;
        more = rows_state_merge(&f->s, &r);
        if (f->s.best.from > from) // rows of a top move
            EXPECT(f->s.best.from - from <= VEC_ROWS_MAX * ROW_MAX);
    }
}

void rows_end(struct rows_fixture *f)
{
    rows_state_end(&f->s);
    while (rows_state_step(&f->s))
        ;
}

void rows_merge(struct rows_fixture *f, uint32_t from)
{
    uint32_t n = f->rows_cnt - from, cnt = 0, used = 0;
    const struct model_row **order = calloc(n + 1, sizeof *order);
    uint8_t *body = aligned_alloc(64, (BLOCK_ROWS * 256 + 63) & ~63u);

    for (uint32_t i = 0; i < n; i++)
        order[i] = &f->row[from + i];
    shuffle_rows(&f->prng, order, n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t b = rows_put(body + used, f, order[i]);
        used += b;
        if (++cnt == BLOCK_ROWS || i + 1 == n || prng_chance(&f->prng, 1)) {
            struct block block = {.hdr = {.rows = cnt, .bytes = used}, .base = body};
            rows_merge_block(f, &block);
            cnt = used = 0;
        }
    }
    free(body);
    free(order);
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

int rows_by_rank(const void *x, const void *y)
{
    const struct model_row *a = x, *b = y;

    if (a->value != b->value)
        return a->value > b->value ? -1 : 1;
    return by_key(x, y);
}

void rows_model_emit(struct rows_fixture *f, struct strbuf *out)
{
    uint32_t n = f->rows_cnt;

    qsort(f->row, n, sizeof *f->row, f->x.group ? by_key : f->x.top_cnt ? rows_by_rank : by_order);
    if (f->x.top_cnt && n > f->x.top_cnt)
        n = (uint32_t)f->x.top_cnt;
    for (uint32_t i = 0; i < n; i++) {
        const struct model_row *m = &f->row[i];
        if (!f->x.group || i == 0 || strcmp(m->key, m[-1].key))
            strbuf_printf(out, "%s%s:", i ? "\n" : "", m->key);
        strbuf_printf(out, " %lld", (long long)m->value);
    }
}

void rows_state_text(struct rows_fixture *f, struct strbuf *out)
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

void rows_forget(struct rows_fixture *f, uint64_t interval)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < f->rows_cnt; i++)
        if (f->row[i].interval + f->x.len > interval)
            f->row[n++] = f->row[i];
    f->rows_cnt = n;
}

static uint64_t model_bytes(const struct rows_fixture *f)
{
    uint8_t row[256];
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < f->rows_cnt; i++)
        bytes += rows_put(row, f, &f->row[i]);
    return bytes;
}

void rows_model_cut(struct rows_fixture *f, uint32_t from)
{
    uint32_t rows = f->rows_cnt - from;

    if (!f->x.top_cnt || rows <= f->x.top_cnt)
        return;
    qsort(f->row + from, rows, sizeof *f->row, rows_by_rank);
    f->rows_cnt = from + (uint32_t)f->x.top_cnt;
}

void rows_model_close(struct rows_fixture *f, uint32_t from)
{
    uint64_t room = f->s.ring_bytes / 8 * (f->x.top_cnt ? 5 : 7);

    rows_model_cut(f, from);
    if (model_bytes(f) <= room)
        return;
    f->refused += f->rows_cnt - from;
    f->rows_cnt = from;
    f->lost_until = f->s.interval + f->x.len;
}
