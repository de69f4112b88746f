/*
 * A sieve: of the records of a source, those without effect are told by one number of theirs.
 *
 * The first filter to see them compares it with a literal, and nothing else reads them. A reader
 * may then look at that number alone, and make rows of the records that pass, with the columns that
 * are read below the filter; or it may leave that to the filter, as it does when a value could be
 * bad, which is counted whatever the filter says.
 */
#ifndef RDD_SIEVE_H
#define RDD_SIEVE_H

#include "rdd/sel.h"
#include "rdd/type.h"

struct sieve {
    bool on; /* is there one? */
    struct comparison by;
    bool want[TYPE_LEAVES_MAX]; /* columns that are read of what it keeps */
    bool ordered;               /* the places of rows are read too */
};

#endif
