#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/recfile.h"
#include "rdd/format_walk.h"
#include "tests/io/make_rdd.h"
#include "tests/prng.h"
#include "tests/test.h"

static const struct format text = {.kind = FORMAT_TEXT};

// A file and its reader, and what was read: runs put one after the other.
struct trial {
    char folder[64], path[96];
    struct recfile *f;
    uint8_t *page;
    uint32_t page_bytes, pages_cnt;
    struct strbuf got;
    uint32_t run_bytes_max;
};

static void trial_begin(struct trial *t, const struct format *format, const char *bytes, size_t len,
                        uint64_t rate, int64_t start_ns)
{
    struct strbuf err = {0};

    memset(t, 0, sizeof *t);
    make_folder(t->folder);
    snprintf(t->path, sizeof t->path, "%s/in", t->folder);
    FILE *f = fopen(t->path, "w");
    fwrite(bytes, 1, len, f);
    fclose(f);
    t->page_bytes = RECFILE_PAGE_BYTES_MIN;
    t->f = recfile_open(
        &(struct recfile_conf){
            .path = t->path, .format = format, .rate = rate, .start_ns = start_ns},
        &err);
    EXPECT(t->f != NULL);
    strbuf_puts(&t->got, "");
    strbuf_release(&err);
}

static void trial_end(struct trial *t)
{
    recfile_close(t->f);
    free(t->page);
    strbuf_release(&t->got);
    remove_folder(t->folder);
}

// Takes one run, giving pages as they are asked for, each a new one so that ASan sees old ones.
static int take(struct trial *t, uint64_t records_max, uint32_t *cnt)
{
    struct run run;
    int rc;

    while ((rc = recfile_next(t->f, records_max, &run, cnt)) == -ENOBUFS) {
        free(t->page);
        t->page = malloc(t->page_bytes);
        t->pages_cnt++;
        recfile_page(t->f, t->page, t->page_bytes);
    }
    if (rc == 1) {
        strbuf_add(&t->got, (const char *)t->page + run.off, run.len);
        if (run.len > t->run_bytes_max)
            t->run_bytes_max = run.len;
    }
    return rc;
}

TEST(recfile, cuts_between_records)
{
    struct trial t;
    uint32_t cnt;

    trial_begin(&t, &text, "a\nb\nc\nd\ne", 9, 1000000, 0);
    EXPECT_EQ_INT(take(&t, 2, &cnt), 1);
    EXPECT_EQ_INT(cnt, 2);
    EXPECT_EQ_STR(t.got.s, "a\nb\n");
    EXPECT_EQ_INT(recfile_records(t.f), 2);
    EXPECT_EQ_INT(take(&t, 99, &cnt), 1);
    EXPECT_EQ_INT(cnt, 2);
    EXPECT_EQ_INT(take(&t, 99, &cnt), 1); // the last line shows at the end of the file alone
    EXPECT_EQ_INT(cnt, 1);
    EXPECT_EQ_INT(take(&t, 99, &cnt), 0);
    EXPECT_EQ_INT(take(&t, 99, &cnt), 0);
    EXPECT_EQ_STR(t.got.s, "a\nb\nc\nd\ne");
    EXPECT_EQ_INT(recfile_records(t.f), 5);
    trial_end(&t);
}

TEST(recfile, an_empty_file)
{
    struct trial t;
    uint32_t cnt;

    trial_begin(&t, &text, "", 0, 1000000, 0);
    EXPECT_EQ_INT(take(&t, 1, &cnt), 0);
    EXPECT_EQ_INT(recfile_records(t.f), 0);
    trial_end(&t);
}

TEST(recfile, times)
{
    static const struct {
        uint64_t rate;
        int64_t start_ns;
        uint64_t n;
        int64_t time;
    } table[] = {
        {1000000, 0, 0, 0},
        {1000000, 0, 1, 1000},
        {1000000, 500, 3, 3500},
        {3, 0, 1, 333333333},
        {3, 0, 2, 666666666},
        {3, 0, 3, 1000000000},
        {7000000000, 0, 1, 0},
        {7000000000, 0, 7, 1},
        {1, 1795132801000000000, 60, 1795132861000000000},
        {1, 0, UINT64_MAX, INT64_MAX},
    };
    struct trial t;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        trial_begin(&t, &text, "", 0, table[i].rate, table[i].start_ns);
        EXPECT_EQ_INT(recfile_time(t.f, table[i].n), table[i].time);
        trial_end(&t);
    }
}

