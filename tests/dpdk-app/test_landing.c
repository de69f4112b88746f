// The landing against a model: which header points where, and which pages may return.

#include "dpdk-app/landing.h"

#include <string.h>

#include "tests/dpdk-app/eal_once.h"
#include "tests/prng.h"
#include "tests/test.h"

#define HEADERS    256u
#define PAGES      4u
#define DATA_BYTES 60000u // 34 slots a page: pages change often
// A device that keeps to a limit, and what its driver wants to hear of.
#define FRAME_BYTES 1526u
#define ROOM_BYTES  2048u

static struct landing *new_landing(struct pool **pool, uint32_t data_bytes, uint32_t frame_bytes)
{
    char err[256] = "";
    struct pool_conf pc = {.bytes = (uint64_t)PAGES * PAGE_BYTES, .blocks_cnt = 16};
    struct landing_conf lc = {
        .name = "test_landing", .socket = SOCKET_ID_ANY, .headers_cnt = HEADERS};

    lc.data_bytes = data_bytes;
    lc.frame_bytes = frame_bytes;
    *pool = lc.pool = pool_new(&pc, err, sizeof err);
    EXPECT_EQ_STR(err, "");
    if (!lc.pool)
        return NULL;
    struct landing *l = landing_new(&lc, err, sizeof err);
    EXPECT_EQ_STR(err, "");
    return l;
}

static void delete_landing(struct landing *l, struct pool *p)
{
    landing_free(l);
    EXPECT_EQ_INT(pool_pages_free(p), PAGES);
    pool_free(p);
}

TEST(landing, hands_out_slots_in_order)
{
    struct rte_mbuf *m[40];
    struct pool *p;

    REQUIRE(eal_once());
    struct landing *l = new_landing(&p, DATA_BYTES, 0);
    REQUIRE(l != NULL);
    l->in_pages = true;
    uint32_t slots = PAGE_BYTES / (DATA_BYTES + RTE_PKTMBUF_HEADROOM);
    REQUIRE(rte_pktmbuf_alloc_bulk(l->mempool, m, 40) == 0);
    for (uint32_t i = 0; i < 40; i++) {
        struct page *pg = landing_page_of(l, m[i]);
        REQUIRE(pg != NULL);
        EXPECT_EQ_INT((uint8_t *)m[i]->buf_addr - pg->addr, i % slots * l->slot_bytes);
        EXPECT_EQ_INT(m[i]->buf_iova - pg->iova, i % slots * l->slot_bytes);
        EXPECT(rte_pktmbuf_tailroom(m[i]) >= DATA_BYTES);
        memset(rte_pktmbuf_mtod(m[i], void *), (int)i, DATA_BYTES);
    }
    EXPECT_EQ_INT(pool_pages_free(p), PAGES - 2);
    rte_pktmbuf_free_bulk(m, 40);
    // The first page had its last header; the second is current.
    EXPECT_EQ_INT(pool_pages_free(p), PAGES - 1);
    delete_landing(l, p);
}

TEST(landing, keeps_pages_that_are_posted)
{
    struct rte_mbuf *m[40];
    struct pool *p;

    REQUIRE(eal_once());
    struct landing *l = new_landing(&p, DATA_BYTES, 0);
    REQUIRE(l != NULL);
    l->in_pages = true;
    REQUIRE(rte_pktmbuf_alloc_bulk(l->mempool, m, 40) == 0);
    struct page *first = landing_page_of(l, m[0]);
    rte_pktmbuf_free_bulk(m + 1, 39);
    EXPECT_EQ_INT(pool_pages_free(p), PAGES - 2); // m[0] is still out
    page_ref(first, 1);                           // as a block does
    rte_pktmbuf_free(m[0]);
    EXPECT_EQ_INT(pool_pages_free(p), PAGES - 2);
    page_unref(p, first, 1);
    EXPECT_EQ_INT(pool_pages_free(p), PAGES - 1);
    delete_landing(l, p);
}

TEST(landing, falls_back_to_its_own_rooms)
{
    struct rte_mbuf *m[HEADERS];
    struct page *pg[PAGES];
    struct pool *p;

    REQUIRE(eal_once());
    struct landing *l = new_landing(&p, DATA_BYTES, 0);
    REQUIRE(l != NULL);
    l->in_pages = true;
    for (uint32_t i = 0; i < PAGES; i++)
        pg[i] = pool_get(p);
    REQUIRE(rte_pktmbuf_alloc_bulk(l->mempool, m, HEADERS) == 0);
    EXPECT(rte_pktmbuf_alloc(l->mempool) == NULL);
    for (uint32_t i = 0; i < HEADERS; i++) {
        EXPECT(landing_page_of(l, m[i]) == NULL);
        EXPECT(m[i]->buf_addr == (void *)(m[i] + 1));
        memset(rte_pktmbuf_mtod(m[i], void *), (int)i, DATA_BYTES);
    }
    EXPECT(l->pages_refused > 0);
    rte_pktmbuf_free_bulk(m, HEADERS);
    for (uint32_t i = 0; i < PAGES; i++)
        page_unref(p, pg[i], 1);
    REQUIRE(rte_pktmbuf_alloc_bulk(l->mempool, m, 1) == 0);
    EXPECT(landing_page_of(l, m[0]) != NULL);
    rte_pktmbuf_free(m[0]);
    delete_landing(l, p);
}

