/*
 * A flood of new keys into states that hold only some hundreds: keys that are known stay exact for
 * as long as there are items for them; which of the new ones come in, and which of the known ones
 * get no item, follows from the records alone, in any order, cut into any blocks, on any number of
 * workers; what is lost is counted, and results say so for as long as they cover it.
 *
 * The model knows of a partition only how many keys, bytes of long keys and items it holds. It
 * admits the new keys of an interval by rank as far as there is room beside the known ones, and
 * gives the records of those that are in to the reference, which knows nothing of room.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rdd/agg_heap.h"
#include "tests/engine/trial.h"
#include "tests/test.h"

#define POOL        2500u /* keys that there are */
#define KNOWN       40u   /* the first of them come in every interval */
#define INTERVALS   12u
#define BEYOND      24u /* intervals of a flood beyond the length of a long window */
#define LONG        (97u + BEYOND)
#define PARTITIONS  3u /* at most */
#define RECORDS_MAX 4000u
#define FIRST       7u

struct pool_key {
    char text[160];
    uint32_t len, partition;
    uint64_t rank, heap; /* bytes that it takes of the heap of long keys */
    uint64_t last;       /* newest interval with an admitted record; UINT64_MAX: not in */
    bool is_new, comes;  /* in the interval under way */
    bool is_lost;        /* it is known, but gets no item */
};

struct flood {
    struct prng prng;
    struct job *job;
    struct engine *engine;
    struct ref *ref;
    const struct exchange *x;
    uint32_t queues;
    uint64_t intervals;
    uint64_t items[PARTITIONS][FIRST + LONG]; /* that an interval left */
    struct pool_key key[POOL];
    uint32_t record_key[RECORDS_MAX];
    int64_t record_v[RECORDS_MAX];
    uint32_t records_cnt;
    uint64_t lost_until, refused, known_lost;
    struct strbuf expected;
};

static void make_keys(struct flood *f, bool is_long)
{
    for (uint32_t i = 0; i < POOL; i++) {
        struct pool_key *k = &f->key[i];
        uint32_t zero = 0, pad = is_long ? (uint32_t)prng_below(&f->prng, 130) : 0;
        k->len = (uint32_t)snprintf(k->text, sizeof k->text, "k%u-%0*d", i, (int)pad, 0);
        struct enc_keys e = {(const uint8_t *)k->text, &zero, &k->len};
        struct tkey t;
        tkeys_load(&t, &e, NULL, 1);
        k->rank = tkey_rank(&t);
        k->partition = tkey_partition(&t, f->x->partitions);
        k->heap = tkey_is_short(&t) ? 0 : k->len;
        k->last = UINT64_MAX;
    }
}

/* A window that is not full of items at once. */
static bool is_long(const struct exchange *x)
{
    return x->len > INTERVALS && x->len != WINDOW_FOREVER;
}

static bool setup(struct flood *f, const struct program *p, uint64_t seed)
{
    f->prng = prng_of(seed);
    uint32_t partitions = prng_chance(&f->prng, 50) ? 1 : PARTITIONS;
    f->job = job_of(p->name, p->text, partitions);
    EXPECT(f->job != NULL);
    if (!f->job)
        return false;
    f->queues = (uint32_t)prng_below(&f->prng, 3) + 1;
    struct engine_conf conf = {.job = f->job,
                               .workers = (uint32_t)prng_below(&f->prng, 4) + 1,
                               .queues = f->queues,
                               .state_bytes = 65536u * partitions,
                               .first_interval = FIRST,
                               .seed = seed};
    f->engine = engine_new(&conf);
    f->ref = ref_new(&f->job->graph, f->job->name, partitions);
    f->x = engine_plan(f->engine)->exchange[0];
    f->intervals = is_long(f->x) ? f->x->len + BEYOND : INTERVALS;
    make_keys(f, prng_chance(&f->prng, 50));
    return true;
}

/* ---- the model ------------------------------------------------------------------------------- */

static bool is_in(const struct flood *f, const struct pool_key *k, uint64_t n)
{
    return k->last != UINT64_MAX && (f->x->len == WINDOW_FOREVER || k->last + f->x->len > n);
}

static struct pool_key *lowest_rank(struct flood *f, uint32_t partition, bool of_new)
{
    struct pool_key *best = NULL;

    for (uint32_t i = 0; i < POOL; i++) {
        struct pool_key *k = &f->key[i];
        if ((of_new ? k->is_new : k->is_lost) && k->partition == partition &&
            (!best || k->rank < best->rank))
            best = k;
    }
    return best;
}