// By its definition: the records below it have a time before t, and it has not.
TEST(recfile, records_before_a_time)
{
    struct prng p = prng_of(prng_seed(31));
    struct trial t;

    for (int i = 0; i < 200; i++) {
        uint64_t rate = 1 + prng_below(&p, 1ull << prng_below(&p, 40));
        int64_t start = prng_between(&p, 0, 2000000000000000000);
        trial_begin(&t, &text, "", 0, rate, start);
        for (int k = 0; k < 20; k++) {
            int64_t at = start + prng_between(&p, -1000, 1ll << prng_below(&p, 45));
            uint64_t n = recfile_records_before(t.f, at);
            EXPECT(recfile_time(t.f, n) >= at);
            EXPECT(n == 0 || recfile_time(t.f, n - 1) < at);
        }
        trial_end(&t);
    }
}

static const struct format_field two_strings[] = {{.name = "a", .type = TYPE_STRING},
                                                  {.name = "b", .type = TYPE_STRING}};
static const struct format csv = {.kind = FORMAT_CSV,
                                  .separator = ',',
                                  .quotes = true,
                                  .header = true,
                                  .fields_cnt = 2,
                                  .field = two_strings};
static const struct format binary = {.kind = FORMAT_BINARY, .record_bytes = 1000};
static const struct format frames = {.kind = FORMAT_FRAMES, .length_bytes = 4};

TEST(recfile, steps_over_a_header)
{
    static const char file[] = "first,\"sec\nond\"\na,b\nc,d\n";
    struct trial t;
    uint32_t cnt;

    trial_begin(&t, &csv, file, sizeof file - 1, 1000000, 0);
    EXPECT_EQ_INT(take(&t, 99, &cnt), 1);
    EXPECT_EQ_INT(cnt, 2);
    EXPECT_EQ_STR(t.got.s, "a,b\nc,d\n");
    EXPECT_EQ_INT(take(&t, 99, &cnt), 0);
    trial_end(&t);
}

static void put_record(struct strbuf *b, const struct format *f, uint32_t len, struct prng *p)
{
    if (f->kind == FORMAT_FRAMES)
        strbuf_add(
            b, (const char[]){(char)(len >> 24), (char)(len >> 16), (char)(len >> 8), (char)len},
            4);
    if (f->kind == FORMAT_CSV)
        strbuf_puts(b, prng_chance(p, 30) ? "\"\n\"," : "k,");
    if (f->kind == FORMAT_BINARY)
        len = f->record_bytes;
    for (uint32_t i = 0; i < len; i++)
        strbuf_add(b, (const char[]){(char)('a' + prng_below(p, 20))}, 1);
    if (f->kind == FORMAT_TEXT || f->kind == FORMAT_CSV)
        strbuf_puts(b, "\n");
}

// Files of many pages, with records up to the longest that a reader takes: every byte comes back
// once, and every limit is kept.
TEST(recfile, gives_back_what_is_in_the_file)
{
    static const struct format *const kind[] = {&text, &csv, &binary, &frames};
    struct prng p = prng_of(prng_seed(41));

    for (size_t k = 0; k < sizeof kind / sizeof kind[0]; k++) {
        struct strbuf file = {0};
        uint64_t records_cnt = 0, got_cnt = 0;
        size_t header = 0;
        struct trial t;
        uint32_t cnt;

        if (kind[k]->header) {
            strbuf_puts(&file, "a,b\n");
            header = file.len;
        }
        while (file.len < 3 * RECFILE_PAGE_BYTES_MIN) {
            put_record(&file, kind[k], (uint32_t)prng_below(&p, prng_chance(&p, 2) ? 65000 : 400),
                       &p);
            records_cnt++;
        }
        trial_begin(&t, kind[k], file.s, file.len, 1000000, 0);
        for (;;) {
            uint64_t max = 1 + prng_below(&p, 300);
            int rc = take(&t, max, &cnt);
            EXPECT(rc == 0 || rc == 1);
            if (rc != 1)
                break;
            EXPECT(cnt >= 1 && cnt <= max);
            got_cnt += cnt;
        }
        EXPECT_EQ_INT(got_cnt, records_cnt);
        EXPECT_EQ_INT(t.got.len, file.len - header);
        EXPECT(memcmp(t.got.s, file.s + header, t.got.len) == 0);
        EXPECT(t.pages_cnt >= 3);
        EXPECT(t.run_bytes_max <= RECORD_BYTES_MAX);
        trial_end(&t);
        strbuf_release(&file);
    }
}

