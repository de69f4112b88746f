/*
 * Microbenchmarks of the primitives of a map task: bench_micro [NAME]... Each works on 16 KB of
 * the text of gen_text.h at a time, from a set of 8 MB, so that the text comes from the third-level
 * cache as it does behind a block, at every SIMD level of this CPU; the figure is nanoseconds for
 * each item, the least of many rounds, because whatever disturbs a round makes it longer. Where a
 * name begins with dots, what is above it is done first and counted too, so that the bytes are
 * where they are in a task.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/simd.h"
#include "perf/gen_text.h"
#include "perf/micro.h"
#include "rdd/agg.h"
#include "rdd/byte_mask.h"
#include "rdd/combine_table.h"
#include "rdd/enc.h"
#include "rdd/fn_literal.h"

#define CHUNK_BYTES 16384u
#define CHUNKS      512u
#define CHUNK_WORDS (CHUNK_BYTES / 64)
#define ROUNDS      40u
#define TOKENS_MAX  (CHUNK_BYTES / 2 + BIT_POSITIONS_SLACK)
#define KEYS_MAX    COMBINE_TABLE_KEYS_MAX

struct micro {
    uint8_t *text;
    uint64_t mask[CHUNK_WORDS + 1];
    uint32_t off[TOKENS_MAX], len[TOKENS_MAX];
    struct tkey key[VEC_ROWS_MAX];
    uint32_t hash[VEC_ROWS_MAX];
    uint16_t longs[VEC_ROWS_MAX];
    struct combine_table table, folded; /* counts; counts and what a lambda makes */
    uint8_t *row[VEC_ROWS_MAX];
    int64_t one[VEC_ROWS_MAX], hit[VEC_ROWS_MAX];
    struct zone zone;
    struct expr *leaf;
    struct lambda lambda; /* (a + b) % 1000003 */
    struct agg_spec spec;
};

static void *taken(size_t bytes)
{
    void *p = aligned_alloc(1u << 21, (bytes + (1u << 21) - 1) & ~((size_t)(1u << 21) - 1));

    MR_ASSERT(p);
    madvise(p, bytes, MADV_HUGEPAGE);
    memset(p, 0, bytes);
    return p;
}

/* --- what is measured: one chunk; returns how many items it was -------------------------------
 */

static uint32_t mask_text(struct micro *m, uint32_t c)
{
    byte_mask_text(m->text + (size_t)c * CHUNK_BYTES, CHUNK_BYTES, m->mask);
    return CHUNK_WORDS;
}

static uint32_t spans(struct micro *m, uint32_t c)
{
    byte_mask_text(m->text + (size_t)c * CHUNK_BYTES, CHUNK_BYTES, m->mask);
    m->mask[CHUNK_WORDS] = 0;
    return bit_spans(m->mask, CHUNK_WORDS + 1, 0, m->off, m->len);
}

/* The words of a chunk are cut, and then taken a vector at a time. */
static uint32_t vectors(struct micro *m, uint32_t c,
                        void (*each)(struct micro *, struct enc_keys *, uint32_t))
{
    uint32_t words = spans(m, c);

    for (uint32_t at = 0; at < words; at += VEC_ROWS_MAX) {
        uint32_t n = words - at < VEC_ROWS_MAX ? words - at : VEC_ROWS_MAX;
        struct enc_keys e = {m->text + (size_t)c * CHUNK_BYTES, m->off + at, m->len + at};
        each(m, &e, n);
    }
    return words;
}

static void load_vector(struct micro *m, struct enc_keys *e, uint32_t n)
{
    tkeys_load(m->key, e, NULL, n);
}

static void load_hash_vector(struct micro *m, struct enc_keys *e, uint32_t n)
{
    tkeys_load_hash(m->key, m->hash, e, NULL, n, m->longs);
}

static void literal_vector(struct micro *m, struct enc_keys *e, uint32_t n)
{
    uint32_t off = 0, len = 3;
    struct col arg[2] = {{.kind = TYPE_STRING, .s = {e->base, e->off, e->len}},
                         {.kind = TYPE_STRING, .s = {(const uint8_t *)"the", &off, &len}}};
    struct col out = {.kind = TYPE_BOOL, .i = m->hit};
    struct eval ev = {.rows = n, .sel_cnt = n};

    literal_compare(&ev, arg, &out, true);
}

static void rows_vector(struct micro *m, struct enc_keys *e, uint32_t n)
{
    combine_table_rows(&m->folded, e, NULL, n, m->row);
}

