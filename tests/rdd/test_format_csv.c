#include "rdd/format_walk.h"
#include "tests/rdd/format_harness.h"

static const struct format_field fields3[] = {
    {.name = "a", .type = TYPE_STRING},
    {.name = "b", .type = TYPE_INT},
    {.name = "c", .type = TYPE_STRING},
};

static const struct format_field typed[] = {
    {.name = "i", .type = TYPE_INT},  {.name = "f", .type = TYPE_FLOAT},
    {.name = "b", .type = TYPE_BOOL}, {.name = "t", .type = TYPE_TIME},
    {.name = "ip", .type = TYPE_IP},  {.name = "s", .type = TYPE_STRING},
};

static struct harness csv_harness(struct zone *z, const struct format_field *field, uint32_t n)
{
    struct harness h = {0};

    h.spec.format = (struct format){
        .kind = FORMAT_CSV, .separator = ',', .quotes = true, .fields_cnt = n, .field = field};
    harness_schema(&h, z);
    return h;
}

/* How many were dropped, by reason: "fields 1 bad_quote 2". */
static void drops_print(const struct harness *h, char *out, size_t bytes)
{
    size_t at = 0;

    out[0] = '\0';
    for (int i = 0; i < RECORD_DROPS_CNT; i++)
        if (h->counters.dropped[i])
            at += (size_t)snprintf(out + at, bytes - at, "%s%s %d", at ? " " : "",
                                   record_drop_name[i], (int)h->counters.dropped[i]);
}

struct csv_case {
    const char *datagram[2];
    const char *rows, *drops;
};

static void run_cases(const struct csv_case *c, size_t cnt, const struct format_field *field,
                      uint32_t fields_cnt, bool tsv)
{
    for (size_t i = 0; i < cnt; i++) {
        struct zone z = {0};
        struct harness h = csv_harness(&z, field, fields_cnt);
        char out[1024], drops[256];
        if (tsv) {
            h.spec.format.separator = '\t';
            h.spec.format.quotes = false;
        }
        for (int d = 0; d < 2 && c[i].datagram[d]; d++)
            harness_puts(&h, c[i].datagram[d]);
        harness_open(&h, NULL);
        harness_read_all(&h, out, sizeof out);
        drops_print(&h, drops, sizeof drops);
        EXPECT_EQ_STR(out, c[i].rows);
        EXPECT_EQ_STR(drops, c[i].drops);
        EXPECT_EQ_INT(h.counters.bytes, h.len);
        harness_close(&h);
        zone_free(&z);
    }
}

TEST(format_csv, cuts_records)
{
    static const struct csv_case rows[] = {
        {{"x,1,y\n"}, "'x'|1|'y';", ""},
        {{"x,1,y"}, "'x'|1|'y';", ""},
        {{"x,1,y\r\nz,2,w\r\n"}, "'x'|1|'y';'z'|2|'w';", ""},
        {{"x,1", "y\n"}, "", "fields 2"},
        {{"x,1,\n"}, "'x'|1|'';", ""},
        {{",1,"}, "''|1|'';", ""},
        {{"x,1\nx,1,y,z\nx,1,y\n"}, "'x'|1|'y';", "fields 2"},
        {{"\nx,1,y\n"}, "'x'|1|'y';", "fields 1"},
        {{""}, "", ""},
        /* values */
        {{"x,q,y\nx,,y\nx, 1,y\nx,2,y\n"}, "'x'|2|'y';", "bad_value 3"},
        {{"x,99999999999999999999,y\nx,-9223372036854775808,y"},
         "'x'|-9223372036854775808|'y';",
         "bad_value 1"},
        /* quotes */
        {{"\"x\",\"1\",\"y\"\n"}, "'x'|1|'y';", ""},
        {{"\"x\",\"1\",\"y\"\r\nz,2,w"}, "'x'|1|'y';'z'|2|'w';", ""},
        {{"\"a,b\nc\",1,\"\"\n"}, "'a,b\nc'|1|'';", ""},
        {{"\"a\"\"b\",1,\"\"\"\"\nx,2,y\n"}, "'a\"b'|1|'\"';'x'|2|'y';", ""},
        {{"x,2,y\n\"a\"\"b\",1,c\n"}, "'x'|2|'y';'a\"b'|1|'c';", ""},
        {{"\"x\",\"1\"\"\",y\n"}, "", "bad_value 1"},
        /* damage costs one record */
        {{"5\" disk,1,y\nx,2,y\n"}, "'x'|2|'y';", "bad_quote 1"},
        {{"\"x\"z,1,y\nx,2,y\n"}, "'x'|2|'y';", "bad_quote 1"},
        {{"\"x,1,y\nx,2,y\n"}, "'x'|2|'y';", "bad_quote 1"},
        {{"x,1,\"y\nx,2,y", "x,3,y"}, "'x'|2|'y';'x'|3|'y';", "bad_quote 1"},
        {{"x,1,\"y\"\r"}, "", "bad_quote 1"},
        {{"x,1,y\r"}, "'x'|1|'y\r';", ""},
        {{"\""}, "", "bad_quote 1"},
        {{"\"\"\"\n\"\",1,z"}, "''|1|'z';", "bad_quote 1"},
    };

    run_cases(rows, sizeof rows / sizeof rows[0], fields3, 3, false);
}

