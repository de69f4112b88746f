#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/sink.h"
#include "tests/io/make_rdd.h"
#include "tests/test.h"

// A console whose output goes into a file that is read back.
struct trial {
    char folder[64];
    int fd;
    struct screen screen;
    struct sink *sink;
};

static const struct sink_conf table_conf = {
    .name = "screen", .type = "console", .rows = SINK_ROWS_TABLE};
static const struct sink_conf jsonl_conf = {
    .name = "screen", .type = "console", .rows = SINK_ROWS_JSONL};

static void trial_begin(struct trial *t, const struct sink_conf *conf, bool tty)
{
    char path[96];
    struct strbuf err = {0};

    make_folder(t->folder);
    snprintf(path, sizeof path, "%s/out", t->folder);
    t->fd = open(path, O_RDWR | O_CREAT | O_APPEND, 0600);
    screen_init(&t->screen, t->fd, tty);
    t->sink = sink_open(conf, &(struct sink_env){.live = true, .screen = &t->screen}, &err);
    EXPECT(t->sink != NULL);
    EXPECT_EQ_INT(sink_stream(t->sink, &make_counts), 0);
}

static void trial_write(struct trial *t, uint64_t interval, bool complete, uint32_t rows_cnt)
{
    static struct make_rdd m;
    struct out_rows rows = {0};
    struct strbuf key = {0}, value = {0};

    make_rdd(&m, &make_counts, interval);
    m.rdd.complete = complete;
    make_block(&m);
    for (uint32_t i = 0; i < rows_cnt; i++) {
        strbuf_clear(&key);
        strbuf_printf(&key, "w%02u", i);
        strbuf_clear(&value);
        enc_put_int(&value, i * i);
        make_row(&m, 0, 0, &key, &value);
    }
    out_rows_sort(&rows, &m.rdd);
    EXPECT_EQ_INT(sink_write(t->sink, &m.rdd, &rows), 0);
    out_rows_release(&rows);
    make_release(&m);
    strbuf_release(&key);
    strbuf_release(&value);
}

static char *trial_end(struct trial *t)
{
    struct strbuf err = {0};

    EXPECT_EQ_INT(sink_close(t->sink, &err), 0);
    screen_release(&t->screen);
    close(t->fd);
    char *out = read_back(t->folder, "out");
    remove_folder(t->folder);
    return out;
}

TEST(sink_console, json_lines)
{
    struct trial t;

    trial_begin(&t, &jsonl_conf, false);
    trial_write(&t, 4, true, 2);
    trial_write(&t, 5, true, 0);
    trial_write(&t, 6, false, 1);
    char *out = trial_end(&t);
    EXPECT_EQ_STR(out, "{\"interval\": 4, \"end\": \"1970-01-01T00:00:05Z\", \"stream\": "
                       "\"counts\", \"key\": \"w00\", \"value\": 0}\n"
                       "{\"interval\": 4, \"end\": \"1970-01-01T00:00:05Z\", \"stream\": "
                       "\"counts\", \"key\": \"w01\", \"value\": 1}\n"
                       "{\"interval\": 6, \"end\": \"1970-01-01T00:00:07Z\", \"stream\": "
                       "\"counts\", \"key\": \"w00\", \"value\": 0, \"complete\": false}\n");
    free(out);
}

TEST(sink_console, tables_one_after_the_other)
{
    struct trial t;

    trial_begin(&t, &table_conf, false);
    trial_write(&t, 4, true, 12);
    trial_write(&t, 5, false, 1);
    char *out = trial_end(&t);
    EXPECT_HAS_STR(out, "counts  interval 4, end 1970-01-01T00:00:05Z, 12 rows\n"
                        "  key  value\n"
                        "  w00      0\n"
                        "  w01      1\n");
    EXPECT_HAS_STR(out, "  w11    121\n\n"
                        "counts  interval 5, end 1970-01-01T00:00:06Z, 1 row, incomplete\n"
                        "  key  value\n"
                        "  w00      0\n\n");
    free(out);
}

