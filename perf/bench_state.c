/*
 * Microbenchmark of the state of a window: bench_state [keys [window [rows]]]...
 *
 * What is measured is one exchange of 64 partitions that counts by an 8-byte key, as a map task of
 * 65,536 distinct keys at a time feeds it: vectors of some hundred to a thousand rows for one
 * partition after the other, no key twice in a task. Every key is as frequent as every other, which
 * no cache can profit by. The window fills first; then slides are timed, part by part, in
 * nanoseconds of thread CPU time (the median slide):
 *
 *   merge    for each row of a shuffle block
 *   close    for each key that the interval changed (with two stacks, its share of turning too)
 *   leave    for each item that leaves the window
 *   emit     for each key in the window
 *   best     the same where a top of 20 follows, in tasks of 16 partitions
 *   slide    all of it, in milliseconds, but emission; and the slowest slide in a window's length
 *
 * Without arguments: 1 k to 10 M keys by inverse and by two stacks, then windows of 30 and of 300
 * intervals at the same input, which should cost the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "perf/micro.h"
#include "rdd/agg_state.h"

#define PARTITIONS 64u
#define TASK_KEYS  65536u
#define SLIDES     9u
#define HUGE_BYTES (2ull << 20)
#define SCRATCH    (16u << 20)
#define SLIDES_MAX 1024u
#define BEST       20u
#define TASK_PARTS 16u

struct trial {
    struct exchange x;
    struct agg_state s[PARTITIONS];
    struct zone zone;
    struct arena scratch;
    uint64_t keys, rows, at, stride; /* rows of an interval; the next key */
    uint8_t *row;
    void *mem, *scratch_mem;
    size_t mem_bytes;
    struct tkey *key[PARTITIONS]; /* of the task under way */
    uint32_t cnt[PARTITIONS];
    double merge, close, leave, slide, emit, best; /* of the last interval, ns */
    uint64_t left, changed;
};

static void *huge(size_t bytes)
{
    bytes = (bytes + HUGE_BYTES - 1) & ~(size_t)(HUGE_BYTES - 1);
    void *p =
        mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MR_ASSERT(p != MAP_FAILED);
    p = (void *)(((uintptr_t)p + HUGE_BYTES - 1) & ~(uintptr_t)(HUGE_BYTES - 1));
    madvise(p, bytes, MADV_HUGEPAGE);
    memset(p, 0, bytes);
    return p;
}

/* So many keys by inverse (a count) or by two stacks (a maximum). */
static void setup(struct trial *t, uint64_t keys, uint64_t len, uint64_t rows, bool inverse)
{
    struct agg_spec count = {.row_bytes = 8, .count_only = true};
    struct agg_spec max = {.leaves_cnt = 1, .leaf = {{AGG_MAX, TYPE_INT, 8, 8}}, .row_bytes = 16};
    uint64_t each = keys / PARTITIONS + keys / PARTITIONS / 8 + 200;
    uint64_t items = rows * len / PARTITIONS / AGG_ITEMS_PER_KEY;

    memset(t, 0, sizeof *t);
    t->keys = keys;
    t->rows = rows;
    for (t->stride = keys * 618 / 1000 | 1; t->stride > 1 && keys % t->stride == 0; t->stride += 2)
        ;
    t->x = (struct exchange){.kind = EX_AGG,
                             .key = &type_int,
                             .value = &type_int,
                             .len = len,
                             .slide = 1,
                             .inverse = inverse,
                             .agg = inverse ? count : max,
                             .partitions = PARTITIONS,
                             .best = {BEST, inverse ? 0 : 8, true}};
    t->x.keys_max = items + items / 8 > each ? items + items / 8 : each;
    t->x.type = type_tuple(&t->zone, (const struct type *const[]){&type_int, &type_int}, 2);
    t->x.state_bytes = (agg_state_bytes(&t->x, t->x.keys_max) + 63) & ~63ull;
    t->mem_bytes = t->x.state_bytes * PARTITIONS;
    t->mem = huge(t->mem_bytes);
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        agg_state_init(&t->s[p], &t->x, (uint8_t *)t->mem + t->x.state_bytes * p);
        t->key[p] = malloc(TASK_KEYS / 8 * sizeof(struct tkey));
    }
    t->scratch_mem = huge(SCRATCH);
    arena_init(&t->scratch, t->scratch_mem, SCRATCH);
    t->row = calloc(1, t->x.agg.row_bytes);
    agg_row_init(&t->x.agg, t->row);
    t->row[0] = 1;
}

static void teardown(struct trial *t)
{
    munmap(t->mem, t->mem_bytes);
    munmap(t->scratch_mem, SCRATCH);
    for (uint32_t p = 0; p < PARTITIONS; p++)
        free(t->key[p]);
    free(t->row);
    zone_free(&t->zone);
}

/* The keys of a task, by partition: an even walk through all of them that comes to none twice
 * before it was at each. */
static void draw_task(struct trial *t, uint64_t n)
{
    memset(t->cnt, 0, sizeof t->cnt);
    for (uint64_t i = 0; i < n; i++) {
        struct tkey k = {.len = 8};
        uint64_t id = __builtin_bswap64(t->at ^ 1ull << 63);
        memcpy(k.pre, &id, 4);
        memcpy(k.rest, (uint8_t *)&id + 4, 4);
        t->at = (t->at + t->stride) % t->keys;
        uint32_t p = tkey_partition(&k, PARTITIONS);
        if (t->cnt[p] < TASK_KEYS / 8)
            t->key[p][t->cnt[p]++] = k;
    }
}

static void steps(struct trial *t, struct agg_state *s)
{
    do
        arena_reset(&t->scratch);
    while (agg_state_step(s, &t->scratch));
}