TEST(format_csv, tsv_has_no_quotes)
{
    static const struct csv_case rows[] = {
        {{"x\t1\ty\n"}, "'x'|1|'y';", ""},
        {{"\"x\t1\ty\"\"\r\n5\"\t2\t,"}, "'\"x'|1|'y\"\"';'5\"'|2|',';", ""},
        {{"x,1,y\n"}, "", "fields 1"},
    };

    run_cases(rows, sizeof rows / sizeof rows[0], fields3, 3, true);
}

TEST(format_csv, reads_every_type)
{
    static const struct csv_case rows[] = {
        {{"-7,2.5,true,1970-01-01T00:00:01Z,1.2.3.4,x\n"},
         "-7|2.5|1|1000000000|00000000000000000000ffff01020304|'x';",
         ""},
        {{"+7,1e3,0,-5,fe80::1,\"\"\n"}, "7|1000|0|-5|fe800000000000000000000000000001|'';", ""},
        {{"7,.1,false,2026-11-20T01:00:00.5+01:00,\"::\",\"\"\"\"\n"},
         "7|0.10000000000000001|0|1795132800500000000|00000000000000000000000000000000|'\"';",
         ""},
        {{"7,inf,1,1,::,x\n7,1,yes,1,::,x\n7,1,1,now,::,x\n7,1,1,1,1.2.3,x\n7,1,1,1,::,\n"},
         "7|1|1|1|00000000000000000000000000000000|'';",
         "bad_value 4"},
    };

    run_cases(rows, sizeof rows / sizeof rows[0], typed, 6, false);
}

/* What the program does not read is not parsed, but the fields are counted. */
TEST(format_csv, checks_only_what_is_read)
{
    struct zone z = {0};
    struct harness h = csv_harness(&z, fields3, 3);
    char out[256];

    harness_puts(&h, "x,bad,y\nx,1\n\"z\",,w\n");
    harness_open(&h, (bool[]){false, false, true});
    harness_read_all(&h, out, sizeof out);
    EXPECT_EQ_STR(out, "||'y';||'w';");
    EXPECT_EQ_INT(h.counters.dropped[RECORD_FIELDS], 1);
    harness_close(&h);
    zone_free(&z);
}

struct text {
    char *s;
    size_t len, bytes;
};

static void text_add(struct text *t, const char *s, size_t n)
{
    if (t->len + n >= t->bytes) {
        t->bytes = 2 * (t->len + n) + 64;
        t->s = realloc(t->s, t->bytes);
    }
    memcpy(t->s + t->len, s, n);
    t->len += n;
    t->s[t->len] = '\0';
}

static void show(void *ctx, enum record_drop why, const uint8_t *bytes, uint32_t len)
{
    struct text *t = ctx;
    char line[128];

    text_add(t, line,
             (size_t)snprintf(line, sizeof line, "%s<%.*s>", record_drop_name[why], (int)len,
                              (const char *)bytes));
}

TEST(format_csv, shows_what_it_drops)
{
    struct zone z = {0};
    struct harness h = csv_harness(&z, fields3, 3);
    struct text shown = {0};
    char out[256];

    harness_puts(&h, "x,1\r\nx,q,y\r\nx,\"\"z\nx,1,y\n");
    harness_open(&h, NULL);
    h.reader.shown = show;
    h.reader.shown_ctx = &shown;
    harness_read_all(&h, out, sizeof out);
    EXPECT_EQ_STR(shown.s, "fields<x,1>bad_quote<x,\"\"z>bad_value<x,q,y>");
    free(shown.s);
    harness_close(&h);
    zone_free(&z);
}

/* ---- against the plain way ---------------------------------------------------------------- */

/* One record of a run, character by character: its fields to `row` as "'a'|'b'|". Returns where
 * the next one begins. */
