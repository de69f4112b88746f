#include "perf/gen_frames.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "perf/gen_text.h"

#define HEAD_BYTES       42u /* Ethernet, IPv4, UDP */
#define TEXT_RECORDS     14u
#define PACKET_BYTES     60u
#define SOURCE_NET       0x0a000000u /* 10.0.0.0 */
#define DESTINATION      0x0a630002u
#define DESTINATION_PORT 9000u

static uint16_t header_sum(const uint8_t *ip)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < 20; i += 2)
        sum += load_be16(ip + i);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void put_be16(uint8_t *to, uint32_t v)
{
    to[0] = (uint8_t)(v >> 8);
    to[1] = (uint8_t)v;
}

static void put_be32(uint8_t *to, uint32_t v)
{
    put_be16(to, v >> 16);
    put_be16(to + 2, v);
}

static void put_headers(uint8_t *b, uint32_t bytes, uint32_t i, uint32_t source)
{
    static const uint8_t ethernet[14] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
    uint8_t *ip = b + 14, *udp = b + 34;

    memcpy(b, ethernet, sizeof ethernet);
    memset(ip, 0, 28);
    ip[0] = 0x45;
    put_be16(ip + 2, bytes - 14);
    put_be16(ip + 4, i);
    ip[8] = 64;
    ip[9] = 17;
    put_be32(ip + 12, source);
    put_be32(ip + 16, DESTINATION);
    put_be16(ip + 10, header_sum(ip));
    put_be16(udp, 1024 + i % 500);
    put_be16(udp + 2, DESTINATION_PORT);
    put_be16(udp + 4, bytes - 34);
}

static int make_text(struct gen_frames *f, uint64_t seed)
{
    struct gen_text *g = malloc(sizeof *g);

    if (!g)
        return -ENOMEM;
    gen_text_init(g, seed);
    for (uint32_t i = 0; i < f->cnt; i++) {
        uint8_t *b = f->frame + (size_t)i * f->bytes;

        put_headers(b, f->bytes, i, SOURCE_NET + 1);
        for (uint32_t r = 0; r < f->records; r++)
            gen_text_record(g, b + HEAD_BYTES + (size_t)r * GEN_RECORD_BYTES);
    }
    free(g);
    return 0;
}

/* A word of seven letters for each number: k and six digits of base 26. */
static void put_key(uint8_t *to, uint64_t key)
{
    to[0] = 'k';
    for (uint32_t i = 6; i > 0; i--, key /= 26)
        to[i] = (uint8_t)('a' + key % 26);
}

/* Records of 12 words of `keys`, all as frequent: each word and the blank behind it are 8 bytes. */
static int make_keys(struct gen_frames *f, uint64_t keys, uint64_t seed)
{
    struct prng p = prng_of(seed);

    for (uint32_t i = 0; i < f->cnt; i++) {
        uint8_t *b = f->frame + (size_t)i * f->bytes;

        put_headers(b, f->bytes, i, SOURCE_NET + 1);
        memset(b + HEAD_BYTES, ' ', f->bytes - HEAD_BYTES);
        for (uint32_t r = 0; r < f->records; r++) {
            uint8_t *line = b + HEAD_BYTES + (size_t)r * GEN_RECORD_BYTES;

            for (uint32_t w = 0; w < 12; w++)
                put_key(line + (size_t)w * 8, prng_below(&p, keys));
            line[GEN_RECORD_BYTES - 1] = '\n';
        }
    }
    return 0;
}

/* The rank at which a share `at` of the weight 1/rank is reached, by Euler's approximation of the
 * harmonic numbers. */
static uint32_t zipf(double at)
{
    static const double euler = 0.5772156649015329;
    double all = log(GEN_SOURCES) + euler;
    double rank = exp(at * all - euler);

    return rank < 1 ? 0 : rank >= GEN_SOURCES ? GEN_SOURCES - 1 : (uint32_t)rank - 1;
}

static int make_packets(struct gen_frames *f, uint64_t seed)
{
    struct prng p = prng_of(seed);

    for (uint32_t i = 0; i < f->cnt; i++) {
        uint8_t *b = f->frame + (size_t)i * f->bytes;

        put_headers(b, f->bytes, i, SOURCE_NET + 1 + zipf(prng_f64(&p)));
        memset(b + HEAD_BYTES, 'x', f->bytes - HEAD_BYTES);
    }
    return 0;
}

int gen_frames_make(struct gen_frames *f, const char *what, uint32_t cnt, uint64_t seed)
{
    uint64_t keys = !strncmp(what, "keys:", 5) ? strtoull(what + 5, NULL, 10) : 0;
    bool text = keys || !strcmp(what, "text");

    if (!text && strcmp(what, "packets") != 0)
        return -EINVAL;
    *f = (struct gen_frames){.cnt = cnt,
                             .bytes =
                                 text ? HEAD_BYTES + TEXT_RECORDS * GEN_RECORD_BYTES : PACKET_BYTES,
                             .records = text ? TEXT_RECORDS : 1};
    f->frame = malloc((size_t)cnt * f->bytes);
    if (!f->frame)
        return -ENOMEM;
    if (keys)
        return make_keys(f, keys, seed);
    return text ? make_text(f, seed) : make_packets(f, seed);
}

void gen_frames_free(struct gen_frames *f)
{
    free(f->frame);
    f->frame = NULL;
}
