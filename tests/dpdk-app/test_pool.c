// The block pool: references, order of return, lookups, and many threads at once.

#include "dpdk-app/pool.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "tests/dpdk-app/eal_once.h"
#include "tests/prng.h"
#include "tests/test.h"

static struct pool *new_pool(uint32_t pages_cnt, uint32_t blocks_cnt)
{
    char err[256] = "";
    struct pool_conf conf = {.bytes = (uint64_t)pages_cnt * PAGE_BYTES, .blocks_cnt = blocks_cnt};
    struct pool *p = pool_new(&conf, err, sizeof err);

    EXPECT_EQ_STR(err, "");
    return p;
}

TEST(pool, gives_every_page_once)
{
    struct page *pg[16];
    struct pool_view v;

    REQUIRE(eal_once());
    struct pool *p = new_pool(16, 32);
    REQUIRE(p != NULL);
    for (int i = 0; i < 16; i++) {
        pg[i] = pool_get(p);
        REQUIRE(pg[i] != NULL);
        EXPECT_EQ_INT((uintptr_t)pg[i]->addr % PAGE_BYTES, 0);
        memset(pg[i]->addr, i, PAGE_BYTES);
        for (int j = 0; j < i; j++)
            EXPECT(pg[i] != pg[j]);
    }
    EXPECT(pool_get(p) == NULL);
    for (int i = 0; i < 16; i++) {
        EXPECT_EQ_INT(pg[i]->addr[0], i);
        EXPECT(pool_page_of(p, pg[i]->addr) == pg[i]);
        EXPECT(pool_page_of(p, pg[i]->addr + PAGE_BYTES - 1) == pg[i]);
    }
    EXPECT(pool_page_of(p, &v) == NULL);
    pool_look(p, &v);
    EXPECT_EQ_INT(v.pages_cnt, 16);
    EXPECT_EQ_INT(v.pages_free, 0);
    EXPECT_EQ_INT(v.pages_refused, 1);
    for (int i = 0; i < 16; i++)
        page_unref(p, pg[i], 1);
    EXPECT_EQ_INT(pool_pages_free(p), 16);
    pool_look(p, &v);
    EXPECT_EQ_INT(v.pages_free_min, 0);
    pool_free(p);
}

TEST(pool, keeps_a_page_until_its_last_holder_lets_go)
{
    REQUIRE(eal_once());
    struct pool *p = new_pool(2, 4);
    REQUIRE(p != NULL);
    struct page *pg = pool_get(p);
    page_ref(pg, 3);
    page_unref(p, pg, 1);
    page_unref(p, pg, 2);
    EXPECT_EQ_INT(pool_pages_free(p), 1);
    page_unref(p, pg, 1);
    EXPECT_EQ_INT(pool_pages_free(p), 2);
    pool_free(p);
}

TEST(pool, releases_blocks_with_their_pages)
{
    REQUIRE(eal_once());
    struct pool *p = new_pool(2, 4);
    REQUIRE(p != NULL);
    struct block *b[5];
    for (int i = 0; i < 4; i++) {
        b[i] = pool_block_get(p);
        REQUIRE(b[i] != NULL);
        EXPECT(pool_block(p, b[i]->home) == b[i]);
    }
    EXPECT(pool_block_get(p) == NULL);
    b[0]->page = pool_get(p);
    b[0]->index_page = b[0]->page;
    page_ref(b[0]->page, 1);
    b[1]->page = pool_get(p);
    EXPECT_EQ_INT(pool_pages_free(p), 0);
    for (int i = 0; i < 4; i++)
        pool_block_release(p, b[i]);
    EXPECT_EQ_INT(pool_pages_free(p), 2);
    struct block *again = pool_block_get(p);
    EXPECT(again && !again->page && !again->index_page);
    pool_block_put(p, again);
    pool_free(p);
}

TEST(pool, speaks_in_addresses_to_the_room_below)
{
    REQUIRE(eal_once());
    struct pool *p = new_pool(1, 4);
    REQUIRE(p != NULL);
    struct page_source s = pool_page_source(p);
    void *addr = s.get(s.ctx);
    REQUIRE(addr != NULL);
    EXPECT(s.get(s.ctx) == NULL);
    s.put(s.ctx, addr);
    EXPECT_EQ_INT(pool_pages_free(p), 1);
    pool_free(p);
}

#define THREADS      3
#define ROUNDS       4000
#define HELD_MAX     6
#define SHARED_PAGES 12

struct mover {
    struct pool *p;
    uint64_t seed;
    bool mixed_up;
};

// A mover takes pages, marks them as its own, and finds its mark when it lets go.
static void *move(void *arg)
{
    struct mover *m = arg;
    struct prng rng = prng_of(m->seed);
    struct page *held[HELD_MAX] = {0};

    for (int i = 0; i < ROUNDS; i++) {
        struct page **slot = &held[prng_below(&rng, HELD_MAX)];
        if (*slot) {
            uint64_t mark;
            memcpy(&mark, (*slot)->addr, sizeof mark);
            m->mixed_up |= mark != m->seed;
            page_ref(*slot, 1);
            page_unref(m->p, *slot, 1);
            page_unref(m->p, *slot, 1);
            *slot = NULL;
        } else if ((*slot = pool_get(m->p)) != NULL) {
            memcpy((*slot)->addr, &m->seed, sizeof m->seed);
        } else {
            sched_yield();
        }
    }
    for (int i = 0; i < HELD_MAX; i++)
        if (held[i])
            page_unref(m->p, held[i], 1);
    return NULL;
}

TEST(pool, serves_many_threads)
{
    pthread_t thread[THREADS];
    struct mover m[THREADS];

    REQUIRE(eal_once());
    struct pool *p = new_pool(SHARED_PAGES, 4);
    REQUIRE(p != NULL);
    for (int i = 0; i < THREADS; i++) {
        m[i] = (struct mover){.p = p, .seed = (uint64_t)i + 1};
        REQUIRE(pthread_create(&thread[i], NULL, move, &m[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        EXPECT(!m[i].mixed_up);
    }
    EXPECT_EQ_INT(pool_pages_free(p), SHARED_PAGES);
    pool_free(p);
}