static uint32_t naive_record(const uint8_t *b, uint32_t at, uint32_t end, bool quotes,
                             struct text *row, int *fields, bool *damaged)
{
    row->len = 0;
    *fields = 0;
    *damaged = false;
    for (;;) {
        uint32_t from = at;
        text_add(row, "'", 1);
        if (quotes && at < end && b[at] == '"') {
            bool closed = false;
            for (at++; at < end && at - from < RECORD_BYTES_MAX; at++) {
                if (b[at] != '"') {
                    text_add(row, (const char *)b + at, 1);
                } else if (at + 1 < end && b[at + 1] == '"' && at + 1 - from < RECORD_BYTES_MAX) {
                    text_add(row, "\"", 1);
                    at++;
                } else {
                    closed = true;
                    at++;
                    break;
                }
            }
            if (at + 1 < end && b[at] == '\r' && b[at + 1] == '\n')
                at++;
            if (!closed || (at < end && b[at] != ',' && b[at] != '\n')) {
                *damaged = true;
                for (at = from; at < end && b[at] != '\n';)
                    at++;
                return at + 1;
            }
        } else {
            for (; at < end && b[at] != ',' && b[at] != '\n'; at++) {
                if (quotes && b[at] == '"') {
                    *damaged = true;
                    while (at < end && b[at] != '\n')
                        at++;
                    return at + 1;
                }
                if (b[at] != '\r' || at + 1 == end || b[at + 1] != '\n')
                    text_add(row, (const char *)b + at, 1);
            }
        }
        text_add(row, "'|", 2);
        ++*fields;
        if (at >= end || b[at] == '\n')
            return at + 1;
        at++;
    }
}

/* All records of all runs; every field a string. */
static struct text naive_csv(const struct harness *h, uint64_t *dropped)
{
    struct text all = {0}, row = {0};

    text_add(&all, "", 0);
    for (uint32_t r = 0; r < h->runs_cnt; r++) {
        uint32_t at = h->run[r].off, end = at + h->run[r].len;
        while (at < end) {
            int fields;
            bool damaged;
            at = naive_record(h->bytes, at, end, h->spec.format.quotes, &row, &fields, &damaged);
            if (damaged)
                dropped[RECORD_BAD_QUOTE]++;
            else if (fields != (int)h->spec.format.fields_cnt)
                dropped[RECORD_FIELDS]++;
            else
                text_add(&all, row.s, row.len);
        }
    }
    free(row.s);
    return all;
}

static void add_column(struct text *t, const struct col *c, uint32_t row)
{
    text_add(t, "'", 1);
    text_add(t, (const char *)c->s.base + c->s.off[row], c->s.len[row]);
    text_add(t, "'|", 2);
}

static struct text read_strings(struct harness *h)
{
    struct text all = {0};
    uint64_t next = 0;
    int n;

    text_add(&all, "", 0);
    harness_open(h, NULL);
    while ((n = harness_read(h)) > 0) {
        EXPECT_EQ_INT(h->vec.ord_lo, next);
        next += h->vec.rows;
        for (int i = 0; i < n; i++)
            for (uint32_t k = 0; k < h->vec.cols_cnt; k++)
                add_column(&all, &h->col[k], vec_row(&h->vec, (uint32_t)i));
    }
    EXPECT_EQ_INT(n, 0);
    return all;
}

static const struct format_field strings[] = {{.name = "a", .type = TYPE_STRING},
                                              {.name = "b", .type = TYPE_STRING},
                                              {.name = "c", .type = TYPE_STRING},
                                              {.name = "d", .type = TYPE_STRING}};

/* Mostly sound records, with a wrong byte here and there. */
static void random_csv(struct prng *p, struct text *t, uint32_t fields, uint32_t records)
{
    uint32_t quoted = (uint32_t)prng_below(p, 3) * 30, wild = prng_chance(p, 30) ? 3 : 0;
    uint32_t len_max = 1 + (uint32_t)prng_below(p, prng_chance(p, 5) ? 3000 : 30);

    for (uint32_t i = 0; i < records; i++) {
        for (uint32_t k = 0; k < fields; k++) {
            bool q = prng_chance(p, quoted);
            uint32_t len = (uint32_t)prng_below(p, len_max);
            text_add(t, "\"", q);
            for (uint32_t x = 0; x < len; x++) {
                char c = prng_chance(p, wild) ? ",\"\n\r"[prng_below(p, 4)]
                                              : (char)('a' + prng_below(p, 26));
                if (q && prng_chance(p, 10))
                    text_add(t, prng_chance(p, 50) ? "\"\"" : ",\n", 2);
                text_add(t, &c, 1);
            }
            text_add(t, "\"", q);
            text_add(t, ",", k + 1 < fields || prng_chance(p, wild));
        }
        text_add(t, prng_chance(p, 20) ? "\r\n" : "\n", prng_chance(p, 20) ? 2 : 1);
    }
}

