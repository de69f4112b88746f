#include "rdd/tkey.h"
#include "base/bytes.h"

uint64_t tkey_seed[2] = {0x9e3779b97f4a7c15ull, 0xd1b54a32d192ed03ull};

static inline uint64_t mum(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Sixteen bytes at p of which `len` count, without crossing into a page that may not be there:
 * a load that stays inside its 4 KB page cannot fault. The bytes behind may belong to others,
 * who may be writing them; they are masked away. */
__attribute__((no_sanitize("address", "thread", "alignment"))) static inline void load_short(
    struct tkey *k, const uint8_t *p, uint32_t len)
{
    uint64_t w0, w1;

    if (((uintptr_t)p & 4095) <= 4096 - 16) {
        w0 = ((const uint64_t *)(const void *)p)[0];
        w1 = ((const uint64_t *)(const void *)p)[1];
        w0 = len >= 8 ? w0 : w0 & ((1ull << 8 * len) - 1);
        w1 = len > 8 ? w1 & ((1ull << 8 * (len - 8)) - 1) : 0;
    } else {
        uint8_t b[16] = {0};
        memcpy(b, p, len);
        w0 = load_le64(b);
        w1 = load_le64(b + 8);
    }
    uint64_t lo = len | w0 << 32, hi = w0 >> 32 | w1 << 32;
    memcpy(k, &lo, 8);
    memcpy((uint8_t *)k + 8, &hi, 8);
}

void tkeys_load(struct tkey *k, const struct enc_keys *e, const uint16_t *sel, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t r = sel ? sel[i] : i;
        const uint8_t *p = e->base + e->off[r];
        uint32_t len = e->len[r];
        if (len <= TKEY_INLINE) {
            load_short(&k[i], p, len);
            continue;
        }
        k[i].len = len;
        memcpy(k[i].pre, p, 4);
        k[i].ptr = p;
    }
}

static uint64_t hash_long(const uint8_t *p, uint32_t len, uint64_t s0, uint64_t s1)
{
    uint64_t h = s0 ^ len;
    uint32_t i = 0;

    for (; i + 16 <= len; i += 16)
        h = mum(load_le64(p + i) ^ s1, load_le64(p + i + 8) ^ h);
    uint8_t tail[16] = {0};
    memcpy(tail, p + i, len - i);
    h = mum(load_le64(tail) ^ s1, load_le64(tail + 8) ^ h);
    return mum(h ^ s0, s1 ^ len);
}

static inline uint64_t hash_key(const struct tkey *k, uint64_t s0, uint64_t s1)
{
    uint64_t w[2];

    if (!tkey_is_short(k))
        return hash_long(k->ptr, k->len, s0, s1);
    memcpy(w, k, 16);
    return mum(w[0] ^ s0, w[1] ^ s1);
}

void tkeys_hash(uint64_t *hash, const struct tkey *k, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        hash[i] = hash_key(&k[i], tkey_seed[0], tkey_seed[1]);
}

uint64_t tkey_rank(const struct tkey *k)
{
    return hash_key(k, 0xa0761d6478bd642full, 0xe7037ed1a0b428dbull);
}

uint32_t tkey_partition(const struct tkey *k, uint32_t partitions)
{
    return (uint32_t)((tkey_rank(k) >> 32) * partitions >> 32);
}
