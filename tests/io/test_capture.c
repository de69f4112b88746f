#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/capture.h"
#include "tests/io/make_rdd.h"
#include "tests/test.h"

// Captures made by hand, byte by byte, little-endian unless told otherwise.
static void put_u16(struct strbuf *b, uint32_t v)
{
    strbuf_add(b, (const char[]){(char)v, (char)(v >> 8)}, 2);
}

static void put_u32(struct strbuf *b, uint32_t v)
{
    put_u16(b, v & 0xffff);
    put_u16(b, v >> 16);
}

static void put_be32(struct strbuf *b, uint32_t v)
{
    strbuf_add(b, (const char[]){(char)(v >> 24), (char)(v >> 16), (char)(v >> 8), (char)v}, 4);
}

#define MAGIC_US 0xa1b2c3d4u
#define MAGIC_NS 0xa1b23c4du
#define ETHERNET 1u
#define SLL      113u

static void pcap_begin(struct strbuf *b, uint32_t magic, uint32_t link)
{
    put_u32(b, magic);
    put_u16(b, 2);
    put_u16(b, 4);
    put_u32(b, 0);
    put_u32(b, 0);
    put_u32(b, 262144);
    put_u32(b, link);
}

static void pcap_frame(struct strbuf *b, uint32_t sec, uint32_t part, uint32_t cap_len,
                       uint32_t wire_len)
{
    put_u32(b, sec);
    put_u32(b, part);
    put_u32(b, cap_len);
    put_u32(b, wire_len);
    for (uint32_t i = 0; i < cap_len; i++)
        strbuf_add(b, (const char[]){(char)(sec + i)}, 1);
}

// A capture in a file of a fresh folder.
struct trial {
    char folder[64], path[96];
    struct capture *c;
    struct strbuf err;
};

static void trial_open(struct trial *t, struct strbuf *bytes, bool loop)
{
    memset(t, 0, sizeof *t);
    make_folder(t->folder);
    snprintf(t->path, sizeof t->path, "%s/x.pcap", t->folder);
    FILE *f = fopen(t->path, "w");
    fwrite(bytes->s, 1, bytes->len, f);
    fclose(f);
    strbuf_release(bytes);
    t->c = capture_open(t->path, loop, &t->err);
}

static void trial_close(struct trial *t)
{
    if (t->c)
        capture_close(t->c);
    strbuf_release(&t->err);
    remove_folder(t->folder);
}

static void expect_frame(struct trial *t, int64_t ts_ns, uint32_t cap_len, uint32_t wire_len)
{
    struct capture_frame f = {0};

    EXPECT_EQ_INT(capture_next(t->c, &f), 1);
    EXPECT_EQ_INT(f.ts_ns, ts_ns);
    EXPECT_EQ_INT(f.cap_len, cap_len);
    EXPECT_EQ_INT(f.wire_len, wire_len);
    for (uint32_t i = 1; i < f.cap_len; i++)
        EXPECT_EQ_INT(f.bytes[i], (uint8_t)(f.bytes[0] + i));
}

static void expect_end(struct trial *t, int rc, const char *error)
{
    struct capture_frame f;

    EXPECT_EQ_INT(capture_next(t->c, &f), rc);
    if (error)
        EXPECT_HAS_STR(capture_error(t->c), error);
    EXPECT_EQ_INT(capture_next(t->c, &f), 0);
}

TEST(capture, pcap_in_microseconds_and_nanoseconds)
{
    for (int ns = 0; ns < 2; ns++) {
        struct strbuf b = {0};
        struct trial t;

        pcap_begin(&b, ns ? MAGIC_NS : MAGIC_US, ETHERNET);
        pcap_frame(&b, 100, 7, 60, 60);
        pcap_frame(&b, 99, 999999, 14, 1514);
        pcap_frame(&b, 4000000000u, 0, 0, 64);
        trial_open(&t, &b, false);
        REQUIRE(t.c != NULL);
        expect_frame(&t, 100000000000 + (ns ? 7 : 7000), 60, 60);
        expect_frame(&t, 99000000000 + (ns ? 999999 : 999999000), 14, 1514);
        expect_frame(&t, 4000000000000000000, 0, 64);
        expect_end(&t, 0, NULL);
        EXPECT_EQ_INT(capture_bad_times(t.c), 0);
        trial_close(&t);
    }
}

TEST(capture, pcap_of_the_other_byte_order)
{
    struct strbuf b = {0};
    struct trial t;

    put_be32(&b, MAGIC_US);
    put_be32(&b, 2 << 16 | 4);
    put_be32(&b, 0);
    put_be32(&b, 0);
    put_be32(&b, 65535);
    put_be32(&b, ETHERNET);
    put_be32(&b, 5);
    put_be32(&b, 6);
    put_be32(&b, 2);
    put_be32(&b, 20);
    strbuf_add(&b, "\5\6", 2);
    trial_open(&t, &b, false);
    REQUIRE(t.c != NULL);
    expect_frame(&t, 5000006000, 2, 20);
    expect_end(&t, 0, NULL);
    trial_close(&t);
}

