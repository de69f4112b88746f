#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/send.h"
#include "io/send_cut.h"
#include "tests/io/make_rdd.h"
#include "tests/prng.h"
#include "tests/test.h"

TEST(send, rates)
{
    static const struct {
        const char *text;
        int rc;
        uint64_t rate;
    } table[] = {
        {"100", 0, 100},      {"10k", 0, 10000},     {"10K", 0, 10000},   {"1.5M", 0, 1500000},
        {"2M/s", 0, 2000000}, {"1G", 0, 1000000000}, {"7/s", 0, 7},       {"0", -EINVAL, 0},
        {"0.5", -EINVAL, 0},  {"", -EINVAL, 0},      {"-1", -EINVAL, 0},  {"k", -EINVAL, 0},
        {"1kk", -EINVAL, 0},  {"1 k", -EINVAL, 0},   {"nan", -EINVAL, 0}, {"1e300", -EINVAL, 0},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint64_t rate = 0;
        EXPECT_EQ_INT(send_parse_rate(table[i].text, &rate), table[i].rc);
        EXPECT_EQ_INT(rate, table[i].rate);
    }
}

TEST(send, pace)
{
    struct send_pace p = {.rate = 1000};

    EXPECT_EQ_INT(send_pace_records(&p), 10);
    EXPECT_EQ_INT(send_pace_due(&p, 5000000), 5000000);
    p.sent_cnt = 3;
    EXPECT_EQ_INT(send_pace_due(&p, 5000000), 8000000);
    EXPECT_EQ_INT(send_pace_due(&p, 108000000), 8000000);
    // later than that, the count starts again: no burst to make up for a pause
    EXPECT_EQ_INT(send_pace_due(&p, 108000001), 108000001);
    EXPECT_EQ_INT(p.sent_cnt, 0);

    p = (struct send_pace){.rate = 3};
    EXPECT_EQ_INT(send_pace_records(&p), 1);
    p = (struct send_pace){.rate = 0};
    EXPECT_EQ_INT(send_pace_due(&p, 77), 77);
    EXPECT_EQ_INT(send_pace_records(&p), UINT32_MAX);
}

// A file of records and the cutter over it.
struct trial {
    char folder[64], path[96];
    struct send_cut cut;
};

static void trial_begin(struct trial *t, const struct strbuf *file, uint32_t size,
                        uint32_t length_bytes, bool loop)
{
    make_folder(t->folder);
    snprintf(t->path, sizeof t->path, "%s/in", t->folder);
    FILE *f = fopen(t->path, "w");
    fwrite(file->s, 1, file->len, f);
    fclose(f);
    t->cut = (struct send_cut){
        .fd = open(t->path, O_RDONLY), .size = size, .length_bytes = length_bytes, .loop = loop};
    EXPECT_EQ_INT(send_cut_init(&t->cut), 0);
}

static void trial_end(struct trial *t)
{
    send_cut_release(&t->cut);
    close(t->cut.fd);
    remove_folder(t->folder);
}

static int next(struct trial *t, uint32_t records_max, struct datagram *d)
{
    int rc;

    while ((rc = send_cut_next(&t->cut, records_max, d)) == -EAGAIN)
        EXPECT_EQ_INT(send_cut_read(&t->cut), 0);
    return rc;
}

TEST(send, cuts_lines)
{
    static const struct {
        const char *file;
        uint32_t size, records_max;
        const char *datagrams; // each ended by '|'
        int skipped_cnt;
    } table[] = {
        {"", 10, 9, "", 0},
        {"a\nbb\nccc\n", 10, 9, "a\nbb\nccc\n|", 0},
        {"a\nbb\nccc\n", 10, 2, "a\nbb\n|ccc\n|", 0},
        {"a\nbb\nccc", 5, 9, "a\nbb\n|ccc|", 0},
        {"\n\n\n", 2, 9, "\n\n|\n|", 0},
        {"12345\n67890\n", 5, 9, "12345|67890|", 0},
        {"123456\n7\n", 5, 9, "7\n|", 1},
        {"1\n234567890123\n2\n", 5, 9, "1\n|2\n|", 1},
        {"1\n2345678901234", 5, 9, "1\n|", 1},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct strbuf file = {0}, got = {0};
        struct datagram d;
        struct trial t;
        int rc;

        strbuf_puts(&file, table[i].file);
        strbuf_puts(&got, "");
        trial_begin(&t, &file, table[i].size, 0, false);
        while ((rc = next(&t, table[i].records_max, &d)) == 1) {
            strbuf_add(&got, (const char *)d.bytes, d.len);
            strbuf_puts(&got, "|");
        }
        EXPECT_EQ_INT(rc, 0);
        EXPECT_EQ_STR(got.s, table[i].datagrams);
        EXPECT_EQ_INT(t.cut.skipped_cnt, table[i].skipped_cnt);
        trial_end(&t);
        strbuf_release(&file);
        strbuf_release(&got);
    }
}

