#ifndef BASE_ASAN_H
#define BASE_ASAN_H

// AddressSanitizer does not see into our own pools: a page that was given back is still mapped.
// Whoever frees a page or a slot poisons it, whoever hands it out unpoisons it; a use in between
// is then reported. Without the sanitizer both are nothing. Poison is kept per 8 bytes: give
// 8-byte aligned runs.

#if defined(__SANITIZE_ADDRESS__)
#define MR_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MR_ASAN 1
#endif
#endif

#ifdef MR_ASAN
#include <sanitizer/asan_interface.h>
#define MR_POISON(ptr, n_bytes)   ASAN_POISON_MEMORY_REGION((ptr), (n_bytes))
#define MR_UNPOISON(ptr, n_bytes) ASAN_UNPOISON_MEMORY_REGION((ptr), (n_bytes))
#else
#define MR_POISON(ptr, n_bytes)   ((void)(ptr), (void)(n_bytes))
#define MR_UNPOISON(ptr, n_bytes) ((void)(ptr), (void)(n_bytes))
#endif

#endif