static void png_interface(struct strbuf *b, uint32_t link, uint8_t tsresol)
{
    put_u32(b, 1); // interface description
    put_u32(b, 32);
    put_u16(b, link);
    put_u16(b, 0);
    put_u32(b, 65535);
    put_u16(b, 9); // if_tsresol
    put_u16(b, 1);
    put_u32(b, tsresol);
    put_u32(b, 0);
    put_u32(b, 32);
}

static void png_begin(struct strbuf *b, uint32_t link, uint8_t tsresol)
{
    put_u32(b, 0x0a0d0d0a);
    put_u32(b, 28);
    put_u32(b, 0x1a2b3c4d);
    put_u16(b, 1);
    put_u16(b, 0);
    put_u32(b, 0xffffffff);
    put_u32(b, 0xffffffff);
    put_u32(b, 28);
    png_interface(b, link, tsresol);
}

static void png_frame(struct strbuf *b, uint64_t ticks, uint32_t cap_len, uint32_t wire_len)
{
    uint32_t padded = (cap_len + 3) & ~3u;

    put_u32(b, 6); // enhanced packet
    put_u32(b, 32 + padded);
    put_u32(b, 0);
    put_u32(b, (uint32_t)(ticks >> 32));
    put_u32(b, (uint32_t)ticks);
    put_u32(b, cap_len);
    put_u32(b, wire_len);
    for (uint32_t i = 0; i < padded; i++)
        strbuf_add(b, (const char[]){(char)i}, 1);
    put_u32(b, 32 + padded);
}

TEST(capture, pcapng)
{
    struct strbuf b = {0};
    struct trial t;

    png_begin(&b, ETHERNET, 9);
    png_frame(&b, 1795132801123456789, 61, 1000);
    put_u32(&b, 0x0badf00d); // a block that nobody knows
    put_u32(&b, 16);
    put_u32(&b, 0);
    put_u32(&b, 16);
    png_frame(&b, 1795132801123456790, 4, 4);
    trial_open(&t, &b, false);
    REQUIRE(t.c != NULL);
    expect_frame(&t, 1795132801123456789, 61, 1000);
    expect_frame(&t, 1795132801123456790, 4, 4);
    expect_end(&t, 0, NULL);
    trial_close(&t);
}

TEST(capture, pcapng_in_microseconds)
{
    struct strbuf b = {0};
    struct trial t;

    png_begin(&b, ETHERNET, 6);
    png_frame(&b, 1795132801123456, 6, 6);
    trial_open(&t, &b, false);
    REQUIRE(t.c != NULL);
    expect_frame(&t, 1795132801123456000, 6, 6);
    expect_end(&t, 0, NULL);
    trial_close(&t);
}

TEST(capture, a_time_that_cannot_be)
{
    struct strbuf b = {0};
    struct trial t;

    png_begin(&b, ETHERNET, 0); // ticks are seconds
    png_frame(&b, 100, 4, 4);
    png_frame(&b, 20000000000, 4, 4); // the year 2603
    png_frame(&b, 101, 4, 4);
    trial_open(&t, &b, false);
    REQUIRE(t.c != NULL);
    expect_frame(&t, 100000000000, 4, 4);
    expect_frame(&t, 100000000000, 4, 4);
    expect_frame(&t, 101000000000, 4, 4);
    expect_end(&t, 0, NULL);
    EXPECT_EQ_INT(capture_bad_times(t.c), 1);
    trial_close(&t);
}

TEST(capture, other_link_types_are_refused_by_name)
{
    struct strbuf b = {0};
    struct trial t;

    pcap_begin(&b, MAGIC_US, SLL);
    trial_open(&t, &b, false);
    EXPECT(t.c == NULL);
    EXPECT_HAS_STR(t.err.s, "its link type is LINUX_SLL (Linux cooked v1): only Ethernet");
    trial_close(&t);
    png_begin(&b, SLL, 6);
    trial_open(&t, &b, false);
    EXPECT(t.c == NULL);
    EXPECT_HAS_STR(t.err.s, "LINUX_SLL");
    trial_close(&t);
}

TEST(capture, a_second_interface_of_another_type_is_damage)
{
    struct strbuf b = {0};
    struct trial t;

    png_begin(&b, ETHERNET, 6);
    png_frame(&b, 1, 4, 4);
    png_interface(&b, SLL, 6);
    trial_open(&t, &b, false);
    REQUIRE(t.c != NULL);
    expect_frame(&t, 1000, 4, 4);
    expect_end(&t, -EBADMSG, "damaged after frame 1: ");
    trial_close(&t);
}