TEST(format_csv, finds_what_the_plain_way_finds)
{
    struct prng p = prng_of(prng_seed(51));

    for (int round = 0; round < 600; round++) {
        struct zone z = {0};
        uint32_t fields = 1 + (uint32_t)prng_below(&p, 4);
        struct harness h = csv_harness(&z, strings, fields);
        h.spec.format.quotes = prng_chance(&p, 80);
        if (simd_init((enum simd_level)(round % 3)))
            simd_init(SIMD_SCALAR);
        for (uint32_t d = 0, n = 1 + (uint32_t)prng_below(&p, 8); d < n; d++) {
            struct text t = {0};
            random_csv(&p, &t, fields, (uint32_t)prng_below(&p, round % 50 ? 30 : 2000));
            harness_put(&h, t.s,
                        (uint32_t)(prng_chance(&p, 20) ? prng_below(&p, t.len + 1) : t.len));
            free(t.s);
        }
        uint64_t dropped[RECORD_DROPS_CNT] = {0};
        struct text expected = naive_csv(&h, dropped), is = read_strings(&h);
        EXPECT_EQ_INT(is.len, expected.len);
        EXPECT_EQ_MEM(is.s, expected.s, is.len < expected.len ? is.len : expected.len);
        EXPECT_EQ_MEM(h.counters.dropped, dropped, sizeof dropped);
        EXPECT_EQ_INT(h.counters.bytes, h.len);
        free(expected.s);
        free(is.s);
        harness_close(&h);
        zone_free(&z);
    }
}

/* A file cut into pieces of any size gives the records of the whole file. */
TEST(format_csv, cut_does_not_show)
{
    struct prng p = prng_of(prng_seed(52));

    for (int round = 0; round < 100; round++) {
        struct zone z = {0};
        struct harness whole = csv_harness(&z, strings, 3), pieces = csv_harness(&z, strings, 3);
        struct text t = {0};
        uint32_t at = 0, size = 200 + (uint32_t)prng_below(&p, 3000);
        if (round % 10 == 0)
            size += 3 * RECORD_BYTES_MAX;
        text_add(&t, "", 0);
        random_csv(&p, &t, 3, round % 10 ? 300 : 20000);
        harness_put(&whole, t.s, (uint32_t)t.len);
        for (uint32_t piece = size; at < t.len;) {
            bool last = piece >= t.len - at;
            uint32_t left = last ? (uint32_t)t.len - at : piece, n;
            format_walk(&pieces.spec.format, (const uint8_t *)t.s + at, left, last, UINT32_MAX, &n);
            piece = n ? size : piece * 2;
            if (n)
                harness_put(&pieces, t.s + at, n);
            at += n;
        }
        struct text expected = read_strings(&whole), is = read_strings(&pieces);
        EXPECT_EQ_INT(is.len, expected.len);
        EXPECT_EQ_MEM(is.s, expected.s, is.len < expected.len ? is.len : expected.len);
        EXPECT_EQ_MEM(whole.counters.dropped, pieces.counters.dropped,
                      sizeof whole.counters.dropped);
        free(expected.s);
        free(is.s);
        free(t.s);
        harness_close(&whole);
        harness_close(&pieces);
        zone_free(&z);
    }
}

TEST(format_csv, many_fields_and_long_records)
{
    static struct format_field many[TYPE_PARTS_MAX];
    struct zone z = {0};
    struct harness h = {0};
    const struct type *part[TYPE_PARTS_MAX];
    struct col col[TYPE_PARTS_MAX];
    struct text t = {0};

    for (uint32_t i = 0; i < TYPE_PARTS_MAX; i++) {
        many[i] = (struct format_field){.name = "x", .type = TYPE_STRING};
        part[i] = &type_string;
    }
    h.spec.format = (struct format){.kind = FORMAT_CSV,
                                    .separator = ',',
                                    .quotes = true,
                                    .fields_cnt = TYPE_PARTS_MAX,
                                    .field = many};
    h.spec.type = type_tuple(&z, part, TYPE_PARTS_MAX);
    REQUIRE(h.spec.type);
    for (int i = 0; i < 1000; i++)
        text_add(&t, ",,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,\n", 64);
    for (int i = 0; i < 30000; i++)
        text_add(&t, ",", 1); /* far too many fields */
    text_add(&t, "\n", 1);
    for (int i = 0; i < 70000; i++)
        text_add(&t, "x", 1);
    text_add(&t, "\n\"", 2);
    for (int i = 0; i < 70000; i++)
        text_add(&t, "x", 1);
    text_add(&t, "\",\n\n", 4);
    harness_put(&h, t.s, (uint32_t)t.len);
    harness_open(&h, NULL);
    h.vec.col = col;
    int n, rows = 0;
    while ((n = harness_read(&h)) > 0)
        rows += n;
    EXPECT_EQ_INT(n, 0);
    EXPECT_EQ_INT(rows, 1000);
    EXPECT_EQ_INT(h.counters.dropped[RECORD_FIELDS], 2);
    EXPECT_EQ_INT(h.counters.dropped[RECORD_TOO_LONG], 1);
    EXPECT_EQ_INT(h.counters.dropped[RECORD_BAD_QUOTE], 1);
    free(t.s);
    harness_close(&h);
    zone_free(&z);
}