// The head of a record too long for any reader is given, as one record; the rest is not.
TEST(recfile, records_too_long)
{
    static const struct format *const kind[] = {&text, &csv, &frames};
    struct prng p = prng_of(prng_seed(51));

    for (size_t k = 0; k < sizeof kind / sizeof kind[0]; k++) {
        struct strbuf file = {0};
        struct trial t;
        uint32_t cnt, total = 0;

        if (kind[k]->header)
            strbuf_puts(&file, "a,b\n");
        for (int i = 0; i < 3; i++) {
            put_record(&file, kind[k], 10, &p);
            put_record(&file, kind[k], 3 * RECFILE_PAGE_BYTES_MIN, &p);
        }
        put_record(&file, kind[k], 10, &p);
        trial_begin(&t, kind[k], file.s, file.len, 1000000, 0);
        while (take(&t, 99, &cnt) == 1)
            total += cnt;
        EXPECT_EQ_INT(total, 7);
        EXPECT_EQ_INT(t.run_bytes_max, FORMAT_WALK_BYTES);
        EXPECT(t.got.len < 3 * FORMAT_WALK_BYTES + 4 * 20);
        trial_end(&t);
        strbuf_release(&file);
    }
}

// Short and long records and one of each length around the limit, in pages of any size: what is
// given does not depend on where they end.
TEST(recfile, a_page_may_end_anywhere)
{
    static const struct format *const formats[] = {&text, &csv, &frames};
    struct prng p = prng_of(prng_seed(7));

    for (uint32_t i = 0; i < 3; i++) {
        struct strbuf file = {0};
        struct trial t[4];
        uint64_t records[4];

        for (uint32_t n = 0; n < 24; n++) {
            uint32_t len = (uint32_t)prng_below(&p, 100);
            put_record(&file, formats[i], len, &p);
            len = FORMAT_WALK_BYTES - 8 + n;
            put_record(&file, formats[i], n % 3 ? len : (uint32_t)prng_below(&p, 400000), &p);
        }
        for (uint32_t k = 0; k < 4; k++) {
            uint32_t cnt;
            trial_begin(&t[k], formats[i], file.s, file.len, 1, 0);
            t[k].page_bytes += k ? (uint32_t)prng_below(&p, 2000000) : 0;
            while (take(&t[k], UINT64_MAX, &cnt) == 1)
                ;
            records[k] = recfile_records(t[k].f);
            EXPECT_EQ_INT(records[k], records[0]);
            EXPECT_EQ_INT(t[k].got.len, t[0].got.len);
            EXPECT(t[k].got.len == t[0].got.len &&
                   memcmp(t[k].got.s, t[0].got.s, t[0].got.len) == 0);
        }
        for (uint32_t k = 0; k < 4; k++)
            trial_end(&t[k]);
        strbuf_release(&file);
    }
}

TEST(recfile, a_pipe_is_not_waited_for)
{
    struct strbuf err = {0};
    char folder[64], fifo[96];
    struct run run;
    uint32_t cnt;
    uint8_t *page = malloc(RECFILE_PAGE_BYTES_MIN);

    make_folder(folder);
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    EXPECT_EQ_INT(mkfifo(fifo, 0600), 0);
    FILE *in = fopen(fifo, "r+");
    struct recfile *f =
        recfile_open(&(struct recfile_conf){.path = fifo, .format = &text, .rate = 1000000}, &err);
    REQUIRE(f != NULL);
    recfile_page(f, page, RECFILE_PAGE_BYTES_MIN);
    EXPECT_EQ_INT(recfile_next(f, 9, &run, &cnt), -EAGAIN);
    fputs("one\ntw", in);
    fflush(in);
    EXPECT_EQ_INT(recfile_next(f, 9, &run, &cnt), 1);
    EXPECT_EQ_INT(run.len, 4);
    EXPECT_EQ_INT(recfile_next(f, 9, &run, &cnt), -EAGAIN);
    fputs("o", in);
    fclose(in);
    EXPECT_EQ_INT(recfile_next(f, 9, &run, &cnt), 1);
    EXPECT_EQ_MEM(page + run.off, "two", 3);
    EXPECT_EQ_INT(recfile_next(f, 9, &run, &cnt), 0);
    recfile_close(f);
    free(page);
    strbuf_release(&err);
    remove_folder(folder);
}

TEST(recfile, what_cannot_be_opened)
{
    static const struct {
        const char *path, *error;
    } table[] = {{"/nowhere/in", "input '/nowhere/in': No such file or directory"},
                 {"/tmp", "input '/tmp': Is a directory"}};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct strbuf err = {0};
        EXPECT(
            recfile_open(&(struct recfile_conf){.path = table[i].path, .format = &text, .rate = 1},
                         &err) == NULL);
        EXPECT_EQ_STR(err.s, table[i].error);
        strbuf_release(&err);
    }
}
