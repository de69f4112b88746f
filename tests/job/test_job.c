// What a job file and an appliance file become, key by key; sources against ports; the list.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/job/job_harness.h"
#include "tests/test.h"

static struct checked check_job(const char *text)
{
    return check_text("job.yaml", text, strlen(text));
}

TEST(job, defaults)
{
    struct checked c = check_job("job: j-1\n"
                                 "sources: { lines: { type: udp } }\n"
                                 "sinks: { s: { type: console }, f: { type: file, path: out } }\n"
                                 "program: |\n"
                                 "  lines.output(s)\n"
                                 "  lines.output(f)\n");

    EXPECT_EQ_STR(c.text, "");
    REQUIRE(c.job != NULL);
    const struct job *j = c.job;
    EXPECT_EQ_STR(j->file, "job.yaml");
    EXPECT_EQ_STR(j->name, "j-1");
    EXPECT_EQ_INT(j->interval_ns, 1000000000);
    EXPECT_EQ_INT(j->graph.interval_ns, 1000000000);
    EXPECT_EQ_INT(j->slack_ns, 0);
    EXPECT_EQ_INT(j->partitions, 64);
    EXPECT(!j->map_start_at_boundary);
    EXPECT_EQ_INT(j->sources_cnt, 1);
    const struct job_source *s = &j->source[0];
    EXPECT_EQ_STR(s->spec.name, "lines");
    EXPECT_EQ_INT(s->spec.kind, SOURCE_RECORDS);
    EXPECT_EQ_INT(s->spec.format.kind, FORMAT_TEXT);
    EXPECT(s->port == NULL);
    EXPECT_EQ_INT(s->queues, 0);
    EXPECT_EQ_INT(j->sinks_cnt, 2);
    EXPECT_EQ_INT(j->sink[0].type, SINK_CONSOLE);
    EXPECT_EQ_INT(j->sink[0].format, SINK_TABLE);
    EXPECT_EQ_INT(j->sink[1].format, SINK_JSONL);
    EXPECT_EQ_INT(j->sink[1].roll_ns, 0);
    EXPECT_EQ_STR(j->sink[1].path, "out");
    checked_free(&c);
}