static void fold_vector(struct micro *m, struct enc_keys *e, uint32_t n)
{
    uint64_t no_room = 0;
    struct agg_env env = {.no_room = &no_room};
    struct col one = {.kind = TYPE_INT, .i = m->one};
    struct vec v = {.rows = n, .cols_cnt = 1, .col = &one, .sel_cnt = n};

    rows_vector(m, e, n);
    agg_update(&m->spec, &env, m->row, &one, &v, 0);
}

static void count_vector(struct micro *m, struct enc_keys *e, uint32_t n)
{
    combine_table_count(&m->table, e, NULL, n);
}

static uint32_t keys_load(struct micro *m, uint32_t c)
{
    return vectors(m, c, load_vector);
}

static uint32_t keys_load_hash(struct micro *m, uint32_t c)
{
    return vectors(m, c, load_hash_vector);
}

static uint32_t literals(struct micro *m, uint32_t c)
{
    return vectors(m, c, literal_vector);
}

static uint32_t combine_rows(struct micro *m, uint32_t c)
{
    return vectors(m, c, rows_vector);
}

static uint32_t combine_fold(struct micro *m, uint32_t c)
{
    return vectors(m, c, fold_vector);
}

static uint32_t combine_count(struct micro *m, uint32_t c)
{
    return vectors(m, c, count_vector);
}

static const struct {
    const char *name, *item;
    uint32_t (*chunk)(struct micro *, uint32_t);
} micros[] = {{"byte_mask_text", "64 bytes", mask_text},
              {"... and bit_spans", "word", spans},
              {"... and literal_compare", "word", literals},
              {"... and tkeys_load", "word", keys_load},
              {"... and tkeys_load_hash", "word", keys_load_hash},
              {"... and combine_table_count", "word", combine_count},
              {"... and combine_table_rows", "word", combine_rows},
              {"... ... and a lambda", "word", combine_fold}};

/* --- around it --------------------------------------------------------------------------------
 */

static void make_lambda(struct micro *m)
{
    struct expr *arg[2] = {expr_col(&m->zone, &type_int, 0), expr_col(&m->zone, &type_int, 1)};
    struct expr *sum[2] = {expr_call(&m->zone, "+", FN_INFIX, 2, arg), expr_int(&m->zone, 1000003)};
    struct place at;
    char err[128];

    m->leaf = expr_call(&m->zone, "%", FN_INFIX, 2, sum);
    m->lambda = (struct lambda){.params_cnt = 2,
                                .param = {&type_int, &type_int},
                                .result = &type_int,
                                .leaves_cnt = 1,
                                .leaf = &m->leaf};
    MR_ASSERT(!lambda_finish(&m->lambda, &m->zone, &at, err, sizeof err));
    m->spec = (struct agg_spec){.leaves_cnt = 1,
                                .leaf = {{AGG_LAMBDA, TYPE_INT, 8, 8}},
                                .row_bytes = 16,
                                .lambda = &m->lambda};
    for (uint32_t i = 0; i < VEC_ROWS_MAX; i++)
        m->one[i] = 1;
}

static struct micro *setup(void)
{
    struct micro *m = taken(sizeof *m);
    struct gen_text *g = taken(sizeof *g);
    static const uint8_t row_init[16];

    m->text = taken((size_t)CHUNKS * CHUNK_BYTES + GEN_RECORD_BYTES + 16);
    gen_text_init(g, 1);
    for (size_t at = 0; at < (size_t)CHUNKS * CHUNK_BYTES; at += GEN_RECORD_BYTES)
        gen_text_record(g, m->text + at);
    combine_table_init(&m->table, taken(combine_table_bytes(KEYS_MAX, 8)), KEYS_MAX, 8, row_init);
    combine_table_init(&m->folded, taken(combine_table_bytes(KEYS_MAX, 16)), KEYS_MAX, 16,
                       row_init);
    make_lambda(m);
    return m;
}

static double measure(struct micro *m, uint32_t (*chunk)(struct micro *, uint32_t))
{
    double best = 1e99;

    for (uint32_t r = 0; r < ROUNDS; r++) {
        uint64_t items = 0;
        double from = now_ns();
        for (uint32_t c = 0; c < CHUNKS; c++)
            items += chunk(m, c);
        double each = (now_ns() - from) / (double)items;
        best = each < best ? each : best;
    }
    return best;
}

int main(int argc, char **argv)
{
    struct micro *m = setup();

    for (size_t i = 0; i < sizeof micros / sizeof micros[0]; i++) {
        if (!wanted(micros[i].name, argc, argv))
            continue;
        printf("%-28s", micros[i].name);
        for (int level = SIMD_SCALAR; level < SIMD_AUTO; level++)
            if (simd_init((enum simd_level)level) == 0)
                printf("  %s %5.2f ns", simd_level_name(simd_level), measure(m, micros[i].chunk));
        printf(" a %s\n", micros[i].item);
    }
    return 0;
}
