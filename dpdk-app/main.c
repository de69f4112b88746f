#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dpdk-app/command.h"
#include "dpdk-app/doctor.h"
#include "io/fdio.h"
#include "io/send.h"
#include "job/job.h"

static int command_doctor(int argc, char **argv)
{
    (void)argv;
    if (argc > 1) {
        fputs("millrace doctor: takes no arguments\n", stderr);
        return EXIT_USAGE;
    }
    return doctor_run(stdout);
}

static int command_help(int argc, char **argv);

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage;
} commands[] = {
    {"run", command_run,
     "run JOB... [--config APPLIANCE] [--pcap [PORT=]FILE [--pace] [--loop]]\n"
     "      [--input SOURCE=FILE [--rate R] [--start TIME]] [--stats FILE] [--for 10s]\n"
     "      [--record DIR | --replay DIR] [--show-dropped] [--no-huge]\n"
     "      [--simd scalar|avx2|avx512] [--burst N] [--block-rows N] [-- EAL ARGS]\n"
     "                     runs jobs on the ports of the appliance file, or on files"},
    {"check", command_check, "check JOB...           finds every error of job files"},
    {"plan", command_plan,
     "plan JOB [--config APPLIANCE] [--replay DIR --lineage INTERVAL]\n"
     "                     the D-Stream graph, its stages, and what its state can hold"},
    {"list", command_list,
     "list [sources|sinks|operators|functions|fields]\n"
     "                     what can be written in a job file"},
    {"send", send_main,
     "send --to HOST:PORT [--rate R] [--loop] FILE|-\n"
     "                     sends lines or framed records in UDP datagrams"},
    {"doctor", command_doctor,
     "doctor                 looks at this machine and says what to mend"},
    {"help", command_help, "help                   this text"},
};

static int command_help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("Millrace: Discretized Streams on DPDK.\n\nusage: millrace COMMAND ...\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        printf("  %s\n", commands[i].usage);
    puts("\nExit codes: 0 good, 64 wrong usage, 69 a missing resource of the machine, 78 an "
         "error in a job or appliance file.");
    return 0;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "help";

    job_seams.read_file = file_read;
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "millrace: there is no command '%s'; see `millrace help`\n", name);
    return EXIT_USAGE;
}
