#ifndef DPDK_APP_DOCTOR_H
#define DPDK_APP_DOCTOR_H

// `millrace doctor`: what of this machine stands in the way of packets, and the command that mends
// it. It starts no EAL and changes nothing: it reads sysfs and procfs, so that it may run beside a
// live appliance. All paths are taken below MILLRACE_SYSROOT, which tests set to a tree of their
// own.
//
// One line for each finding: the check, ok, WARN (works, but slower or less exactly) or FAIL (will
// not start as it is), what was found; under it, indented, the command.

#include <stdio.h>

// Returns 0 when nothing FAILs, else 69 (a missing resource of the machine).
int doctor_run(FILE *out);

#endif
