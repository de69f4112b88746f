#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/sink.h"
#include "tests/io/make_rdd.h"
#include "tests/test.h"

// A file sink of one stream of counts in a fresh folder.
struct trial {
    char folder[64], path[128];
    struct sink_conf conf;
    struct sink *sink;
};

static void trial_begin(struct trial *t, enum sink_rows rows, uint64_t roll_ns)
{
    make_folder(t->folder);
    snprintf(t->path, sizeof t->path, "%s/a/b", t->folder);
    t->conf = (struct sink_conf){
        .name = "files", .type = "file", .rows = rows, .path = t->path, .roll_ns = roll_ns};
    t->sink = NULL;
}

static void trial_open(struct trial *t, bool live)
{
    struct strbuf err = {0};

    t->sink = sink_open(&t->conf, &(struct sink_env){.live = live}, &err);
    EXPECT(t->sink != NULL);
    EXPECT_EQ_INT(sink_stream(t->sink, &make_counts), 0);
    strbuf_release(&err);
}

static int trial_write(struct trial *t, uint64_t interval, const char *word, int64_t cnt)
{
    static struct make_rdd m;
    struct out_rows rows = {0};

    make_rdd(&m, &make_counts, interval);
    if (word)
        make_count(&m, word, cnt);
    out_rows_sort(&rows, &m.rdd);
    int rc = sink_write(t->sink, &m.rdd, &rows);
    out_rows_release(&rows);
    make_release(&m);
    return rc;
}

static int trial_close(struct trial *t)
{
    struct strbuf err = {0};
    int rc = sink_close(t->sink, &err);

    strbuf_release(&err);
    return rc;
}

static char line_buf[512];

static const char *line(uint64_t interval, const char *word, int64_t cnt)
{
    snprintf(line_buf, sizeof line_buf,
             "{\"interval\": %llu, \"end\": \"1970-01-01T00:00:%02lluZ\", \"stream\": \"counts\", "
             "\"key\": \"%s\", \"value\": %lld}\n",
             (unsigned long long)interval, (unsigned long long)interval + 1, word, (long long)cnt);
    return line_buf;
}

// NULL: there is no such file.
static void expect_file(const struct trial *t, const char *name, const char *want)
{
    char full[128];

    snprintf(full, sizeof full, "counts/%s", name);
    char *is = read_back(t->path, full);
    EXPECT_EQ_STR(is, want);
    free(is);
}

TEST(sink_file, one_file_for_each_interval_by_default)
{
    struct trial t;

    trial_begin(&t, SINK_ROWS_JSONL, 0);
    trial_open(&t, true);
    EXPECT_EQ_INT(trial_write(&t, 7, "the", 1), 0);
    expect_file(&t, "7.jsonl", line(7, "the", 1)); // at once, not at the next interval
    EXPECT_EQ_INT(trial_write(&t, 8, NULL, 0), 0);
    expect_file(&t, "8.jsonl", "");
    EXPECT_EQ_INT(trial_write(&t, 9, "a", 3), 0);
    EXPECT_EQ_INT(trial_close(&t), 0);
    expect_file(&t, "9.jsonl", line(9, "a", 3));
    expect_file(&t, ".9.jsonl.part", NULL);
    remove_folder(t.folder);
}

TEST(sink_file, rolls_are_aligned_and_named_by_their_first_interval)
{
    struct trial t;
    char want[2048] = "";

    trial_begin(&t, SINK_ROWS_JSONL, 5000000000);
    trial_open(&t, true);
    for (uint64_t i = 7; i <= 11; i++)
        EXPECT_EQ_INT(trial_write(&t, i, "w", (int64_t)i), 0);
    for (uint64_t i = 7; i <= 9; i++)
        snprintf(want + strlen(want), sizeof want - strlen(want), "%s", line(i, "w", (int64_t)i));
    expect_file(&t, "7.jsonl", want);
    expect_file(&t, "10.jsonl", NULL);
    EXPECT_EQ_INT(trial_close(&t), 0);
    want[0] = '\0';
    for (uint64_t i = 10; i <= 11; i++)
        snprintf(want + strlen(want), sizeof want - strlen(want), "%s", line(i, "w", (int64_t)i));
    expect_file(&t, "10.jsonl", want);
    remove_folder(t.folder);
}