TEST(sink_console, a_table_says_what_it_leaves_out)
{
    struct trial t;

    trial_begin(&t, &table_conf, false);
    trial_write(&t, 4, true, 99);
    char *out = trial_end(&t);
    EXPECT_HAS_STR(out, "99 rows\n");
    EXPECT_HAS_STR(out, "  w49   2401\n  and 49 more\n");
    EXPECT(strstr(out, "w50") == NULL);
    free(out);
}

TEST(sink_console, a_live_table_is_drawn_in_place)
{
    struct trial t;

    trial_begin(&t, &table_conf, true);
    trial_write(&t, 4, true, 2);
    EXPECT_EQ_INT(screen_draw(&t.screen, true), 0);
    trial_write(&t, 5, true, 1);
    char *out = trial_end(&t); // draws what was not drawn
    EXPECT_EQ_STR(out, "\x1b[J"
                       "counts  interval 4, end 1970-01-01T00:00:05Z, 2 rows\n"
                       "  key  value\n"
                       "  w00      0\n"
                       "  w01      1\n"
                       "\x1b[4F\x1b[J"
                       "counts  interval 5, end 1970-01-01T00:00:06Z, 1 row\n"
                       "  key  value\n"
                       "  w00      0\n");
    free(out);
}

// 24 lines and 80 columns where the terminal does not say.
TEST(sink_console, a_drawing_fits_the_terminal)
{
    struct trial t;
    char status[200];

    trial_begin(&t, &table_conf, true);
    uint32_t section = screen_section(&t.screen);
    memset(status, 's', sizeof status);
    status[sizeof status - 1] = '\n';
    trial_write(&t, 4, true, 18);
    screen_show(&t.screen, section, status, sizeof status);
    char *out = trial_end(&t);
    uint32_t lines_cnt = 0, width = 0, width_max = 0;
    for (const char *p = out + 3; *p; p++) {
        width = *p == '\n' ? 0 : width + 1;
        width_max = width > width_max ? width : width_max;
        lines_cnt += *p == '\n';
    }
    EXPECT_EQ_INT(lines_cnt, 21);
    EXPECT_EQ_INT(width_max, 80);
    free(out);

    trial_begin(&t, &table_conf, true);
    trial_write(&t, 4, true, 50);
    out = trial_end(&t);
    lines_cnt = 0;
    for (const char *p = out; *p; p++)
        lines_cnt += *p == '\n';
    EXPECT_EQ_INT(lines_cnt, 23);
    free(out);
}

TEST(sink_console, long_cells_are_cut_by_characters)
{
    struct trial t;
    static struct make_rdd m;
    struct out_rows rows = {0};
    char word[201] = "";

    for (int i = 0; i < 100; i++)
        memcpy(word + 2 * i, "ü", 2);
    trial_begin(&t, &table_conf, false);
    make_rdd(&m, &make_counts, 1);
    make_count(&m, word, 1);
    out_rows_sort(&rows, &m.rdd);
    EXPECT_EQ_INT(sink_write(t.sink, &m.rdd, &rows), 0);
    out_rows_release(&rows);
    make_release(&m);
    char *out = trial_end(&t), want[160];
    snprintf(want, sizeof want, "  %.120s…      1\n", word);
    EXPECT_HAS_STR(out, want);
    free(out);
}

TEST(sink_console, a_reader_that_has_gone)
{
    struct trial t;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    static struct make_rdd m;
    struct out_rows rows = {0};
    int ends[2];

    sigaction(SIGPIPE, &ignore, &before);
    trial_begin(&t, &jsonl_conf, false);
    EXPECT_EQ_INT(pipe(ends), 0);
    close(ends[0]);
    t.screen.fd = ends[1];
    make_rdd(&m, &make_counts, 1);
    make_count(&m, "the", 1);
    out_rows_sort(&rows, &m.rdd);
    EXPECT_EQ_INT(sink_write(t.sink, &m.rdd, &rows), -EPIPE);
    EXPECT_HAS_STR(t.sink->error, "sink 'screen': cannot write to standard output: Broken pipe");
    out_rows_release(&rows);
    make_release(&m);
    close(ends[1]);
    free(trial_end(&t));
    sigaction(SIGPIPE, &before, NULL);
}
