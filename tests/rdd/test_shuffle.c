// Shuffle blocks: entries of a table come out of a block as they went in; bodies that were damaged
// are refused or read as something within their bounds; pages and names.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "rdd/agg_cell.h"
#include "rdd/combine_table.h"
#include "rdd/shuffle.h"
#include "tests/common/engine_mem.h"
#include "tests/prng.h"
#include "tests/test.h"

#define KEYS    1500u
#define SCRATCH (4u << 20)

struct fixture {
    struct prng prng;
    struct agg_spec a;
    struct combine_table t;
    struct agg_rows rows;
    uint8_t *table_mem, *heap, *body, *scratch_mem;
    uint8_t row_init[64];
    struct arena scratch;
    uint32_t entry[KEYS], n;
    uint64_t bytes;
};

static const struct agg_spec strings = {
    .leaves_cnt = 2,
    .leaf = {{AGG_MAX, TYPE_STRING, 8, 16}, {AGG_SUM_INT, TYPE_INT, 24, 8}},
    .row_bytes = 32,
    .has_strings = true};
static const struct agg_spec ones = {.row_bytes = 8, .count_only = true};

static void add_key(struct fixture *f, uint32_t i)
{
    char text[64];
    uint32_t zero = 0;
    uint32_t len = (uint32_t)snprintf(text, sizeof text, i % 3 ? "%u" : "a-long-key-%030u", i);
    struct enc_keys e = {(const uint8_t *)text, &zero, &len};
    uint8_t *row;

    combine_table_rows(&f->t, &e, NULL, 1, &row);
    store_i64(row, (int64_t)i + 1);
    if (f->a.count_only)
        return;
    struct cell_str s = {.len = i % 40, .present = i % 5 != 0};
    s.ptr =
        heap_copy(&f->t.heap, (const uint8_t *)"0123456789012345678901234567890123456789", s.len);
    memcpy(row + 8, &s, sizeof s);
    store_i64(row + 24, -(int64_t)i);
}

static void setup(struct fixture *f, const struct agg_spec *a, uint32_t n)
{
    f->prng = prng_of(prng_seed(1) + n);
    f->a = *a;
    f->table_mem = aligned_alloc(64, combine_table_bytes(KEYS, a->row_bytes));
    f->heap = malloc(1 << 20);
    f->scratch_mem = aligned_alloc(64, SCRATCH);
    arena_init(&f->scratch, f->scratch_mem, SCRATCH);
    agg_row_init(a, f->row_init);
    combine_table_init(&f->t, f->table_mem, KEYS, a->row_bytes, f->row_init);
    f->t.heap = (struct heap){f->heap, 1 << 20, 0};
    for (uint32_t i = 0; i < n; i++)
        add_key(f, i);
    for (uint32_t i = 0; i < n; i++)
        if (prng_chance(&f->prng, 90))
            f->entry[f->n++] = i + 1;
    f->rows =
        (struct agg_rows){combine_key(&f->t, 0), combine_row(&f->t, 0), f->t.stride, f->t.stride};
    f->bytes = agg_block_bytes(a, &f->rows, f->entry, f->n);
    f->body = aligned_alloc(64, (f->bytes + 63) & ~63ull);
    memset(f->body, 0x5a, f->bytes);
    agg_block_fill(f->body, a, &f->rows, f->entry, f->n);
}

static void teardown(struct fixture *f)
{
    free(f->table_mem);
    free(f->heap);
    free(f->scratch_mem);
    free(f->body);
    free(f);
}

static void expect_row(const struct fixture *f, const uint8_t *row, uint32_t entry)
{
    const uint8_t *want = combine_row(&f->t, entry);
    struct cell_str s, t;

    EXPECT_EQ_INT(agg_count(row), agg_count(want));
    if (f->a.count_only)
        return;
    EXPECT_EQ_INT(load_i64(row + 24), load_i64(want + 24));
    memcpy(&s, row + 8, sizeof s);
    memcpy(&t, want + 8, sizeof t);
    EXPECT_EQ_INT(s.present, t.present);
    if (!s.present)
        return;
    EXPECT_EQ_INT(s.len, t.len);
    EXPECT_EQ_MEM(s.ptr, t.ptr, t.len);
    EXPECT(s.ptr >= f->body && s.ptr + s.len <= f->body + f->bytes);
}

// Reads all bytes of a key and a string: the sanitizers look.
static void touch(const struct fixture *f, const struct tkey *k, const uint8_t *row)
{
    uint64_t sum = 0;
    struct cell_str s = {0};

    for (uint32_t i = 0; i < k->len; i++)
        sum += tkey_bytes(k)[i];
    if (!f->a.count_only)
        memcpy(&s, row + 8, sizeof s);
    for (uint32_t i = 0; s.present && i < s.len; i++)
        sum += s.ptr[i];
    EXPECT(sum < UINT64_MAX);
}

// Reads all of it; returns the entries, or -EINVAL.
static int read_block(struct fixture *f, const uint8_t *body, uint64_t bytes, bool compare)
{
    struct block b = {.hdr = {.bytes = (uint32_t)bytes}, .base = body};
    struct agg_block_reader r;
    struct tkey key[VEC_ROWS_MAX];
    const uint8_t *row[VEC_ROWS_MAX];
    int n, at = 0;

    if (agg_block_open(&r, &b, &f->a))
        return -EINVAL;
    for (;; at += n) {
        arena_reset(&f->scratch);
        n = agg_block_next(&r, &f->a, key, row, &f->scratch);
        MR_ASSERT(n >= 0);
        if (!n)
            return at;
        for (int i = 0; i < n; i++) {
            if (!compare) {
                touch(f, &key[i], row[i]);
                continue;
            }
            EXPECT(tkey_cmp(&key[i], combine_key(&f->t, f->entry[at + i])) == 0);
            expect_row(f, row[i], f->entry[at + i]);
        }
    }
}

