#include "tests/io/make_rdd.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bytes.h"

static const struct type *const pair_part[] = {&type_string, &type_int};
static const struct type pair = {.kind = TYPE_TUPLE, .parts_cnt = 2, .part = pair_part};

const struct out_stream make_counts = {
    .job = "wordcount",
    .name = "counts",
    .type = &pair,
    .key = &type_string,
    .value = &type_int,
    .order = ROWS_BY_KEY,
    .interval_ns = 1000000000,
};

void make_rdd(struct make_rdd *m, const struct out_stream *stream, uint64_t interval)
{
    memset(m, 0, sizeof *m);
    m->rdd.stream = stream;
    m->rdd.interval = interval;
    m->rdd.complete = true;
    m->rdd.block = m->pointer;
}

void make_block(struct make_rdd *m)
{
    MR_ASSERT(m->rdd.blocks_cnt < MAKE_BLOCKS_MAX);
    struct block *b = &m->block[m->rdd.blocks_cnt];
    b->hdr.kind = BLOCK_ROWS;
    m->pointer[m->rdd.blocks_cnt++] = b;
}

void make_row(struct make_rdd *m, uint64_t ord_hi, uint64_t ord_lo, const struct strbuf *key,
              const struct strbuf *value)
{
    uint32_t last = m->rdd.blocks_cnt - 1;
    struct strbuf *body = &m->body[last];
    struct row_hdr h = {.ord_hi = ord_hi,
                        .ord_lo = ord_lo,
                        .key_bytes = key ? (uint32_t)key->len : 0,
                        .val_bytes = (uint32_t)value->len};

    strbuf_add(body, (const char *)&h, sizeof h);
    if (h.key_bytes)
        strbuf_add(body, key->s, h.key_bytes);
    if (h.val_bytes)
        strbuf_add(body, value->s, h.val_bytes);
    while (body->len % 8)
        strbuf_add(body, "\xee", 1);
    m->block[last].hdr.rows++;
    m->block[last].hdr.bytes = (uint32_t)body->len;
    m->block[last].base = (const uint8_t *)body->s;
}

void make_count(struct make_rdd *m, const char *word, int64_t cnt)
{
    struct strbuf key = {0}, value = {0};

    make_block(m);
    enc_put_whole(&key, word, strlen(word));
    enc_put_int(&value, cnt);
    make_row(m, 0, 0, &key, &value);
    strbuf_release(&key);
    strbuf_release(&value);
}

void make_release(struct make_rdd *m)
{
    for (uint32_t i = 0; i < MAKE_BLOCKS_MAX; i++)
        strbuf_release(&m->body[i]);
}

static void put_u64(struct strbuf *b, uint64_t v)
{
    char be[8];

    store_be64(be, v);
    strbuf_add(b, be, sizeof be);
}

void enc_put_int(struct strbuf *b, int64_t v)
{
    put_u64(b, (uint64_t)v ^ 1ull << 63);
}

void enc_put_float(struct strbuf *b, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    put_u64(b, bits >> 63 ? ~bits : bits ^ 1ull << 63);
}

void enc_put_bool(struct strbuf *b, int v)
{
    strbuf_add(b, v ? "\1" : "\0", 1);
}

void enc_put_ip(struct strbuf *b, const uint8_t ip[16])
{
    strbuf_add(b, (const char *)ip, 16);
}

void enc_put_whole(struct strbuf *b, const char *s, size_t len)
{
    strbuf_add(b, s, len);
}

void enc_put_string(struct strbuf *b, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        strbuf_add(b, s + i, 1);
        if (s[i] == 0)
            strbuf_add(b, "\xff", 1);
    }
    strbuf_add(b, "\0\0", 2);
}

void make_folder(char path[64])
{
    const char *tmp = getenv("TMPDIR");

    snprintf(path, 64, "%.40s/mr-io-XXXXXX", tmp ? tmp : "/tmp");
    MR_ASSERT(mkdtemp(path));
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void remove_folder(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

char *read_back(const char *path, const char *name)
{
    char full[256];
    struct strbuf b = {0};
    char buf[4096];
    size_t n;

    snprintf(full, sizeof full, "%s/%s", path, name);
    FILE *f = fopen(full, "r");
    if (!f)
        return NULL;
    strbuf_puts(&b, "");
    while ((n = fread(buf, 1, sizeof buf, f)))
        strbuf_add(&b, buf, n);
    fclose(f);
    return b.s;
}