// Random records, some too large, in a file larger than the buffer: what comes out is what went
// in, without those.
static void check_random(uint32_t length_bytes, struct prng *p)
{
    struct strbuf file = {0}, want = {0}, got = {0};
    uint64_t large_cnt = 0, records_cnt = 0, got_cnt = 0;
    enum { SIZE = 1000 };
    struct datagram d;
    struct trial t;

    while (file.len < 2500000) {
        uint32_t max = prng_chance(p, 1) ? 60000 : 300, n = (uint32_t)prng_below(p, max);
        size_t from = file.len;
        if (length_bytes)
            strbuf_add(&file, (const char[]){(char)(n >> 8), (char)n}, 2);
        for (uint32_t i = 0; i < n; i++)
            strbuf_add(&file, (const char[]){(char)('a' + i % 26)}, 1);
        if (!length_bytes)
            strbuf_add(&file, "\n", 1);
        // a line of SIZE bytes goes without its newline
        bool large = n + (length_bytes ? length_bytes : 0) > SIZE;
        large_cnt += large;
        records_cnt += !large;
        if (!large)
            strbuf_add(&want, file.s + from, file.len - from - (!length_bytes && n == SIZE));
    }
    trial_begin(&t, &file, SIZE, length_bytes, false);
    while (next(&t, 1 + (uint32_t)prng_below(p, 50), &d) == 1) {
        EXPECT(d.len <= SIZE);
        strbuf_add(&got, (const char *)d.bytes, d.len);
        got_cnt += d.records_cnt;
    }
    EXPECT_EQ_INT(got.len, want.len);
    EXPECT(got.len == want.len && memcmp(got.s, want.s, want.len) == 0);
    EXPECT_EQ_INT(got_cnt, records_cnt);
    EXPECT_EQ_INT(t.cut.skipped_cnt, large_cnt);
    trial_end(&t);
    strbuf_release(&file);
    strbuf_release(&want);
    strbuf_release(&got);
}

TEST(send, cuts_random_records)
{
    struct prng p = prng_of(prng_seed(5));

    check_random(0, &p);
    check_random(2, &p);
}

TEST(send, loops)
{
    struct strbuf file = {0};
    struct datagram d;
    struct trial t;

    strbuf_puts(&file, "a\nb");
    trial_begin(&t, &file, 100, 0, true);
    for (int round = 0; round < 5; round++) {
        EXPECT_EQ_INT(next(&t, 9, &d), 1);
        EXPECT_EQ_MEM(d.bytes, "a\n", d.len);
        EXPECT_EQ_INT(next(&t, 9, &d), 1);
        EXPECT_EQ_MEM(d.bytes, "b", d.len);
    }
    trial_end(&t);
    strbuf_clear(&file);
    trial_begin(&t, &file, 100, 0, true);
    EXPECT_EQ_INT(next(&t, 9, &d), 0); // nothing to repeat
    trial_end(&t);
    strbuf_release(&file);
}

TEST(send, over_the_loopback)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    struct strbuf file = {0}, got = {0};
    char folder[64], path[96], to[32], size[] = "512", *datagram = malloc(65536);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), datagrams_cnt = 0;
    ssize_t n;

    EXPECT_EQ_INT(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    getsockname(fd, (struct sockaddr *)&at, &len);
    make_folder(folder);
    snprintf(path, sizeof path, "%s/in", folder);
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 500; i++)
        strbuf_printf(&file, "line %d\n", i);
    fwrite(file.s, 1, file.len, f);
    fclose(f);
    snprintf(to, sizeof to, "127.0.0.1:%u", ntohs(at.sin_port));
    char *argv[] = {(char[]){"send"},
                    (char[]){"--to"},
                    to,
                    (char[]){"--size"},
                    size,
                    (char[]){"--rate"},
                    (char[]){"1M"},
                    path,
                    NULL};
    EXPECT_EQ_INT(send_main(8, argv), 0);
    while ((n = recv(fd, datagram, 65536, 0)) > 0) {
        EXPECT(n <= 512);
        datagrams_cnt++;
        strbuf_add(&got, datagram, (size_t)n);
    }
    EXPECT_EQ_STR(got.s, file.s);
    EXPECT(datagrams_cnt < 20);
    close(fd);
    free(datagram);
    strbuf_release(&file);
    strbuf_release(&got);
    remove_folder(folder);
}

TEST(send, wrong_arguments)
{
    static char nowhere[] = "127.0.0.1", there[] = "127.0.0.1:9", missing[] = "/nowhere/in";
    static char send[] = "send", to[] = "--to", size[] = "--size", zero[] = "0";
    static const struct {
        int argc;
        char *argv[6];
        int code;
    } table[] = {
        {1, {send}, 78},
        {3, {send, to, there}, 78},
        {4, {send, to, nowhere, missing}, 78},
        {4, {send, to, there, missing}, 69},
        {6, {send, to, there, size, zero, missing}, 78},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char *argv[8] = {0};
        memcpy(argv, table[i].argv, sizeof table[i].argv);
        EXPECT_EQ_INT(send_main(table[i].argc, argv), table[i].code);
    }
}
