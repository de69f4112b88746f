#include "dpdk-app/landing.h"

#include <errno.h>
#include <stdio.h>

#include <rte_errno.h>
#include <rte_malloc.h>

#include "base/assert.h"

#define LANDING_OPS "mr_landing"
// Slots begin on a cache line.
#define SLOT_ALIGN 64u

static uint8_t *own_room(struct rte_mbuf *m)
{
    return (uint8_t *)(m + 1);
}

// The last reference of the landing goes when the page is neither current nor posted.
static void landing_leave(struct landing *l, struct page *pg)
{
    if (pg != l->page && pg->posted == 0)
        page_unref(l->pool, pg, 1);
}

static void landing_drop_page(struct landing *l)
{
    struct page *pg = l->page;

    l->page = NULL;
    if (pg)
        landing_leave(l, pg);
}

// landing_slot points m at the next slot; false: there is no page.
static bool landing_slot(struct landing *l, struct rte_mbuf *m)
{
    if (l->next_slot == l->slots_cnt || !l->page) {
        landing_drop_page(l);
        struct page *pg = pool_get_on(l->pool, l->socket);
        if (!pg) {
            l->pages_refused++;
            return false;
        }
        MR_ASSERT(pg->posted == 0);
        l->page = pg;
        l->next_slot = 0;
        l->pages_taken++;
    }
    uint32_t off = l->next_slot++ * l->slot_bytes;

    m->buf_addr = l->page->addr + off;
    m->buf_iova = l->page->iova + off;
    l->page->posted++;
    return true;
}

static void landing_own_room(struct rte_mbuf *m)
{
    m->buf_addr = own_room(m);
    m->buf_iova = rte_mempool_virt2iova(m) + sizeof(struct rte_mbuf);
}

static void free_cnt_set(struct landing *l, uint32_t n)
{
    __atomic_store_n(&l->free_cnt, n, __ATOMIC_RELAXED); // telemetry looks at it
}

static int ops_dequeue(struct rte_mempool *mp, void **obj, unsigned n)
{
    struct landing *l = mp->pool_data;
    uint32_t left = l->free_cnt;

    if (n > left)
        return -ENOBUFS;
    // Asked once a burst: without a page none of its headers tries again.
    bool in_pages = l->in_pages;
    for (unsigned i = 0; i < n; i++) {
        struct rte_mbuf *m = l->free[--left];

        if (!in_pages || !(in_pages = landing_slot(l, m)))
            landing_own_room(m);
        obj[i] = m;
    }
    free_cnt_set(l, left);
    return 0;
}

static int ops_enqueue(struct rte_mempool *mp, void *const *obj, unsigned n)
{
    struct landing *l = mp->pool_data;

    for (unsigned i = 0; i < n; i++) {
        struct rte_mbuf *m = obj[i];

        if (l->ready && m->buf_addr != own_room(m)) {
            struct page *pg = pool_page_of(l->pool, m->buf_addr);

            MR_ASSERT(pg && pg->posted > 0);
            pg->posted--;
            m->buf_addr = own_room(m);
            landing_leave(l, pg);
        }
        l->free[l->free_cnt + i] = m;
    }
    free_cnt_set(l, l->free_cnt + n);
    return 0;
}

static int ops_alloc(struct rte_mempool *mp)
{
    mp->pool_data = mp->pool_config;
    return 0;
}

static void ops_free(struct rte_mempool *mp)
{
    (void)mp;
}

static unsigned ops_count(const struct rte_mempool *mp)
{
    const struct landing *l = mp->pool_data;

    return __atomic_load_n(&l->free_cnt, __ATOMIC_RELAXED);
}

static const struct rte_mempool_ops landing_ops = {
    .name = LANDING_OPS,
    .alloc = ops_alloc,
    .free = ops_free,
    .enqueue = ops_enqueue,
    .dequeue = ops_dequeue,
    .get_count = ops_count,
};

RTE_MEMPOOL_REGISTER_OPS(landing_ops)

static int landing_populate(struct landing *l, const struct landing_conf *conf)
{
    struct rte_pktmbuf_pool_private priv = {
        .mbuf_data_room_size = (uint16_t)l->slot_bytes,
    };
    struct rte_mempool *mp = rte_mempool_create_empty(
        conf->name, conf->headers_cnt, (uint32_t)sizeof(struct rte_mbuf) + l->slot_bytes, 0,
        sizeof priv, conf->socket, RTE_MEMPOOL_F_SP_PUT | RTE_MEMPOOL_F_SC_GET);

    if (!mp)
        return -rte_errno;
    l->mempool = mp;
    int rc = rte_mempool_set_ops_byname(mp, LANDING_OPS, l);
    if (rc < 0)
        return rc;
    rte_pktmbuf_pool_init(mp, &priv);
    rc = rte_mempool_populate_default(mp);
    if (rc < 0)
        return rc;
    rte_mempool_obj_iter(mp, rte_pktmbuf_init, NULL);
    l->ready = true;
    return 0;
}

struct landing *landing_new(const struct landing_conf *conf, char *err, size_t err_bytes)
{
    struct landing *l = rte_zmalloc_socket("landing", sizeof *l, 64, conf->socket);
    uint32_t slot_bytes =
        RTE_ALIGN_CEIL(conf->data_bytes + RTE_PKTMBUF_HEADROOM, (uint32_t)SLOT_ALIGN);

    if (!l || slot_bytes > UINT16_MAX) {
        snprintf(err, err_bytes, "%s: frames of %u bytes do not fit into a slot", conf->name,
                 conf->data_bytes);
        rte_free(l);
        return NULL;
    }
    l->pool = conf->pool;
    l->socket = conf->socket;
    l->slot_bytes = slot_bytes;
    l->slots_cnt = PAGE_BYTES / slot_bytes;
    l->free = rte_zmalloc_socket("landing", sizeof *l->free * conf->headers_cnt, 64, conf->socket);
    if (!l->free || landing_populate(l, conf) < 0) {
        snprintf(err, err_bytes,
                 "%s: not enough memory for %u headers of %u bytes: give EAL more, or lower rxd of "
                 "the port",
                 conf->name, conf->headers_cnt, slot_bytes);
        landing_free(l);
        return NULL;
    }
    return l;
}

void landing_free(struct landing *l)
{
    if (!l)
        return;
    l->in_pages = false; // the mempool takes all its headers out before it goes
    landing_drop_page(l);
    rte_mempool_free(l->mempool);
    rte_free(l->free);
    rte_free(l);
}