TEST(sink_file, csv_has_a_header_in_every_file)
{
    struct trial t;

    trial_begin(&t, SINK_ROWS_CSV, 2000000000);
    trial_open(&t, false);
    EXPECT_EQ_INT(trial_write(&t, 0, "a,\"b\"", 1), 0);
    EXPECT_EQ_INT(trial_write(&t, 1, NULL, 0), 0);
    EXPECT_EQ_INT(trial_write(&t, 2, NULL, 0), 0);
    EXPECT_EQ_INT(trial_close(&t), 0);
    expect_file(&t, "0.csv",
                "interval,end,stream,key,value,complete\r\n"
                "0,1970-01-01T00:00:01Z,counts,\"a,\"\"b\"\"\",1,true\r\n");
    expect_file(&t, "2.csv", "interval,end,stream,key,value,complete\r\n");
    remove_folder(t.folder);
}

// What is run again replaces its rows where they stand: in the open file, in finished ones, and
// with other rows too.
TEST(sink_file, an_interval_that_is_run_again)
{
    for (int csv = 0; csv < 2; csv++) {
        struct trial t;
        const char *name = csv ? "5.csv" : "5.jsonl";
        char full[64];

        trial_begin(&t, csv ? SINK_ROWS_CSV : SINK_ROWS_JSONL, 5000000000);
        snprintf(full, sizeof full, "counts/%s", name);
        trial_open(&t, true);
        for (uint64_t i = 5; i <= 9; i++)
            EXPECT_EQ_INT(trial_write(&t, i, "line\nend\"", (int64_t)i), 0);
        char *before = read_back(t.path, full);
        EXPECT(before != NULL);
        EXPECT_EQ_INT(trial_write(&t, 7, "line\nend\"", 7), 0);
        expect_file(&t, name, before);
        EXPECT_EQ_INT(trial_write(&t, 7, "other", 100), 0);
        char *other = read_back(t.path, full);
        EXPECT(other != NULL && strstr(other, "other") != NULL);
        EXPECT(other != NULL && strstr(other, csv ? ",7,true" : "\"value\": 7}") == NULL);
        EXPECT_EQ_INT(trial_write(&t, 7, "line\nend\"", 7), 0);
        expect_file(&t, name, before);
        // and in a file that is still open
        EXPECT_EQ_INT(trial_write(&t, 10, "a", 1), 0);
        EXPECT_EQ_INT(trial_write(&t, 11, "b", 1), 0);
        EXPECT_EQ_INT(trial_write(&t, 10, "a", 1), 0);
        EXPECT_EQ_INT(trial_write(&t, 12, "c", 1), 0);
        EXPECT_EQ_INT(trial_close(&t), 0);
        char *last = read_back(t.path, csv ? "counts/10.csv" : "counts/10.jsonl");
        EXPECT(last != NULL);
        int lines_cnt = 0;
        for (const char *p = last; p && *p; p++)
            lines_cnt += *p == '\n';
        EXPECT_EQ_INT(lines_cnt, 3 + csv);
        free(before);
        free(other);
        free(last);
        remove_folder(t.folder);
    }
}

TEST(sink_file, a_live_run_leaves_the_files_of_another_alone)
{
    struct trial t;

    trial_begin(&t, SINK_ROWS_JSONL, 0);
    trial_open(&t, true);
    EXPECT_EQ_INT(trial_write(&t, 7, "first", 1), 0);
    EXPECT_EQ_INT(trial_close(&t), 0);
    trial_open(&t, true);
    EXPECT_EQ_INT(trial_write(&t, 7, "second", 1), 0);
    EXPECT_EQ_INT(trial_write(&t, 7, "second again", 1), 0);
    EXPECT_EQ_INT(trial_close(&t), 0);
    expect_file(&t, "7.jsonl", line(7, "first", 1));
    expect_file(&t, "7~2.jsonl", line(7, "second again", 1));
    remove_folder(t.folder);
}

TEST(sink_file, a_capture_replaces_its_files)
{
    struct trial t;

    trial_begin(&t, SINK_ROWS_JSONL, 0);
    for (int run = 1; run <= 2; run++) {
        trial_open(&t, false);
        EXPECT_EQ_INT(trial_write(&t, 7, "the", run), 0);
        EXPECT_EQ_INT(trial_close(&t), 0);
        expect_file(&t, "7.jsonl", line(7, "the", run));
    }
    expect_file(&t, "7~2.jsonl", NULL);
    remove_folder(t.folder);
}