static uint64_t items_left(const struct flood *f, uint32_t partition, uint64_t n)
{
    if (f->x->len == 1 || f->x->len == WINDOW_FOREVER)
        return UINT64_MAX;
    uint64_t left = agg_state_items(f->x, f->x->keys_max);
    for (uint64_t i = n >= FIRST + f->x->len ? n - f->x->len + 1 : FIRST; i < n; i++)
        left -= f->items[partition][i];
    return left;
}

/* The known keys that come, by rank, until there is no item left. */
static void keep_known(struct flood *f, uint32_t partition, uint64_t n)
{
    uint64_t left = items_left(f, partition, n);
    struct pool_key *k;

    for (uint32_t i = 0; i < POOL; i++)
        if (f->key[i].partition == partition)
            f->key[i].is_lost = f->key[i].comes && is_in(f, &f->key[i], n);
    while (f->items[partition][n] < left && (k = lowest_rank(f, partition, false)) != NULL) {
        k->is_lost = false;
        f->items[partition][n]++;
    }
}

/* The new keys of a partition by rank, until one does not fit. */
static void admit(struct flood *f, uint32_t partition, uint64_t n)
{
    uint64_t keys = 0, heap = 0, left = items_left(f, partition, n);
    struct pool_key *k;

    for (uint32_t i = 0; i < POOL; i++)
        if (f->key[i].partition == partition && is_in(f, &f->key[i], n)) {
            keys++;
            heap += f->key[i].heap;
        }
    while ((k = lowest_rank(f, partition, true)) != NULL) {
        keys++;
        heap += k->heap;
        if (keys > f->x->keys_max || heap > agg_key_heap_max(f->x, f->x->keys_max) ||
            f->items[partition][n] == left)
            return;
        k->is_new = false;
        k->last = n;
        f->items[partition][n]++;
    }
}

static void model_interval(struct flood *f, uint64_t n)
{
    for (uint32_t i = 0; i < POOL; i++)
        f->key[i].comes = false;
    for (uint32_t i = 0; i < f->records_cnt; i++)
        f->key[f->record_key[i]].comes = true;
    for (uint32_t i = 0; i < POOL; i++)
        f->key[i].is_new = f->key[i].comes && !is_in(f, &f->key[i], n);
    for (uint32_t p = 0; p < f->x->partitions; p++) {
        keep_known(f, p, n);
        admit(f, p, n);
    }
    for (uint32_t i = 0; i < f->records_cnt; i++) {
        struct pool_key *k = &f->key[f->record_key[i]];
        if (k->is_new || k->is_lost) { /* still: it is refused */
            f->refused++;
            f->known_lost += k->is_lost;
            f->lost_until = f->x->len == WINDOW_FOREVER ? UINT64_MAX : n + f->x->len;
            continue;
        }
        k->last = n;
        struct ref_val leaf[3] = {ref_bytes(k->text, k->len), ref_int(f->record_v[i]),
                                  ref_float(0)};
        ref_feed(f->ref, 1, leaf);
    }
    ref_interval_all(f->ref, n, n >= f->lost_until, &f->expected);
}

/* ---- the records ------------------------------------------------------------------------------
 */

static void draw_records(struct flood *f)
{
    bool flood = prng_chance(&f->prng, is_long(f->x) ? 85 : 30);
    uint32_t others = flood ? (uint32_t)prng_below(&f->prng, RECORDS_MAX - KNOWN)
                            : (uint32_t)prng_below(&f->prng, 150);

    f->records_cnt = 0;
    for (uint32_t i = 0; i < KNOWN + others; i++) {
        f->record_key[f->records_cnt] = i < KNOWN ? i : (uint32_t)prng_below(&f->prng, POOL);
        f->record_v[f->records_cnt++] = prng_between(&f->prng, -100, 100);
    }
}

/* In an order drawn by chance, in blocks of any size, in any queue. */
static void feed_engine(struct flood *f, uint64_t n)
{
    struct strbuf text = {0};
    uint64_t cut = 1 + prng_below(&f->prng, 2000);

    for (uint32_t i = f->records_cnt; i-- > 0;) {
        uint32_t at = (uint32_t)prng_below(&f->prng, i + 1), key = f->record_key[at];
        strbuf_printf(&text, "%s,%lld,0\n", f->key[key].text, (long long)f->record_v[at]);
        f->record_key[at] = f->record_key[i];
        f->record_v[at] = f->record_v[i];
        if (i && prng_below(&f->prng, cut))
            continue;
        engine_block(f->engine, 1, (uint32_t)prng_below(&f->prng, f->queues), n, text.s, text.len);
        text.len = 0;
        for (uint64_t k = prng_below(&f->prng, 5); k && engine_step(f->engine); k--)
            ;
    }
    strbuf_release(&text);
}