// Where a device keeps to a limit, slots lie as close as its frames, and what a driver is told of
// is there all the same.
TEST(landing, packs_frames_of_limited_length)
{
    struct rte_mbuf *m[HEADERS];
    struct pool *p;

    REQUIRE(eal_once());
    struct landing *l = new_landing(&p, ROOM_BYTES, FRAME_BYTES);
    REQUIRE(l != NULL);
    EXPECT_EQ_INT(l->slots_cnt, (PAGE_BYTES - ROOM_BYTES - RTE_PKTMBUF_HEADROOM) / 1536 + 1);
    l->in_pages = true;
    const struct page *first = NULL;
    for (uint32_t at = 0; at < 3 * l->slots_cnt; at += HEADERS) {
        REQUIRE(rte_pktmbuf_alloc_bulk(l->mempool, m, HEADERS) == 0);
        for (uint32_t i = 0; i < HEADERS; i++) {
            const struct page *pg = landing_page_of(l, m[i]);
            REQUIRE(pg != NULL);
            first = first ? first : pg;
            uint32_t off = (uint32_t)((uint8_t *)m[i]->buf_addr - pg->addr);
            EXPECT_EQ_INT(off, (at + i) % l->slots_cnt * 1536);
            EXPECT_EQ_INT(m[i]->buf_iova - pg->iova, off);
            EXPECT_EQ_INT(m[i]->data_off, RTE_PKTMBUF_HEADROOM);
            EXPECT_EQ_INT(rte_pktmbuf_tailroom(m[i]), ROOM_BYTES);
            EXPECT(off + m[i]->buf_len <= PAGE_BYTES);
        }
        rte_pktmbuf_free_bulk(m, HEADERS);
    }
    delete_landing(l, p);
}

// A model of the whole: bytes written through a header, and the 4 in front of them, stay until
// header and holder let go.
struct model {
    struct rte_mbuf *out[HEADERS];
    uint8_t mark[HEADERS];
    uint32_t len; // of a frame
    uint32_t out_cnt;
};

static void model_write(const struct model *mo, struct rte_mbuf *m, uint8_t mark)
{
    uint8_t *at = rte_pktmbuf_mtod(m, uint8_t *);

    memset(at - 4, mark, 64);
    memset(at + mo->len - 64, mark, 64);
}

static void model_take(struct model *mo, struct landing *l, struct prng *rng)
{
    struct rte_mbuf *m[32];
    uint32_t n = 1 + (uint32_t)prng_below(rng, 32);

    if (rte_mempool_get_bulk(l->mempool, (void **)m, n) < 0) {
        EXPECT(n > HEADERS - mo->out_cnt);
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t j = 0; j < mo->out_cnt; j++)
            EXPECT(m[i]->buf_addr != mo->out[j]->buf_addr);
        mo->mark[mo->out_cnt] = (uint8_t)prng_u64(rng);
        m[i]->data_off = RTE_PKTMBUF_HEADROOM;
        model_write(mo, m[i], mo->mark[mo->out_cnt]);
        mo->out[mo->out_cnt++] = m[i];
    }
}

static void model_give(struct model *mo, struct landing *l, uint32_t i)
{
    const uint8_t *at = rte_pktmbuf_mtod(mo->out[i], const uint8_t *);

    EXPECT_EQ_INT(at[-4], mo->mark[i]);
    EXPECT_EQ_INT(at[0], mo->mark[i]);
    EXPECT_EQ_INT(at[mo->len - 64], mo->mark[i]);
    EXPECT_EQ_INT(at[mo->len - 1], mo->mark[i]);
    rte_mempool_put(l->mempool, mo->out[i]);
    mo->out[i] = mo->out[--mo->out_cnt];
    mo->mark[i] = mo->mark[mo->out_cnt];
}

static void play_model(uint32_t data_bytes, uint32_t frame_bytes)
{
    struct prng rng = prng_of(prng_seed(4));
    struct model mo = {.len = frame_bytes ? frame_bytes : data_bytes};
    struct pool *p;

    struct landing *l = new_landing(&p, data_bytes, frame_bytes);
    REQUIRE(l != NULL);
    for (int round = 0; round < 3000; round++) {
        l->in_pages = prng_chance(&rng, 80);
        if (prng_chance(&rng, 40))
            model_take(&mo, l, &rng);
        for (uint32_t k = (uint32_t)prng_below(&rng, 20); k > 0 && mo.out_cnt > 0; k--)
            model_give(&mo, l, (uint32_t)prng_below(&rng, mo.out_cnt));
    }
    while (mo.out_cnt > 0)
        model_give(&mo, l, 0);
    EXPECT_EQ_INT(rte_mempool_avail_count(l->mempool), HEADERS);
    delete_landing(l, p);
}

TEST(landing, never_lets_two_headers_share_a_slot)
{
    REQUIRE(eal_once());
    play_model(DATA_BYTES, 0);
    play_model(ROOM_BYTES, FRAME_BYTES);
    play_model(ROOM_BYTES, ROOM_BYTES);
}