TEST(sink_file, one_writer_for_a_folder)
{
    struct trial t;
    struct strbuf err = {0};

    trial_begin(&t, SINK_ROWS_JSONL, 0);
    trial_open(&t, true);
    struct sink *other = sink_open(&t.conf, &(struct sink_env){.live = true}, &err);
    EXPECT(other != NULL);
    EXPECT_EQ_INT(sink_stream(other, &make_counts), -EBUSY);
    EXPECT_HAS_STR(other->error, "sink 'files': '");
    EXPECT_HAS_STR(other->error, "is being written by another sink or another run");
    sink_close(other, &err);
    EXPECT_EQ_INT(trial_close(&t), 0);
    strbuf_release(&err);
    remove_folder(t.folder);
}

TEST(sink_file, a_path_that_cannot_be)
{
    struct trial t;
    struct strbuf err = {0};

    trial_begin(&t, SINK_ROWS_JSONL, 0);
    snprintf(t.path, sizeof t.path, "%s/file/below", t.folder);
    char file[96];
    snprintf(file, sizeof file, "%s/file", t.folder);
    fclose(fopen(file, "w"));
    EXPECT(sink_open(&t.conf, &(struct sink_env){.live = true}, &err) == NULL);
    EXPECT_HAS_STR(err.s, "cannot make the folder '");
    EXPECT_HAS_STR(err.s, "Not a directory");
    strbuf_release(&err);
    remove_folder(t.folder);
}

// The limit on file sizes stands in for a full disk where there is no right to mount one.
TEST(sink_file, a_file_that_may_not_grow)
{
    struct trial t;
    struct rlimit was, small;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    char word[401] = "";

    memset(word, 'x', sizeof word - 1);
    trial_begin(&t, SINK_ROWS_JSONL, 5000000000);
    trial_open(&t, true);
    EXPECT_EQ_INT(trial_write(&t, 5, "kept", 1), 0);
    sigaction(SIGXFSZ, &ignore, &before);
    getrlimit(RLIMIT_FSIZE, &was);
    small = was;
    small.rlim_cur = 300;
    setrlimit(RLIMIT_FSIZE, &small);
    EXPECT_EQ_INT(trial_write(&t, 6, word, 1), -EFBIG);
    EXPECT_HAS_STR(t.sink->error, "cannot write ");
    EXPECT_HAS_STR(t.sink->error, "File too large");
    setrlimit(RLIMIT_FSIZE, &was);
    sigaction(SIGXFSZ, &before, NULL);
    EXPECT_EQ_INT(trial_write(&t, 7, "kept too", 1), 0);
    EXPECT_EQ_INT(trial_close(&t), 0);
    char want[512];
    snprintf(want, sizeof want, "%s", line(5, "kept", 1));
    snprintf(want + strlen(want), sizeof want - strlen(want), "%s", line(7, "kept too", 1));
    expect_file(&t, "5.jsonl", want);
    remove_folder(t.folder);
}

TEST(sink_file, a_full_disk)
{
    struct trial t;
    char word[8192];

    memset(word, 'y', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    trial_begin(&t, SINK_ROWS_JSONL, 0);
    mkdir(t.path, 0755);
    if (mount("tmpfs", t.folder, "tmpfs", 0, "size=32k")) {
        remove_folder(t.folder);
        return; // no right to mount: the test above does what it can
    }
    trial_open(&t, true);
    uint64_t i = 0;
    int rc = 0;
    while (i < 20 && (rc = trial_write(&t, i, word, 1)) == 0)
        i++;
    EXPECT(i >= 1);
    EXPECT_EQ_INT(rc, -ENOSPC);
    EXPECT_HAS_STR(t.sink->error, "No space left on device");
    EXPECT_EQ_INT(trial_write(&t, i + 1, word, 1), -ENOSPC);
    char name[64];
    snprintf(name, sizeof name, "%llu.jsonl", (unsigned long long)i);
    expect_file(&t, name, NULL); // no half a file
    char full[256];
    snprintf(full, sizeof full, "%s/counts/0.jsonl", t.path);
    unlink(full);
    EXPECT_EQ_INT(trial_write(&t, i + 2, "room again", 1), 0);
    EXPECT_EQ_INT(trial_close(&t), 0);
    umount(t.folder);
    remove_folder(t.folder);
}