TEST(job, every_key)
{
    struct checked c = check_job(
        "job: j\n"
        "interval: 250ms\n"
        "slack: 0s\n"
        "partitions: 7\n"
        "map_start: boundary\n"
        "sources:\n"
        "  u: { type: udp, port: \"${PORT}\", listen: \"10.0.0.1:${LISTEN}\", format: tsv,\n"
        "       schema: { h: ip, t: time, s: string, f: float, b: bool, i: int }, header: true,\n"
        "       queues: 2 }\n"
        "  v: { type: udp, port: net1, listen: \"[2001:db8::1]:53\", format: frames, length: 4 }\n"
        "  w: { type: packets, port: net0, filter: \"tcp and not port 22\", queues: 3 }\n"
        "  x: { type: udp, listen: 9000, format: csv, schema: { i: int }, separator: \";\" }\n"
        "sinks:\n"
        "  s: { type: console, format: jsonl }\n"
        "  f: { type: file, path: \"$${x}/${PORT}\", format: csv, roll: 1m }\n"
        "program: |\n"
        "  u.union(u).output(s)\n"
        "  v.count().union(w.count()).union(x.count()).output(f)\n");

    EXPECT_EQ_STR(c.text, "");
    REQUIRE(c.job != NULL);
    const struct job *j = c.job;
    EXPECT_EQ_INT(j->interval_ns, 250000000);
    EXPECT_EQ_INT(j->partitions, 7);
    EXPECT(j->map_start_at_boundary);
    REQUIRE(j->sources_cnt == 4);
    const struct job_source *u = &j->source[0], *v = &j->source[1], *w = &j->source[2];
    EXPECT_EQ_STR(u->port, "net0");
    EXPECT_EQ_INT(u->listen_port, 9000);
    EXPECT(!u->listen_any);
    EXPECT_EQ_MEM(u->listen_ip.b, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1", 16);
    EXPECT_EQ_INT(u->queues, 2);
    EXPECT_EQ_INT(u->spec.format.kind, FORMAT_CSV);
    EXPECT_EQ_INT(u->spec.format.separator, '\t');
    EXPECT(!u->spec.format.quotes);
    EXPECT(u->spec.format.header);
    EXPECT_EQ_INT(u->spec.format.fields_cnt, 6);
    EXPECT_EQ_STR(u->spec.format.field[5].name, "i");
    EXPECT_EQ_INT(u->spec.format.field[0].type, TYPE_IP);
    EXPECT_EQ_INT(v->spec.format.length_bytes, 4);
    EXPECT_EQ_INT(v->listen_port, 53);
    EXPECT_EQ_INT(v->listen_ip.b[0], 0x20);
    EXPECT_EQ_INT(w->type, SOURCE_TYPE_PACKETS);
    EXPECT_EQ_STR(w->filter, "tcp and not port 22");
    EXPECT_EQ_INT(j->source[3].spec.format.separator, ';');
    EXPECT(j->source[3].spec.format.quotes);
    EXPECT(j->source[3].listen_any);
    EXPECT_EQ_INT(j->sink[0].format, SINK_JSONL);
    EXPECT_EQ_INT(j->sink[1].format, SINK_CSV);
    EXPECT_EQ_INT(j->sink[1].roll_ns, 60000000000);
    EXPECT_EQ_STR(j->sink[1].path, "${x}/net0");
    checked_free(&c);
}

TEST(job, binary_schema)
{
    struct checked c =
        check_job("job: j\n"
                  "sources:\n"
                  "  b:\n"
                  "    type: udp\n"
                  "    format: binary\n"
                  "    schema:\n"
                  "      id: { type: int, width: 4, signed: true }\n"
                  "      len: { type: int, width: 3, order: little }\n"
                  "      name: { type: string, at: 16, width: 10 }\n"
                  "      load: float\n"
                  "      half: { type: float, width: 4 }\n"
                  "      host: ip\n"
                  "      six: { type: ip, width: 16 }\n"
                  "      ok: bool\n"
                  "      at: time\n"
                  "  r: { type: udp, format: binary, record: 32, schema: { x: int } }\n"
                  "sinks: { s: { type: console } }\n"
                  "program: |\n"
                  "  b.count().union(r.count()).output(s)\n");
    static const struct {
        enum type_kind type;
        enum binary_kind binary;
        uint32_t at, width;
        bool big;
    } fields[] = {
        {TYPE_INT, BINARY_INT, 0, 4, true},        {TYPE_INT, BINARY_UINT, 4, 3, false},
        {TYPE_STRING, BINARY_BYTES, 16, 10, true}, {TYPE_FLOAT, BINARY_FLOAT, 26, 8, true},
        {TYPE_FLOAT, BINARY_FLOAT, 34, 4, true},   {TYPE_IP, BINARY_IP4, 38, 4, true},
        {TYPE_IP, BINARY_IP6, 42, 16, true},       {TYPE_BOOL, BINARY_UINT, 58, 1, true},
        {TYPE_TIME, BINARY_INT, 59, 8, true},
    };

    EXPECT_EQ_STR(c.text, "");
    REQUIRE(c.job != NULL);
    const struct format *f = &c.job->source[0].spec.format;
    REQUIRE(f->fields_cnt == 9);
    for (uint32_t i = 0; i < 9; i++) {
        EXPECT_EQ_INT(f->field[i].type, fields[i].type);
        EXPECT_EQ_INT(f->field[i].binary, fields[i].binary);
        EXPECT_EQ_INT(f->field[i].offset, fields[i].at);
        EXPECT_EQ_INT(f->field[i].width, fields[i].width);
        EXPECT_EQ_INT(f->field[i].big_endian, fields[i].big);
    }
    EXPECT_EQ_INT(f->record_bytes, 67);
    EXPECT_EQ_INT(c.job->source[1].spec.format.record_bytes, 32);
    checked_free(&c);
}

TEST(job, ports)
{
    static const char text[] = "job: j\n"
                               "sources:\n"
                               "  a: { type: packets, port: net0, queues: 4 }\n"
                               "  b: { type: packets, port: nte1 }\n"
                               "  c: { type: packets }\n"
                               "  d: { type: packets, port: net1 }\n"
                               "sinks: { s: { type: console } }\n"
                               "program: |\n"
                               "  a.union(b).union(c).union(d).count().output(s)\n";
    static const char appliance[] = "ports:\n"
                                    "  net0: { device: d0, queues: 2 }\n"
                                    "  net1: { device: d1 }\n";
    struct checked c = check_job(text);
    struct diags *d = calloc(1, sizeof *d);
    struct strbuf out = {0};

    REQUIRE(c.job != NULL);
    job_check_ports(c.job, NULL, d);
    EXPECT_EQ_INT(d->cnt, 0);
    struct appliance *a = appliance_parse("box.yaml", appliance, strlen(appliance), d);
    REQUIRE(a != NULL);
    job_check_port(c.job, 3, a, d);
    EXPECT_EQ_INT(d->cnt, 0);
    job_check_ports(c.job, a, d);
    diags_print(d, &out);
    EXPECT_EQ_STR(out.s, "job.yaml:3:29: error: port 'net0' has 2 queues, and source 'a' wants 4\n"
                         "  3 |   a: { type: packets, port: net0, queues: 4 }\n"
                         "    |                             ^~~~\n"
                         "job.yaml:4:29: error: the appliance box.yaml has no port 'nte1'\n"
                         "  4 |   b: { type: packets, port: nte1 }\n"
                         "    |                             ^~~~ did you mean 'net1'?\n"
                         "job.yaml:5:3: error: source 'c' has no port\n"
                         "  5 |   c: { type: packets }\n"
                         "    |   ^ add port: NAME, or feed it with --input\n"
                         "3 errors. Not started.\n");
    strbuf_release(&out);
    appliance_free(a);
    diags_release(d);
    free(d);
    checked_free(&c);
}

/* ---- files ---- */

static int fake_read(const char *path, struct strbuf *out)
{
    if (strcmp(path, "there.yaml"))
        return -ENOENT;
    strbuf_puts(out, "instance: two\n");
    return 0;
}

TEST(job, load)
{
    struct diags *d = calloc(1, sizeof *d);
    struct strbuf out = {0};

    job_seams.read_file = fake_read;
    EXPECT(job_load("gone.yaml", d, NULL) == NULL);
    struct appliance *a = appliance_load("there.yaml", d);
    job_seams.read_file = NULL;
    REQUIRE(a != NULL);
    EXPECT_EQ_STR(a->instance, "two");
    diags_print(d, &out);
    EXPECT_EQ_STR(out.s, "gone.yaml: error: cannot be read: No such file or directory\n"
                         "1 error. Not started.\n");
    appliance_free(a);
    strbuf_release(&out);
    diags_release(d);
    free(d);
}

/* ---- the appliance ---- */

static struct appliance *appliance_of(const char *text)
{
    struct diags *d = calloc(1, sizeof *d);
    struct appliance *a = appliance_parse("a.yaml", text, strlen(text), d);

    EXPECT_EQ_INT(d->cnt, 0);
    diags_release(d);
    free(d);
    return a;
}

TEST(appliance, defaults)
{
    struct appliance *a = appliance_of("{}");

    REQUIRE(a != NULL);
    EXPECT_EQ_INT(a->ports_cnt, 0);
    EXPECT(a->all_on_one);
    EXPECT_EQ_INT(a->control, 0);
    EXPECT_EQ_INT(a->ingest_cnt, 1);
    EXPECT_EQ_INT(a->workers_cnt, 1);
    EXPECT_EQ_INT(a->blocks_bytes, 512 << 20);
    EXPECT_EQ_INT(a->state_bytes, 256 << 20);
    EXPECT_EQ_INT(a->idle, IDLE_ADAPTIVE);
    EXPECT_EQ_STR(a->instance, "millrace");
    appliance_free(a);
}

TEST(appliance, every_key)
{
    struct appliance *a = appliance_of(
        "ports:\n"
        "  net0: { device: \"0000:3b:00.0\", queues: 4, rxd: 512, mode: host, address: 10.1.2.3,\n"
        "          rss: symmetric, mtu: 9000 }\n"
        "  net1: { device: net_null0 }\n"
        "  net2: { device: net_null1, address: 10.1.2.4 }\n"
        "lcores: { control: 5, ingest: [1, 3-4], workers: 6-8 }\n"
        "memory: { blocks: 4GB, state: 1.5GB }\n"
        "idle: busy\n"
        "instance: box-2\n");
    static const uint32_t ingest[] = {1, 3, 4}, workers[] = {6, 7, 8};

    REQUIRE(a != NULL);
    REQUIRE(a->ports_cnt == 3);
    const struct port_conf *p = &a->port[0];
    EXPECT_EQ_STR(p->name, "net0");
    EXPECT_EQ_STR(p->device, "0000:3b:00.0");
    EXPECT_EQ_INT(p->queues, 4);
    EXPECT_EQ_INT(p->rxd, 512);
    EXPECT_EQ_INT(p->mode, PORT_HOST);
    EXPECT(p->has_address);
    EXPECT_EQ_INT(p->address.b[15], 3);
    EXPECT_EQ_INT(p->rss, RSS_SYMMETRIC);
    EXPECT_EQ_INT(p->mtu, 9000);
    EXPECT_EQ_INT(a->port[1].queues, 1);
    EXPECT_EQ_INT(a->port[1].mode, PORT_MIRROR);
    EXPECT_EQ_INT(a->port[1].mtu, 0);
    EXPECT_EQ_INT(a->port[2].mode, PORT_HOST);
    EXPECT(!a->all_on_one);
    EXPECT_EQ_INT(a->control, 5);
    REQUIRE(a->ingest_cnt == 3 && a->workers_cnt == 3);
    EXPECT_EQ_MEM(a->ingest, ingest, sizeof ingest);
    EXPECT_EQ_MEM(a->worker, workers, sizeof workers);
    EXPECT_EQ_INT(a->blocks_bytes, 4ll << 30);
    EXPECT_EQ_INT(a->state_bytes, 3ll << 29);
    EXPECT_EQ_INT(a->idle, IDLE_BUSY);
    EXPECT_EQ_STR(a->instance, "box-2");
    appliance_free(a);
}

/* ---- the list ---- */

TEST(list, is_made_of_the_tables)
{
    static const struct {
        const char *what, *has;
    } table[] = {
        {"sources", "type: packets"},
        {"sources", "separator"},
        {"sources", "Format csv, tsv"},
        {"sinks", "type: file"},
        {"sinks", "roll"},
        {"operators", "reduceByKeyAndWindow("},
        {"operators", "leftOuterJoin"},
        {"functions", "split(string): list(string)"},
        {"functions", "time - time: int"},
        {"fields", "src_ip: ip"},
        {"fields", "(line: string)"},
        {NULL, "output(sink)"},
    };

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct strbuf b = {0};
        EXPECT_EQ_INT(job_list(table[i].what, &b), 0);
        EXPECT_HAS_STR(b.s, table[i].has);
        strbuf_release(&b);
    }
    struct strbuf b = {0};
    EXPECT_EQ_INT(job_list("nonsense", &b), -EINVAL);
    strbuf_release(&b);
}
