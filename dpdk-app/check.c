/*
 * millrace check, plan and list: what can be said of jobs without running them.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dpdk-app/command.h"
#include "dpdk-app/filter.h"
#include "dpdk-app/plan_print.h"
#include "job/job.h"
#include "rdd/plan.h"

static void put(struct strbuf *text, FILE *f)
{
    if (text->s)
        fputs(text->s, f);
    strbuf_release(text);
}

/* Plans of a checked job, for limits that only the plan knows. */
static bool plan_fits(struct job *j)
{
    char err[256];

    if (plan_build(&j->graph, j->name, j->partitions, &j->zone, err, sizeof err))
        return true;
    fprintf(stderr, "%s: error: %s\n", j->file, err);
    return false;
}

int command_check(int argc, char **argv)
{
    struct diags *d = calloc(1, sizeof *d);
    struct strbuf text = {0};
    bool good = true;

    if (!d)
        abort();
    if (argc < 2) {
        fputs("millrace check: no job file is given\n", stderr);
        free(d);
        return EXIT_USAGE;
    }
    for (int i = 1; i < argc; i++) {
        uint32_t before = d->errors_cnt;
        struct job *j = job_load(argv[i], d, filter_check);
        good &= j && plan_fits(j);
        if (j && d->errors_cnt == before)
            printf("%s: ok\n", argv[i]);
        if (j)
            job_free(j);
    }
    diags_print(d, &text);
    put(&text, stderr);
    good &= d->errors_cnt == 0;
    diags_release(d);
    free(d);
    return good ? 0 : EXIT_BAD_CONFIG;
}

static int plan_one(const char *file, const struct appliance *a, struct diags *d)
{
    struct strbuf text = {0};
    char err[256];
    struct job *j = job_load(file, d, filter_check);

    if (!j)
        return EXIT_BAD_CONFIG;
    struct plan *p = plan_build(&j->graph, j->name, j->partitions, &j->zone, err, sizeof err);
    if (!p) {
        fprintf(stderr, "%s: error: %s\n", file, err);
        job_free(j);
        return EXIT_BAD_CONFIG;
    }
    plan_capacity(p, a->state_bytes);
    plan_print(j, p, a, &text);
    put(&text, stdout);
    job_free(j);
    return 0;
}

int command_plan(int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {NULL, 0, NULL, 0}};
    const char *config = NULL;
    struct strbuf text = {0};
    int opt, rc = 0;

    while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (opt != 'c')
            return EXIT_USAGE;
        config = optarg;
    }
    if (optind == argc) {
        fputs("millrace plan: no job file is given\n", stderr);
        return EXIT_USAGE;
    }
    struct diags *d = calloc(1, sizeof *d);
    if (!d)
        abort();
    struct appliance *a = appliance_load(config ? config : appliance_default(), d);
    for (int i = optind; i < argc && a; i++) {
        int one = plan_one(argv[i], a, d);
        rc = one ? one : rc;
    }
    diags_print(d, &text);
    put(&text, stderr);
    rc = d->errors_cnt ? EXIT_BAD_CONFIG : rc;
    if (a)
        appliance_free(a);
    diags_release(d);
    free(d);
    return rc;
}

int command_list(int argc, char **argv)
{
    struct strbuf text = {0};

    if (argc > 2 || job_list(argc > 1 ? argv[1] : NULL, &text)) {
        strbuf_release(&text);
        fputs("millrace list: takes sources, sinks, operators, functions or fields\n", stderr);
        return EXIT_USAGE;
    }
    put(&text, stdout);
    return 0;
}