static void merge_task(struct trial *t, const uint8_t *const *row)
{
    double from = now_ns();

    for (uint32_t p = 0; p < PARTITIONS; p++)
        for (uint32_t i = 0; i < t->cnt[p]; i += VEC_ROWS_MAX) {
            uint32_t n = t->cnt[p] - i < VEC_ROWS_MAX ? t->cnt[p] - i : VEC_ROWS_MAX;
            arena_reset(&t->scratch);
            agg_state_merge(&t->s[p], &t->scratch, t->key[p] + i, row, n);
        }
    t->merge += now_ns() - from;
}

static uint64_t emit(struct trial *t, struct agg_state *s, struct agg_best *best)
{
    struct col col[2];
    struct vec v = {.col = col};
    uint32_t cursor = 0;
    uint64_t keys = 0;

    for (arena_reset(&t->scratch); agg_state_emit(s, &cursor, best, &v, &t->scratch) > 0;
         arena_reset(&t->scratch))
        keys += v.sel_cnt;
    return keys;
}

/* Emission, whole and of the best only; returns the keys in the window. */
static uint64_t emit_all(struct trial *t)
{
    struct best_entry mem[BEST];
    struct agg_best best;
    double from = now_ns();
    uint64_t keys = 0;

    for (uint32_t p = 0; p < PARTITIONS; p++) {
        if (p % TASK_PARTS == 0)
            agg_best_begin(&best, &t->x, mem);
        emit(t, &t->s[p], &best);
    }
    t->best = now_ns() - from;
    from = now_ns();
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        keys += emit(t, &t->s[p], NULL);
        agg_state_retire(&t->s[p]);
    }
    t->emit = now_ns() - from;
    return keys;
}

/* One interval; returns the keys in the window. */
static uint64_t interval(struct trial *t, uint64_t n)
{
    const uint8_t *row[VEC_ROWS_MAX];
    uint64_t task = t->keys < TASK_KEYS ? t->keys : TASK_KEYS;

    for (uint32_t i = 0; i < VEC_ROWS_MAX; i++)
        row[i] = t->row;
    t->merge = t->left = t->changed = 0;
    double from = now_ns();
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        uint64_t head = t->s[p].items.head;
        agg_state_begin(&t->s[p], n);
        steps(t, &t->s[p]);
        t->left += t->s[p].items.head - head;
    }
    t->leave = now_ns() - from;
    for (uint64_t done = 0; done < t->rows; done += task) {
        draw_task(t, t->rows - done < task ? t->rows - done : task);
        merge_task(t, row);
    }
    from = now_ns();
    for (uint32_t p = 0; p < PARTITIONS; p++) {
        uint64_t tail = t->s[p].items.tail;
        agg_state_end(&t->s[p]);
        steps(t, &t->s[p]);
        t->changed += t->s[p].items.tail - tail;
    }
    t->close = now_ns() - from;
    t->slide = t->leave + t->merge + t->close;
    return emit_all(t);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, uint32_t n)
{
    qsort(v, n, sizeof *v, by_value);
    return v[n / 2];
}

static void run(uint64_t keys, uint64_t len, uint64_t rows, bool inverse)
{
    static struct trial t;
    static double part[6][SLIDES_MAX];
    uint32_t slides = len > SLIDES ? (uint32_t)len : SLIDES;
    uint64_t in = 0, refused = 0;

    setup(&t, keys, len, rows, inverse);
    for (uint64_t n = 0; n < len; n++)
        interval(&t, n);
    for (uint32_t i = 0; i < slides; i++) {
        in = interval(&t, len + i);
        part[0][i] = t.merge / (double)rows;
        part[1][i] = t.close / (double)(t.changed + !t.changed);
        part[2][i] = t.leave / (double)(t.left + !t.left);
        part[3][i] = t.emit / (double)(in + !in);
        part[4][i] = t.slide / 1e6;
        part[5][i] = t.best / (double)(in + !in);
    }
    for (uint32_t p = 0; p < PARTITIONS; p++)
        refused += t.s[p].refused;
    double slide = median(part[4], slides), slowest = part[4][slides - 1];
    printf("%9llu %6llu %9llu  %-8s %7.1f %7.1f %7.1f %7.1f %7.1f %9.3f %9.3f %7.0f  %s\n",
           (unsigned long long)in, (unsigned long long)len, (unsigned long long)rows,
           inverse ? "inverse" : "stacks", median(part[0], slides), median(part[1], slides),
           median(part[2], slides), median(part[3], slides), median(part[5], slides), slide,
           slowest, (double)t.mem_bytes / (double)(t.x.keys_max * PARTITIONS),
           refused ? "REFUSED" : "");
    fflush(stdout);
    teardown(&t);
}

int main(int argc, char **argv)
{
    static const uint64_t sizes[] = {1000, 10000, 100000, 1000000, 10000000};
    uint64_t keys = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    uint64_t len = argc > 2 ? strtoull(argv[2], NULL, 10) : 30;
    uint64_t rows = argc > 3 ? strtoull(argv[3], NULL, 10) : keys;

    printf("%9s %6s %9s  %-8s %7s %7s %7s %7s %7s %9s %9s %7s\n", "keys", "window", "rows",
           "slides", "merge", "close", "leave", "emit", "best", "slide ms", "slowest", "B/key");
    if (keys) {
        run(keys, len, rows, true);
        run(keys, len, rows, false);
        return 0;
    }
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (uint32_t inverse = 2; inverse-- > 0;)
            run(sizes[i], 30, sizes[i] < 300000 ? 300000 : sizes[i] / 10, inverse);
    for (uint32_t inverse = 2; inverse-- > 0;) {
        run(100000, 30, 100000, inverse);
        run(100000, 300, 100000, inverse);
    }
    return 0;
}