// Cut at every length: the frames that are whole come out, then the end or a message.
TEST(capture, a_file_that_is_cut_short)
{
    struct strbuf whole = {0};

    pcap_begin(&whole, MAGIC_NS, ETHERNET);
    pcap_frame(&whole, 1, 0, 10, 10);
    pcap_frame(&whole, 2, 0, 20, 20);
    for (size_t len = 0; len <= whole.len; len++) {
        struct strbuf b = {0};
        struct capture_frame f;
        struct trial t;
        uint32_t frames = len >= 24 + 26 + 36 ? 2 : len >= 24 + 26 ? 1 : 0;

        strbuf_add(&b, whole.s, len);
        trial_open(&t, &b, false);
        EXPECT((t.c != NULL) == (len >= 24));
        if (len < 24)
            EXPECT_HAS_STR(t.err.s, "capture '");
        for (uint32_t i = 0; t.c && i < frames; i++)
            EXPECT_EQ_INT(capture_next(t.c, &f), 1);
        bool ends = len == 24 || len == 24 + 26 || len == whole.len;
        if (t.c)
            expect_end(&t, ends ? 0 : -EBADMSG, ends ? NULL : "truncated dump file");
        trial_close(&t);
    }
    strbuf_release(&whole);
}

TEST(capture, what_is_no_capture)
{
    struct strbuf b = {0}, err = {0};
    struct trial t;

    strbuf_puts(&b, "interval,end,stream,key,value,complete\r\n");
    trial_open(&t, &b, false);
    EXPECT(t.c == NULL);
    EXPECT_HAS_STR(t.err.s, "unknown file format");
    EXPECT(capture_open(t.folder, false, &err) == NULL);
    EXPECT_HAS_STR(err.s, "capture '/");
    strbuf_clear(&err);
    EXPECT(capture_open("/nowhere/x.pcap", false, &err) == NULL);
    EXPECT_EQ_STR(err.s, "capture '/nowhere/x.pcap': No such file or directory");
    strbuf_release(&err);
    trial_close(&t);
}

TEST(capture, loops_with_time_going_on)
{
    struct strbuf b = {0};
    struct trial t;

    pcap_begin(&b, MAGIC_NS, ETHERNET);
    pcap_frame(&b, 10, 0, 4, 4);
    pcap_frame(&b, 14, 0, 4, 4);
    pcap_frame(&b, 12, 0, 4, 4); // late, in every round
    trial_open(&t, &b, true);
    REQUIRE(t.c != NULL);
    // a span of 4 s and an average gap of 2 s: rounds are 6 s apart
    for (int64_t round = 0; round < 5; round++) {
        expect_frame(&t, (10 + 6 * round) * 1000000000, 4, 4);
        expect_frame(&t, (14 + 6 * round) * 1000000000, 4, 4);
        expect_frame(&t, (12 + 6 * round) * 1000000000, 4, 4);
    }
    trial_close(&t);
}

TEST(capture, loops_of_one_frame_of_none_and_of_a_pipe)
{
    struct strbuf b = {0}, err = {0};
    struct trial t;

    pcap_begin(&b, MAGIC_NS, ETHERNET);
    trial_open(&t, &b, true);
    REQUIRE(t.c != NULL);
    expect_end(&t, 0, NULL);
    trial_close(&t);

    pcap_begin(&b, MAGIC_NS, ETHERNET);
    pcap_frame(&b, 10, 0, 4, 4);
    trial_open(&t, &b, true);
    REQUIRE(t.c != NULL);
    expect_frame(&t, 10000000000, 4, 4);
    expect_frame(&t, 10000001000, 4, 4);
    trial_close(&t);

    pcap_begin(&b, MAGIC_NS, ETHERNET);
    trial_open(&t, &b, false);
    char fifo[96];
    snprintf(fifo, sizeof fifo, "%s/fifo", t.folder);
    EXPECT_EQ_INT(mkfifo(fifo, 0600), 0);
    FILE *keep_open = fopen(fifo, "r+");
    fwrite("\x4d\x3c\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0\0", 1, 24, keep_open);
    fflush(keep_open);
    EXPECT(capture_open(fifo, true, &err) == NULL);
    EXPECT_HAS_STR(err.s, "only a regular file can be looped");
    fclose(keep_open);
    strbuf_release(&err);
    trial_close(&t);
}

// Rounds of 130 years: the second would end after the year 2262.
TEST(capture, a_loop_ends_with_time)
{
    struct strbuf b = {0};
    struct trial t;

    pcap_begin(&b, MAGIC_NS, ETHERNET);
    pcap_frame(&b, 0, 0, 4, 4);
    pcap_frame(&b, 4100000000u, 0, 4, 4);
    trial_open(&t, &b, true);
    REQUIRE(t.c != NULL);
    expect_frame(&t, 0, 4, 4);
    expect_frame(&t, 4100000000000000000, 4, 4);
    expect_end(&t, 0, NULL);
    trial_close(&t);
}

TEST(capture, pace)
{
    static const struct {
        int64_t ts_ns;
        uint64_t now_ns, due_ns;
    } table[] = {{1000, 50, 50}, {1500, 60, 550}, {900, 700, 50}, {1000, 700, 50}};
    struct capture_pace pace = {0};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        EXPECT_EQ_INT(capture_due_ns(&pace, table[i].ts_ns, table[i].now_ns), table[i].due_ns);
}