struct lost {
    uint64_t all, known;
};

static struct lost run_flood(const struct program *p, uint64_t seed)
{
    struct flood *f = calloc(1, sizeof *f);
    struct engine_counts counts;

    if (setup(f, p, seed)) {
        for (uint64_t n = FIRST; n < FIRST + f->intervals; n++) {
            draw_records(f);
            model_interval(f, n);
            feed_engine(f, n);
            engine_close(f->engine, n);
        }
        engine_stop(f->engine, FIRST + f->intervals - 1);
        if (strcmp(engine_output(f->engine), f->expected.s))
            fprintf(stderr, "%s differs with seed %llu\n", p->name, (unsigned long long)seed);
        EXPECT_EQ_STR(engine_output(f->engine), f->expected.s);
        engine_counts(f->engine, &counts);
        EXPECT_EQ_INT(counts.refused, f->refused);
        EXPECT_EQ_INT(counts.dropped, 0);
        ref_free(f->ref);
        engine_free(f->engine);
        job_free(f->job);
    }
    struct lost lost = {f->refused, f->known_lost};
    strbuf_release(&f->expected);
    free(f);
    return lost;
}

static const struct program floods[] = {
    {"interval", "  nums.map(r => (r.k, r.v)).reduceByKey((a, b) => a + b).output(o)\n"},
    {"inverse", "  nums.map(r => (r.k, r.v)).reduceByKeyAndWindow((a, b) => a + b, "
                "(a, b) => a - b, \"3s\", \"1s\").output(o)\n"},
    {"stacks", "  nums.map(r => (r.k, r.v)).reduceByKeyAndWindow((a, b) => max(a, b), \"3s\")"
               ".output(o)\n"},
    {"slide", "  nums.map(r => r.k).countByValueAndWindow(\"4s\", \"2s\").output(o)\n"},
    {"running", "  nums.map(r => (r.k, r.v)).runningReduce((a, b) => a + b).output(o)\n"},
    {"long_inverse", "  nums.map(r => r.k).countByValueAndWindow(\"96s\", \"1s\").output(o)\n"},
    {"long_stacks", "  nums.map(r => (r.k, r.v)).reduceByKeyAndWindow((a, b) => max(a, b), \"97s\")"
                    ".output(o)\n"},
    {"whole_inverse", "  nums.map(r => r.k).countByValueAndWindow(\"30s\", \"1s\").output(o)\n"},
    {"whole_stacks",
     "  nums.map(r => (r.k, r.v)).reduceByKeyAndWindow((a, b) => max(a, b), \"30s\")"
     ".output(o)\n"},
    {"distinct", "  nums.map(r => r.k).distinct().output(o)\n"},
};

static struct lost run_floods(const char *name, uint64_t seeds)
{
    struct lost lost = {0};

    for (uint32_t i = 0; i < sizeof floods / sizeof floods[0]; i++)
        for (uint64_t k = 0; k < seeds && !strcmp(floods[i].name, name); k++) {
            struct lost one = run_flood(&floods[i], prng_seed(1) * 100 + k);
            lost.all += one.all;
            lost.known += one.known;
        }
    EXPECT(lost.all > 0);
    return lost;
}

TEST(state_full, of_an_interval)
{
    run_floods("interval", 6);
    run_floods("distinct", 6);
}

TEST(state_full, of_a_window_with_an_inverse)
{
    EXPECT_EQ_INT(run_floods("inverse", 6).known, 0);
}

TEST(state_full, of_a_window_without)
{
    EXPECT_EQ_INT(run_floods("stacks", 6).known, 0);
    EXPECT_EQ_INT(run_floods("slide", 6).known, 0);
}

// Every key has an item for each interval of the window: a flood of others takes none from it.
TEST(state_full, of_a_window_of_thirty)
{
    EXPECT_EQ_INT(run_floods("whole_inverse", 2).known, 0);
    EXPECT_EQ_INT(run_floods("whole_stacks", 2).known, 0);
}

TEST(state_full, of_a_window_with_few_items)
{
    EXPECT(run_floods("long_inverse", 2).known > 0);
    EXPECT(run_floods("long_stacks", 2).known > 0);
}

TEST(state_full, for_ever)
{
    run_floods("running", 6);
}
