#ifndef ASSAY_CSHIMS_H
#define ASSAY_CSHIMS_H

#include <spawn.h>
#include <stddef.h>
#include <stdint.h>

/* Whether this processor has the SHA extensions (CPUID leaf 7, EBX bit 29) and SSE4.1. */
int assay_sha_ni(void);

/* SHA-256 of `count` blocks of `size` bytes each, with `salt` before (salt_last 0) or after (1) every block.
   Digests go to `out`, 32 bytes each. Two blocks are hashed at a time, which hides the latency of the SHA
   instructions. Call only where assay_sha_ni() says so. */
void assay_sha256_blocks(const uint8_t *data, size_t size, size_t count,
                         const uint8_t *salt, size_t salt_size, int salt_last, uint8_t *out);

/* renameat2(2) with RENAME_EXCHANGE: both names stay, their targets change places. 0, or -1 with errno. */
int assay_rename_exchange(const char *a, const char *b);
/* renameat2(2) with RENAME_NOREPLACE. 0, or -1 with errno. */
int assay_rename_noreplace(const char *from, const char *to);
/* BLKGETSIZE64; 0, or -1 with errno. */
int assay_block_device_size(int fd, uint64_t *size);
/* memfd_create(2), closed on exec. A descriptor, or -1 with errno. */
int assay_anonymous_file(void);
/* posix_spawn_file_actions_addchdir_np(3). 0, or an error number. */
int assay_spawn_in(posix_spawn_file_actions_t *actions, const char *directory);
/* pipe2(2), both ends closed on exec; ends[0] is read. 0, or -1 with errno. */
int assay_pipe(int ends[2]);
/* How many words the program was started with, its name included. */
int assay_argument_count(void);
/* One of them; NULL beyond the last. */
const char *assay_argument(int index);

#endif
