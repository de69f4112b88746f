/*
 * The commands of `millrace`, one function each; main.c holds the table.
 */
#ifndef DPDK_APP_COMMAND_H
#define DPDK_APP_COMMAND_H

int command_run(int argc, char **argv);
int command_check(int argc, char **argv);
int command_plan(int argc, char **argv);
int command_list(int argc, char **argv);

#define EXIT_USAGE 64

#endif
