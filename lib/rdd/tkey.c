#include <immintrin.h>

#include "base/bytes.h"
#include "rdd/tkey.h"

uint64_t tkey_seed[2] = {0x9e3779b97f4a7c15ull, 0xd1b54a32d192ed03ull};

static inline uint64_t mum(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* A load that stays inside its 4 KB page cannot fault. The bytes behind the string may belong to
 * others, who may be writing them; they are masked away. */
__attribute__((no_sanitize("address", "thread", "alignment"))) static inline __m128i load_over(
    const uint8_t *p)
{
    return *(const __m128i_u *)(const void *)p;
}

/* Sixteen bytes at p of which `len` count, without crossing into a page that may not be there. */
static inline __m128i load_16(const uint8_t *p, uint32_t len)
{
    uint8_t b[16] = {0};

    if (__builtin_expect(((uintptr_t)p & 4095) <= 4096 - 16, 1))
        return load_over(p);
    memcpy(b, p, len);
    return _mm_loadu_si128((const __m128i *)b);
}

/* Row n moves n bytes behind the length of a key, and zeros behind them. No branch hangs on the
 * length of a short key: those of words cannot be foretold. */
#define KEY_MOVE(n)                                                                         \
    {                                                                                       \
        -1, -1, -1, -1, n > 0 ? 0 : -1, n > 1 ? 1 : -1, n > 2 ? 2 : -1, n > 3 ? 3 : -1,     \
            n > 4 ? 4 : -1, n > 5 ? 5 : -1, n > 6 ? 6 : -1, n > 7 ? 7 : -1, n > 8 ? 8 : -1, \
            n > 9 ? 9 : -1, n > 10 ? 10 : -1, n > 11 ? 11 : -1                              \
    }
static const int8_t key_move[TKEY_INLINE + 1][16] __attribute__((aligned(16))) = {
    KEY_MOVE(0), KEY_MOVE(1), KEY_MOVE(2), KEY_MOVE(3),  KEY_MOVE(4),  KEY_MOVE(5), KEY_MOVE(6),
    KEY_MOVE(7), KEY_MOVE(8), KEY_MOVE(9), KEY_MOVE(10), KEY_MOVE(11), KEY_MOVE(12)};

static inline void load_key(struct tkey *k, const uint8_t *p, uint32_t len)
{
    if (__builtin_expect(len <= TKEY_INLINE, 1)) {
        __m128i move = _mm_load_si128((const __m128i *)key_move[len]);
        __m128i bytes = _mm_shuffle_epi8(load_16(p, len), move);
        _mm_storeu_si128((__m128i *)k, _mm_or_si128(bytes, _mm_cvtsi32_si128((int)len)));
        return;
    }
    k->len = len;
    memcpy(k->pre, p, 4);
    k->ptr = p;
}

void tkeys_load(struct tkey *k, const struct enc_keys *e, const uint16_t *sel, uint32_t n)
{
    const uint8_t *base = e->base;
    const uint32_t *off = e->off, *len = e->len;

    if (sel)
        for (uint32_t i = 0; i < n; i++)
            load_key(&k[i], base + off[sel[i]], len[sel[i]]);
    else
        for (uint32_t i = 0; i < n; i++)
            load_key(&k[i], base + off[i], len[i]);
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