TEST(shuffle, entries_come_out_as_they_went_in)
{
    static const uint32_t sizes[] = {0, 1, 2, 100, VEC_ROWS_MAX, KEYS};

    for (uint32_t i = 0; i < 12; i++) {
        struct fixture *f = calloc(1, sizeof *f);
        setup(f, i % 2 ? &strings : &ones, sizes[i / 2]);
        EXPECT_EQ_INT(f->bytes % 8, 0);
        EXPECT_EQ_INT(read_block(f, f->body, f->bytes, true), f->n);
        // the same entries give the same bytes
        uint8_t *again = aligned_alloc(64, (f->bytes + 63) & ~63ull);
        memset(again, 0xa5, f->bytes);
        agg_block_fill(again, &f->a, &f->rows, f->entry, f->n);
        EXPECT_EQ_MEM(again, f->body, f->bytes);
        free(again);
        teardown(f);
    }
}

TEST(shuffle, damaged_bodies_stay_within_bounds)
{
    struct fixture *f = calloc(1, sizeof *f);
    uint32_t refused = 0;

    setup(f, &strings, 200);
    for (uint32_t i = 0; i < 20000; i++) {
        uint64_t bytes = prng_chance(&f->prng, 10) ? prng_below(&f->prng, f->bytes) : f->bytes;
        uint8_t *body = malloc(bytes + 1); // malloc: the sanitizer sees its end
        memcpy(body, f->body, bytes);
        for (uint64_t k = prng_below(&f->prng, 3) + 1; k && bytes; k--)
            body[prng_below(&f->prng,
                            prng_chance(&f->prng, 50) ? (bytes < 16 ? bytes : 16) : bytes)] ^=
                (uint8_t)(1u << prng_below(&f->prng, 8));
        refused += read_block(f, body, bytes, false) == -EINVAL;
        free(body);
    }
    EXPECT(refused > 1000);
    teardown(f);
}

// Each of these alone must be refused.
TEST(shuffle, refuses)
{
    static const struct {
        uint32_t word, value; // of the body
    } damage[] = {
        {0, 1u << 30},   // more rows than there is room for
        {1, 24},         // rows of another shape
        {2, 1u << 31},   // more key bytes
        {3, 1u << 31},   // more string bytes
        {5, UINT32_MAX}, // a key that ends behind the keys
    };
    struct fixture *f = calloc(1, sizeof *f);

    setup(f, &strings, 50);
    for (uint32_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        uint32_t old;
        memcpy(&old, f->body + 4 * damage[i].word, 4);
        memcpy(f->body + 4 * damage[i].word, &damage[i].value, 4);
        EXPECT_EQ_INT(read_block(f, f->body, f->bytes, false), -EINVAL);
        memcpy(f->body + 4 * damage[i].word, &old, 4);
    }
    EXPECT_EQ_INT(read_block(f, f->body, 15, false), -EINVAL);
    EXPECT_EQ_INT(read_block(f, f->body, f->bytes - 8, false), -EINVAL);
    EXPECT_EQ_INT(read_block(f, f->body, f->bytes, true), f->n);
    // a string that lies behind the strings
    struct agg_block_reader r;
    struct block b = {.hdr = {.bytes = (uint32_t)f->bytes}, .base = f->body};
    EXPECT_EQ_INT(agg_block_open(&r, &b, &f->a), 0);
    struct cell_str s;
    uint8_t *cell = (uint8_t *)(uintptr_t)r.row + 8;
    for (; memcpy(&s, cell, sizeof s), !s.present; cell += 32)
        ;
    s.ptr = (const uint8_t *)(uintptr_t)(1u << 20);
    memcpy(cell, &s, sizeof s);
    EXPECT_EQ_INT(read_block(f, f->body, f->bytes, false), -EINVAL);
    teardown(f);
}

TEST(shuffle, packs_blocks_into_pages)
{
    struct engine_mem *m = engine_mem_new();
    struct block_mem mem = engine_mem_seam(m);
    struct shuffle_writer w;
    struct block *b[300];
    struct shuffle_name name = {.kind = BLOCK_AGG, .interval = 9, .schema_hash = 77};

    shuffle_writer_init(&w, &mem);
    for (uint32_t i = 0; i < 300; i++) {
        uint32_t bytes = i == 200 ? SHUFFLE_BODY_MAX : 8 * (i * 37 % 4000);
        uint8_t *body = shuffle_begin(&w, bytes);
        EXPECT(body != NULL && (uintptr_t)body % 8 == 0);
        memset(body, (int)i, bytes);
        name.id.c = i;
        b[i] = shuffle_end(&w, &name, bytes, i);
    }
    shuffle_writer_close(&w);
    for (uint32_t i = 0; i < 300; i++) {
        EXPECT_EQ_INT(b[i]->hdr.id.c, i);
        EXPECT_EQ_INT(b[i]->hdr.rows, i);
        EXPECT_EQ_INT(b[i]->hdr.interval, 9);
        EXPECT_EQ_MEM(b[i]->base - sizeof b[i]->hdr, &b[i]->hdr, sizeof b[i]->hdr);
        for (uint32_t k = 0; k < b[i]->hdr.bytes; k++)
            if (b[i]->base[k] != (uint8_t)i) {
                EXPECT(!"another block wrote here");
                break;
            }
        engine_mem_release(m, b[i]);
    }
    EXPECT_EQ_INT(w.refused, 0);
    engine_mem_free(m);
}
